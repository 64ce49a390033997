import type { Command } from 'commander'
import { runTaskInline } from '../../runtime/index.ts'
import type { Context } from '../context.ts'
import type { WithContext } from '../main.ts'
import { arrayOption, objectOption } from '../options.ts'

interface RunOptions {
  params?: string
  inputs?: string
  inspect?: boolean
}

export function addTaskCommands(program: Command, context: WithContext): void {
  const task = program.command('task').description('tasks by themselves')
  task
    .command('run <dag> <task>')
    .description('run one task in this terminal, as the files are now: no run is made, what it writes is written')
    .option('--params <json>', "parameters over the DAG's own, a JSON object")
    .option('--inputs <json>', 'results of the tasks it is called with, a JSON array')
    .option('--inspect', 'for a debugger: print where it listens')
    .action(async (dag: string, name: string, { params, inputs, inspect }: RunOptions) => {
      const own = context()
      const { output, projectDir } = own
      const stop = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
      const end = await runTaskInline({
        projectDir,
        env: process.env,
        dag,
        task: name,
        params: objectOption('--params', params ?? '{}'),
        inputs: arrayOption('--inputs', inputs ?? '[]'),
        running: await runningSystems(own),
        onLine: (line) => output.line(line),
        ...(inspect === true ? { onDebugger: (url: string) => output.line(`debugger listens on ${url}`) } : {}),
        signal: stop.signal,
      })
      output.data(end)
      if (end.is === 'ok') return output.line(`ok${end.value === null ? '' : ` ${JSON.stringify(end.value)}`}`)
      if (end.is === 'skipped') return output.line(`skipped: ${end.reason}`)
      if (end.is === 'deferred') return output.line(`deferred until ${new Date(end.untilMs).toISOString()}`)
      output.line(end.is === 'failed' ? `failed: ${end.error.message} (${end.error.code})` : `${end.is}: ${end.reason}`)
      process.exitCode = 1
    })
}

async function runningSystems({ api, running }: Context): Promise<Parameters<typeof runTaskInline>[0]['running']> {
  const systems = await running()
  if (systems === null) return null
  const { parts } = await (await api()).status()
  const found = parts.find(({ name }) => name === 'random-user')
  const is = found?.is === 'remote' ? 'live' : 'local'
  return { ...systems, randomUser: found === undefined ? null : { url: found.address, is, why: found.detail } }
}
