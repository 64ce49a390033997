import { resolve } from 'node:path'
import type { Command } from 'commander'
import { checkTables, compactTables } from '../../runtime/index.ts'
import type { Context } from '../context.ts'
import type { WithContext } from '../main.ts'
import { counted, numeral } from '../output.ts'
import { createProgress } from '../progress.ts'

const mostShown = 50

/** Commands about the embedded store's files. */
export function addTableFolderCommands(tables: Command, context: WithContext): void {
  const dataDir = ['--data-dir <dir>', "data folder (default: the project's)"] as const
  tables
    .command('check')
    .description('read all that the embedded tables hold, also while Millrace runs, and say what is damaged')
    .option(...dataDir)
    .action((options: { dataDir?: string }) => check(context(), options))
  tables
    .command('compact')
    .description('take deleted and expired cells out of the embedded tables and give their room back; Millrace must not run')
    .option(...dataDir)
    .action((options: { dataDir?: string }) => compact(context(), options))
}

async function folderOf(context: Context, given: string | undefined): Promise<string> {
  return given === undefined ? (await context.settings()).dataDir : resolve(given)
}

async function check(context: Context, options: { dataDir?: string }): Promise<void> {
  const { output } = context
  const dataDir = await folderOf(context, options.dataDir)
  const progress = createProgress('records')
  const problems: { where: string; what: string }[] = []
  const checked = await checkTables(dataDir, {
    onProblem: (problem) => {
      if (problems.length < mostShown) problems.push(problem)
    },
    onRecords: (count) => progress.add(count),
  }).finally(() => progress.end())
  output.data({ ...checked, problems })
  output.table(
    ['TABLE', 'RECORDS'],
    checked.tables.map(({ table, records }) => [table, numeral(records)]),
    ['RECORDS'],
  )
  output.line(`commit log: ${checked.logGroups} groups in ${checked.logFiles} files`)
  if (checked.tornBytes > 0) output.line(`  ${checked.tornBytes} bytes at its end were not answered for, or are just being written`)
  for (const { where, what } of problems) output.line(`DAMAGED ${where}: ${what}`)
  if (checked.problems > problems.length) output.line(`and ${checked.problems - problems.length} more`)
  output.line(checked.problems === 0 ? 'nothing is damaged' : `${checked.problems} damaged`)
  if (checked.problems > 0) process.exitCode = 1
}

async function compact(context: Context, options: { dataDir?: string }): Promise<void> {
  const { output } = context
  const dataDir = await folderOf(context, options.dataDir)
  const progress = createProgress('records')
  const compacted = await compactTables(dataDir, (count) => progress.add(count)).finally(() => progress.end())
  output.data(compacted)
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
  const { recordsChanged, bytesBefore, bytesAfter } = compacted
  output.line(
    `${counted(recordsChanged, 'record')} held what was deleted or expired; ${megabytes(bytesBefore)} before, ${megabytes(bytesAfter)} now`,
  )
}
