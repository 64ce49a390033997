import type { Command } from 'commander'
import { plural, type FlowCounts, type StatusView } from '../../core/index.ts'
import { MillraceError, processIsAlive, systemClock } from '../../platform/index.ts'
import { diagnoseStopped } from '../../runtime/index.ts'
import type { WithContext } from '../main.ts'
import { wholeNumberOption } from '../options.ts'
import type { Output } from '../output.ts'
import { printAlerts } from './alerts.ts'

export function addLifecycleCommands(program: Command, context: WithContext): void {
  program
    .command('stop')
    .description('stop the running Millrace, letting tasks and streams finish what is in hand')
    .option('--timeout <seconds>', 'how long to wait for it', '30')
    .action(async ({ timeout }: { timeout: string }) => {
      const { api, output } = context()
      const client = await api()
      const { pid } = await client.status()
      await client.stop()
      const deadlineMs = systemClock.monotonicMs() + wholeNumberOption('--timeout', timeout, 0) * 1_000
      while (processIsAlive(pid)) {
        if (systemClock.monotonicMs() > deadlineMs)
          throw new MillraceError('TIMED_OUT', `Millrace (process ${pid}) has not stopped after ${timeout} s.`)
        await systemClock.sleep(50)
      }
      output.line(`stopped (process ${pid})`)
      output.data({ stopped: true, pid })
    })
  program
    .command('status')
    .description('what runs where, and how much went through')
    .action(async () => {
      const { api, output } = context()
      const status = await (await api()).status()
      output.data(status)
      printStatus(status, output)
    })
  program
    .command('doctor')
    .description('walk source → topic → stream → table and say where and why it stops')
    .action(async () => {
      const { api, output, projectDir } = context()
      const report = await api()
        .then((client) => client.doctor())
        .catch((error: unknown) => {
          if (error instanceof MillraceError && error.code === 'NOT_RUNNING') return diagnoseStopped({ projectDir, env: process.env })
          throw error
        })
      output.data(report)
      output.line(report.summary)
      for (const step of report.steps) {
        output.line(
          `  ${{ ok: '✓', waiting: '…', stopped: '✗' }[step.state]} ${step.at.padEnd(8)} ${step.name}: ${step.found}${step.because === null ? '' : ` — ${step.because}`}`,
        )
      }
      if (report.administrator.length > 0) output.line('to be run by an administrator, then "millrace start" again:')
      for (const command of report.administrator) output.line(`  ${command}`)
      if (!report.healthy) process.exitCode = 1
    })
}

function loadProblem({ code, message, details }: NonNullable<StatusView['loadError']>): string {
  const what = code === 'PIPELINE_INVALID' ? 'pipeline files do not load' : 'pipeline files as they are now are not taken up'
  return `${what}: ${message}${details?.goesOn === 'before' ? ' — what was loaded before goes on' : ''}`
}

function printStatus(status: StatusView, output: Output): void {
  output.line(`project ${status.project} · process ${status.pid} · since ${status.startedAt} · data in ${status.dataDir}`)
  if (status.loadError) output.line(loadProblem(status.loadError))
  for (const warning of status.warnings) output.line(`warning: ${warning}`)
  output.table(
    ['PART', 'WHERE', 'ADDRESS', 'STATE', ''],
    status.parts.map((part) => [part.name, part.is, part.address, part.state, part.detail]),
  )
  output.line()
  if (status.alerts.length > 0) {
    printAlerts(status.alerts, output)
    output.line()
  }
  output.table(
    ['STREAM', 'STATE', 'FETCHED', 'IN TOPIC', 'IN TABLE', 'DEAD LETTERS', 'LAG'],
    status.flows.map((flow) => [
      flow.stream,
      status.streams.find((stream) => stream.stream === flow.stream)?.state.is ?? 'not started',
      ...[flow.fetched, byOffsets(flow, flow.inTopic), flow.inTable, byOffsets(flow, flow.deadLetters), flow.lag].map(
        (count) => count ?? '?',
      ),
    ]),
  )
}

/** `≈`: counted by offsets. */
function byOffsets({ isExact }: FlowCounts, count: number | null): string | number | null {
  return isExact || count === null ? count : `≈ ${count}`
}

/** `load_users: 60 fetched · 60 in topic · 60 in table · 0 dead letters · lag 0`. */
export function flowLine(flow: FlowCounts): string {
  const shown = (count: string | number | null): string => (count === null ? '?' : String(count))
  return `${flow.stream}: ${shown(flow.fetched)} fetched · ${shown(byOffsets(flow, flow.inTopic))} in topic · ${shown(flow.inTable)} in table · ${shown(byOffsets(flow, flow.deadLetters))} ${plural(flow.deadLetters, 'dead letter')} · lag ${shown(flow.lag)}`
}
