import type { Command } from 'commander'
import type { Change, PlanView } from '../../core/index.ts'
import { planOrApply } from '../../runtime/index.ts'
import type { WithContext } from '../main.ts'
import type { Output } from '../output.ts'

const exitCodes = { none: 0, refused: 1, changes: 2 } as const

export function addPlanCommands(program: Command, context: WithContext): void {
  const run = async (apply: boolean): Promise<void> => {
    const { output, projectDir, running } = context()
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
    const options = { projectDir, env: process.env, running: await running(), signal: stop.signal }
    const { plan, made } = await planOrApply(options, apply)
    output.data(apply ? { plan, made: made ?? [] } : plan)
    if (made === null) printPlan(plan, output)
    else for (const each of made) output.line(`made ${each}`)
    if (made?.length === 0) output.line('nothing to make: the definitions alone have changed')
    process.exitCode = made === null ? exitCodes[plan.verdict] : 0
  }
  program
    .command('plan')
    .description('what topics, schemas, tables and streams the pipeline files would change; exit code 0 nothing, 2 changes, 1 refused')
    .action(() => run(false))
  program
    .command('apply')
    .description('do what plan says; nothing while anything is refused')
    .action(() => run(true))
}

const marks: Record<Change, string> = { none: ' ', create: '+', change: '~', remove: '-', refused: '!', unknown: '?' }

function printPlan(plan: PlanView, output: Output): void {
  const line = (change: Change, text: string): void => output.line(`${marks[change]} ${text}`)
  const { topics, schemas, tables, streams } = plan
  for (const { topic, change, partitions, format, formatBy, problems } of topics) {
    if (change === 'none') continue
    line(change, `topic ${topic} (${partitions} partitions${format === null ? '' : `, ${format} by ${formatBy}`})`)
    for (const problem of problems) output.line(`    ${problem}`)
  }
  for (const { subject, change, version, compatibility, added, removed, problems } of schemas) {
    if (change === 'none') continue
    const fields = change === 'create' ? [] : [...added.map((name) => `+${name}`), ...removed.map((name) => `-${name}`)]
    const which = version === null ? '' : ` v${version}`
    line(change, `schema ${subject}${which} ${compatibility}${fields.length === 0 ? '' : ` · ${fields.join(' ')}`}`)
    for (const problem of problems) output.line(`    ${problem}`)
  }
  for (const { table, change, statements, error } of tables) {
    if (change === 'none') continue
    line(change, `table ${table}`)
    for (const statement of statements) output.line(`    ${statement};`)
    if (error !== null) output.line(`    ${error.message}`)
  }
  for (const { stream, topic, table, change, because } of streams)
    if (change !== 'none') line(change, `stream ${stream}: ${topic} → ${table} · ${because}`)
  for (const warning of plan.warnings) output.line(`warning: ${warning}`)
  for (const why of plan.unknown) output.line(`? ${why}`)
  if (plan.administrator.length > 0) output.line('for an administrator:')
  for (const command of plan.administrator) output.line(`    ${command}`)
  if (plan.verdict === 'none') output.line('nothing to change')
  if (plan.verdict === 'refused') output.line('refused: nothing would be changed')
}
