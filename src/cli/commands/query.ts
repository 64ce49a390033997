import { readFileSync } from 'node:fs'
import { text as readAll } from 'node:stream/consumers'
import { Option, type Command } from 'commander'
import type { CassandraSession } from '../../cql-client/index.ts'
import { messageOf, MillraceError } from '../../platform/index.ts'
import type { Context } from '../context.ts'
import type { WithContext } from '../main.ts'
import { historyFile } from '../query/history.ts'
import { formats, type Format } from '../query/rows.ts'
import { describeFailure, runStatement, type Manner } from '../query/run.ts'
import { runShell } from '../query/shell.ts'
import { splitStatements, type Statement } from '../query/statements.ts'

interface QueryOptions {
  execute?: string
  file?: string
  format: Format
  limit?: string
  expand?: boolean
}

/** Rows of the one statement on the command line, unless it is told otherwise. */
const defaultLimit = 1_000
const scriptPageSize = 1_000
const shellPageSize = 100

export function addQueryCommand(program: Command, context: WithContext): void {
  program
    .command('query [cql]')
    .description('CQL: one statement, statements of -e, a file or the standard input, or a shell on a terminal')
    .option('-e, --execute <cql>', 'run these statements, each ended with a semicolon')
    .option('-f, --file <file>', 'run the statements of a file')
    .addOption(new Option('--format <format>', 'how rows are printed').choices(formats).default('table'))
    .option('--expand', 'a line for each column')
    .option('--limit <n>', `rows to print at most of each statement (default: ${defaultLimit} of the one that stands alone, else all)`)
    .action(async (cql: string | undefined, options: QueryOptions) => {
      const full = context()
      const manner = mannerOf(options, cql === undefined ? null : defaultLimit)
      const isShell = cql === undefined && options.execute === undefined && options.file === undefined && process.stdin.isTTY
      if (isShell) return full.withCassandra((session) => shell(session, manner))
      const statements = await statementsOf(cql, options)
      await full.withCassandra((session) => runScript(full, session, statements, manner))
    })
}

function mannerOf({ format, limit, expand }: QueryOptions, usualLimit: number | null): Manner {
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit))
    throw new MillraceError('BAD_REQUEST', `--limit ${limit}: a number of rows, from 1 on.`)
  const isExpanded = expand === true
  return { format, isExpanded, pageSize: scriptPageSize, limit: limit === undefined ? usualLimit : Number(limit), consistency: null }
}

async function statementsOf(cql: string | undefined, { execute, file }: QueryOptions): Promise<readonly Statement[]> {
  if ([cql, execute, file].filter((given) => given !== undefined).length > 1)
    throw new MillraceError('BAD_REQUEST', 'Give one of: a statement, --execute, --file.')
  const { statements, rest } = splitStatements(cql ?? execute ?? (file === undefined ? await readAll(process.stdin) : readText(file)))
  return rest ? [...statements, rest] : statements
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new MillraceError('NOT_FOUND', `--file: ${messageOf(error)}`, { cause: error })
  }
}

/** Statement after statement; the first that fails ends it, with its error's exit code. */
async function runScript({ output }: Context, session: CassandraSession, statements: readonly Statement[], manner: Manner): Promise<void> {
  for (const statement of statements) {
    try {
      if (output.json) output.data(await session.query(statement.text, { pageSize: manner.limit ?? scriptPageSize }))
      else await runStatement(session, statement.text, manner, { write: (text) => void process.stdout.write(text), goOn: async () => true })
    } catch (error) {
      throw describeFailure(error, statement)
    }
  }
}

async function shell(session: CassandraSession, manner: Manner): Promise<void> {
  const own = { ...manner, pageSize: shellPageSize }
  await runShell({ session, manner: own, historyFile: historyFile(process.env), input: process.stdin, output: process.stdout })
}
