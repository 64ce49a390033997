import { Command, CommanderError } from 'commander'
import { asMillraceError, errnoOf } from '../platform/index.ts'
import { version } from '../runtime/index.ts'
import { addAccessCommands } from './commands/access.ts'
import { addAlertCommands } from './commands/alerts.ts'
import { addConfigCommands } from './commands/configs.ts'
import { addConsoleCommand } from './commands/console.ts'
import { addDagCommands } from './commands/dags.ts'
import { addDeadLetterCommands } from './commands/dead-letters.ts'
import { addGroupCommands } from './commands/groups.ts'
import { addInitCommand } from './commands/init.ts'
import { addLifecycleCommands } from './commands/lifecycle.ts'
import { addLogCommands } from './commands/log.ts'
import { addResetCommands } from './commands/reset.ts'
import { addQueryCommand } from './commands/query.ts'
import { addPlanCommands } from './commands/plan.ts'
import { addRandomUserCommand } from './commands/random-user.ts'
import { addRecordCommands } from './commands/records.ts'
import { addServeCommands } from './commands/serve.ts'
import { addStartCommand } from './commands/start.ts'
import { addTableCommands } from './commands/tables.ts'
import { addTaskCommands } from './commands/task.ts'
import { addTopicCommands } from './commands/topics.ts'
import { addTransactionCommands } from './commands/transactions.ts'
import { createContext, type Context, type GlobalOptions } from './context.ts'

/** Gives a command's action its context. */
export type WithContext = () => Context

/** The outermost door: runs one command line and sets the exit code (that of the error catalogue; 64 for wrong usage). */
export async function runCli(args: readonly string[]): Promise<void> {
  const program = createProgram()
  // A reader that has seen enough (`| head`) is no error; what is still printed goes nowhere.
  process.stdout.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') throw error
  })
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 64
      return
    }
    const failure = asMillraceError(error)
    const { json } = program.opts<GlobalOptions>()
    process.stderr.write(json ? `${JSON.stringify({ error: failure.toJSON() })}\n` : `millrace: ${failure.message} (${failure.code})\n`)
    if (failure.code === 'INTERNAL' && error instanceof Error && !json) process.stderr.write(`${error.stack ?? ''}\n`)
    process.exitCode = failure.exitCode
  }
}

function createProgram(): Command {
  const program = new Command('millrace')
    .description('Turns an API into a live, queryable table.')
    .version(version)
    .option('-p, --project <dir>', 'folder of the project (or one inside it)', '.')
    .option('--json', 'print JSON for scripts', false)
    .option('--kafka <servers>', 'Kafka by address, without a running Millrace')
    .option('--cassandra <points>', 'Cassandra by address, without a running Millrace')
    .exitOverride()
  const context: WithContext = () => createContext(program.opts<GlobalOptions>())
  addInitCommand(program, context)
  addStartCommand(program, context)
  addConsoleCommand(program, context)
  addLifecycleCommands(program, context)
  addAlertCommands(program, context)
  addDagCommands(program, context)
  addTaskCommands(program, context)
  addTopicCommands(program, context)
  addGroupCommands(program, context)
  addConfigCommands(program, context)
  addTransactionCommands(program, context)
  addLogCommands(program, context)
  addRecordCommands(program, context)
  addTableCommands(program, context)
  addQueryCommand(program, context)
  addDeadLetterCommands(program, context)
  addResetCommands(program, context)
  addPlanCommands(program, context)
  addAccessCommands(program, context)
  addServeCommands(program, context)
  addRandomUserCommand(program, context)
  for (const command of program.commands) inheritExit(command)
  return program
}

function inheritExit(command: Command): void {
  command.exitOverride()
  for (const inner of command.commands) inheritExit(inner)
}
