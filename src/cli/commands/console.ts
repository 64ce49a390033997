import { resolve } from 'node:path'
import type { Command } from 'commander'
import { startConsole, type ConsoleAlone } from '../../runtime/index.ts'
import type { Context } from '../context.ts'
import type { WithContext } from '../main.ts'
import { basePathOption, portOption } from '../options.ts'

interface ConsoleCommandOptions {
  registry?: string
  localDataCenter?: string
  port?: string
  basePath?: string
  write: boolean
  dataDir?: string
}

export function addConsoleCommand(program: Command, context: WithContext): void {
  program
    .command('console')
    .description('the console alone, on clusters that are there already; it changes nothing there unless --write')
    .option('--registry <url>', 'schema registry, by which Avro values are read')
    .option('--local-data-center <name>', 'of the Cassandra (default: datacenter1)')
    .option('--port <n>', 'port, 0 for any free one (default: 8080, or any free one where that is taken)')
    .option('--base-path <path>', 'path below which a proxy serves it, such as /millrace (default: the config’s, or the root)')
    .option('--write', 'records may be produced and tables changed, by who has the role', false)
    .option('--data-dir <dir>', 'folder for users, sessions and the audit log (default: MILLRACE_DATA_DIR, or .millrace-console)')
    .action(async (options: ConsoleCommandOptions) => {
      const { clusters, output } = context()
      const settings = await clusters({ registry: options.registry, localDataCenter: options.localDataCenter })
      await using console = await startConsole({
        settings,
        dataDir: resolve(options.dataDir ?? process.env.MILLRACE_DATA_DIR ?? '.millrace-console'),
        port: options.port === undefined ? settings.console.port : portOption('--port', options.port),
        basePath: options.basePath === undefined ? settings.console.basePath : basePathOption(options.basePath),
        write: options.write,
      })
      await stayUntilStopped(console, settings.warnings, options.write, output)
    })
}

async function stayUntilStopped(
  console: ConsoleAlone,
  warnings: readonly string[],
  write: boolean,
  output: Context['output'],
): Promise<void> {
  const stopped = new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop())
  })
  const clusters = await console.clusters()
  output.data({ event: 'started', address: console.address, link: console.link, readOnly: !write, clusters })
  for (const { name, address, state, detail } of clusters)
    output.line(`${name.padEnd(10)} ${address} (${state === 'ok' ? detail : `not answering: ${detail}`})`)
  for (const warning of warnings) output.line(`warning    ${warning}`)
  output.line(`console    ${console.link} (signs in once)`)
  output.line(write ? 'writes     operators may produce records, admins change tables' : 'writes     none: --write allows them')
  output.line(`log        ${console.logPath}`)
  await Promise.race([stopped, console.stopRequested, console.failed])
  output.line('stopped')
}
