import { createHash } from 'node:crypto'
import type { RunDetail } from '../core/index.ts'
import type { Logger } from '../platform/index.ts'
import type { AttemptEnd, SchedulerHandle, StartAttempt } from '../scheduler/index.ts'
import { secondsBuckets, startTelemetry, telemetrySettings, type Telemetry } from '../telemetry/index.ts'
import type { DataFolder } from './data-folder.ts'
import type { Settings } from '../settings/index.ts'
import { version } from './version.ts'

/** Traces and counts of the supervisor: DAG runs, attempts, and what the children tell. */
export interface RuntimeTelemetry extends Telemetry {
  readonly warnings: readonly string[]
  /** The same, with a span and its outcome for each attempt; what runs is told its `traceparent`. */
  tracedAttempts(start: StartAttempt): StartAttempt
  /** A span and its outcome for each run that ends. @returns the canceller */
  traceRuns(scheduler: Pick<SchedulerHandle, 'onChange' | 'run'>): () => void
}

export function openTelemetry(
  settings: Settings,
  folder: Pick<DataFolder, 'instance'>,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): RuntimeTelemetry {
  const read = telemetrySettings(env, {
    'service.version': version,
    'service.instance.id': folder.instance,
    'millrace.project': settings.project,
    'process.pid': process.pid,
  })
  const telemetry = startTelemetry({ settings: read.settings, log })
  const names = [placeOfRuns(settings, folder), settings.project]
  return { ...telemetry, warnings: read.warnings, ...tracedWork(telemetry, names) }
}

/** Runs are known by the metadata store that they are in: several Millraces, and all starts of each, name a run's spans alike. */
function placeOfRuns({ metadataUrl }: Settings, { instance }: Pick<DataFolder, 'instance'>): string {
  if (metadataUrl === null) return instance
  const { host, pathname } = new URL(metadataUrl)
  return host + pathname
}

/** @param place of the runs: with the ids of DAG and run it makes a run's trace, whichever process and start asks */
export function tracedWork(
  { tracer, meters }: Pick<Telemetry, 'tracer' | 'meters'>,
  place: readonly string[],
): Pick<RuntimeTelemetry, 'tracedAttempts' | 'traceRuns'> {
  const attempts = meters.counter('millrace_task_attempts_total', 'Attempts of tasks that ended, by outcome.')
  const attemptSeconds = meters.histogram('millrace_task_attempt_duration_seconds', 'How long attempts of tasks took.', secondsBuckets)
  const runs = meters.counter('millrace_dag_runs_total', 'Runs of DAGs that ended, by state.')
  const runSeconds = meters.histogram('millrace_dag_run_duration_seconds', 'How long runs of DAGs took.', secondsBuckets)
  const idsOf = (dagId: string, runId: string): { traceId: string; spanId: string } => {
    const digest = createHash('sha256')
      .update(JSON.stringify([...place, dagId, runId]))
      .digest('hex')
    return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) }
  }

  const tellRun = ({ dagId, runId, state, trigger, queuedAt, startedAt, endedAt }: RunDetail): void => {
    const startMs = Date.parse(startedAt ?? queuedAt)
    const endMs = endedAt === null ? startMs : Date.parse(endedAt)
    const attributes = { 'millrace.dag': dagId, 'millrace.run': runId, 'millrace.trigger': trigger, 'millrace.state': state }
    const span = tracer.startSpan(`dag ${dagId}`, { ids: idsOf(dagId, runId), startMs, attributes })
    if (state === 'failed') span.fail('RUN_FAILED')
    span.end(endMs)
    runs.add(1, { dag: dagId, state })
    runSeconds.record((endMs - startMs) / 1_000, { dag: dagId })
  }
  return {
    tracedAttempts: (start) => (run, on) => {
      const { dagId, runId, taskId, attempt } = run.attempt
      const startedMs = performance.now()
      // The run's own span is made when it ends; that this one is made tells whether the trace is recorded.
      const ofRun = tracer.startSpan(`dag ${dagId}`, { ids: idsOf(dagId, runId) })
      const span = tracer.startSpan(`task ${taskId}`, {
        parent: ofRun.traceparent,
        attributes: { 'millrace.dag': dagId, 'millrace.run': runId, 'millrace.task': taskId, 'millrace.attempt': attempt },
      })
      const { traceparent } = span
      const started = start(traceparent === null ? run : { ...run, ctx: { ...run.ctx, traceparent } }, on)
      const tell = (is: AttemptEnd['is'], code: string | null): void => {
        span.setAttributes({ 'millrace.outcome': is })
        if (code !== null) span.fail(code)
        span.end()
        attempts.add(1, { dag: dagId, task: taskId, outcome: is })
        attemptSeconds.record((performance.now() - startedMs) / 1_000, { dag: dagId, task: taskId })
      }
      void started.end.then(
        (end) => tell(end.is, failureOf(end)),
        () => tell('lost', 'lost'),
      )
      return started
    },
    traceRuns: (scheduler) =>
      scheduler.onChange(({ dagId, runId, taskId, state }) => {
        if (taskId !== undefined || (state !== 'success' && state !== 'failed')) return
        // While the store is away nobody can say when it began.
        scheduler.run(dagId, runId).then(
          (run) => run && tellRun(run),
          () => undefined,
        )
      }),
  }
}

function failureOf(end: AttemptEnd): string | null {
  if (end.is === 'failed') return end.error.code
  return end.is === 'lost' || end.is === 'cancelled' ? end.is : null
}
