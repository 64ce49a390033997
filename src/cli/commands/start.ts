import { relative } from 'node:path'
import type { Command } from 'commander'
import type { DagView, StatusView } from '../../core/index.ts'
import { systemClock } from '../../platform/index.ts'
import { startMillrace, version, type DevOptions, type Millrace } from '../../runtime/index.ts'
import type { Context } from '../context.ts'
import type { WithContext } from '../main.ts'
import type { Output } from '../output.ts'
import { basePathOption } from '../options.ts'
import { flowLine } from './lifecycle.ts'

interface StartCommandOptions {
  triggerOnce?: string
  basePath?: string
}

const basePath = [
  '--base-path <path>',
  'path below which a proxy serves the console, such as /millrace (default: the config’s, or the root)',
] as const

export function addStartCommand(program: Command, context: WithContext): void {
  program
    .command('start')
    .description('start the embedded parts (or connect to real systems), the scheduler and the streams, and stay')
    .option('--trigger-once <dag>', 'trigger this DAG when it has no run yet')
    .option(...basePath)
    .action((options: StartCommandOptions) => startAndStay(context(), options, null))
  program
    .command('dev')
    .description('start, and take pipeline files up whenever they are saved; a mistake leaves what runs running')
    .option('--trigger-once <dag>', 'trigger this DAG when it has no run yet')
    .option(...basePath)
    .option('--inspect', 'start tasks and streams for a debugger, and print where each listens')
    .action(({ inspect, ...options }: StartCommandOptions & { inspect?: boolean }) => {
      const own = context()
      return startAndStay(own, options, devOptions(own.output, inspect === true))
    })
}

function devOptions(output: Output, inspect: boolean): DevOptions {
  return {
    onReload: (line, { ok, tookMs }) => {
      output.data({ event: 'reload', ok, tookMs, line })
      output.line(`${process.stdout.isTTY ? '\r\u001B[2K' : ''}${ok ? '↻' : '✗'} ${line}`)
    },
    ...(inspect
      ? {
          onDebugger: (role, url) => {
            output.data({ event: 'debugger', role, url })
            output.line(`debugger   ${role}: attach to ${new URL(url).host}, or open chrome://inspect (${url})`)
          },
        }
      : {}),
  }
}

async function startAndStay({ output, projectDir }: Context, options: StartCommandOptions, dev: DevOptions | null): Promise<void> {
  const { triggerOnce = null } = options
  const ownPath = options.basePath === undefined ? {} : { basePath: basePathOption(options.basePath) }
  const stop = new AbortController()
  // Before anything is started: an early Ctrl-C is answered once the start can be undone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  const millrace = await startMillrace({
    projectDir,
    env: process.env,
    triggerOnce,
    ...ownPath,
    onWaiting: (line) => output.line(line),
    giveUpWaiting: stop.signal,
    ...(dev ? { dev } : {}),
  })
  try {
    await printStart(millrace, output)
    if (dev !== null) output.line('dev        files are watched: save one, and it is taken up')
    const stopped = new Promise<void>((resolve) => {
      if (stop.signal.aborted) resolve()
      stop.signal.addEventListener('abort', () => resolve())
    })
    const live = showLive(millrace, output, stop.signal)
    await Promise.race([stopped, millrace.stopRequested, millrace.failed])
    stop.abort()
    await live
  } finally {
    stop.abort()
    await millrace.close()
  }
  output.line('stopped')
}

/** At most ten lines, warnings aside: what runs where, which RandomUser source and why, what was there already. */
async function printStart(millrace: Millrace, output: Output): Promise<void> {
  // The metadata store may have gone away again meanwhile; the status says so.
  const [status, dags] = await Promise.all([millrace.status(), millrace.dags().catch(() => [])])
  output.data({ event: 'started', status })
  for (const line of startLines(status, dags, millrace)) output.line(line)
}

function startLines(
  status: StatusView,
  dags: readonly DagView[],
  millrace: Pick<Millrace, 'recoveredRecords' | 'logPath' | 'consoleLink'>,
): string[] {
  const part = (name: StatusView['parts'][number]['name']): string => {
    const found = status.parts.find((each) => each.name === name)
    return found === undefined ? '-' : `${found.address} (${found.is}${found.state === 'failed' ? `, not answering: ${found.detail}` : ''})`
  }
  const source = status.parts.find((each) => each.name === 'random-user')
  const lines = [
    `Millrace ${version} · project ${status.project} · data in ${here(status.dataDir)}`,
    `kafka      ${part('kafka')}`,
    `cassandra  ${part('cassandra')}`,
    ...(status.parts.some((each) => each.name === 'registry') ? [`registry   ${part('registry')}`] : []),
    ...(status.parts.some((each) => each.name === 'scheduler' && each.is === 'remote') ? [`metadata   ${part('scheduler')}`] : []),
    `dags       ${dags.map((dag) => `${dag.id} ${dag.schedule ?? 'manual'}`).join(', ') || 'none'}`,
    `source     RandomUser ${source?.is === 'embedded' ? 'local stand-in' : 'live'} at ${source?.address}: ${source?.detail}`,
  ]
  lines.push(...status.warnings.map((warning) => `warning    ${warning}`))
  if (millrace.consoleLink !== null) lines.push(`console    ${millrace.consoleLink} (signs in once; "millrace open" makes another)`)
  if (status.loadError !== null) return [...lines, `ERROR      ${status.loadError.message}`]
  lines.push(`streams    ${status.flows.map((flow) => `${flow.stream}: ${flow.topic} → ${flow.table}`).join(', ') || 'none'}`)
  const there = status.flows.filter((flow) => (flow.inTopic ?? 0) > 0 || (flow.inTable ?? 0) > 0)
  if (there.length > 0 && millrace.recoveredRecords > 0) {
    lines.push(
      `recovered  ${there.map((flow) => `${flow.isExact ? '' : '≈ '}${flow.inTopic} in ${flow.topic}, ${flow.inTable} in ${flow.table}`).join('; ')}`,
    )
  }
  const [table] = status.flows
  const project = relative(process.cwd(), status.projectDir)
  const command = project === '' ? 'npx millrace' : `npx millrace -p ${project}`
  lines.push(
    table === undefined
      ? `log        ${millrace.logPath}`
      : `look       ${command} query "SELECT * FROM ${table.table} LIMIT 3" · ${command} doctor · log ${here(millrace.logPath)}`,
  )
  return lines
}

/** A path as one would type it from here. */
function here(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}

/** One live line on a terminal; elsewhere a plain line whenever the counts changed. */
async function showLive(millrace: Millrace, output: Output, signal: AbortSignal): Promise<void> {
  const isTerminal = process.stdout.isTTY && !output.json
  let shown = ''
  while (!signal.aborted) {
    const status = await millrace.status()
    const text = status.flows.map(flowLine).join(' | ')
    if (text !== shown && text !== '') {
      if (isTerminal) process.stdout.write(`\r\u001B[2K${text.slice(0, Math.max(20, process.stdout.columns - 1))}`)
      else output.line(text)
      output.data({ event: 'counts', flows: status.flows })
      shown = text
    }
    await systemClock.sleep(1_000, signal).catch(() => undefined)
  }
  if (isTerminal && shown !== '') process.stdout.write('\n')
}
