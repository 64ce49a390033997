import { expect, test, vi } from 'vitest'
import type { RunDetail, SpanData } from '../core/index.ts'
import type { AttemptEnd, AttemptStart, ChangeEvent, StartAttempt } from '../scheduler/index.ts'
import { createTracer, Meters, noTracer, parseTraceparent, prometheusText, type Tracer } from '../telemetry/index.ts'
import { tracedWork } from './telemetry.ts'

const events = { log: () => undefined, progress: () => undefined, xcom: () => undefined, heartbeat: () => undefined }
const attempt: AttemptStart = {
  attempt: { dagId: 'd', runId: 'r', taskId: 't', attempt: 2, epoch: 1 },
  task: { module: '', export: '', node: 't', digest: '' },
  ctx: {
    project: 'users',
    dagId: 'd',
    runId: 'r',
    taskId: 't',
    attempt: 2,
    logicalDate: '2026-01-01T00:00:00.000Z',
    dataInterval: { start: '2026-01-01T00:00:00.000Z', end: '2026-01-02T00:00:00.000Z' },
    params: {},
    inputs: [],
  },
  executionTimeoutMs: null,
}
const run: RunDetail = {
  dagId: 'd',
  runId: 'r',
  state: 'failed',
  reason: 'ada@example.org is no number',
  trigger: 'manual',
  logicalDate: '2026-01-01T00:00:00.000Z',
  dataInterval: { start: '2026-01-01T00:00:00.000Z', end: '2026-01-02T00:00:00.000Z' },
  queuedAt: '2026-01-01T00:00:00.000Z',
  startedAt: '2026-01-01T00:00:01.000Z',
  endedAt: '2026-01-01T00:00:03.000Z',
  params: {},
  dagVersion: 1,
  tasks: [],
}

/** A supervisor that was just started. */
function rig(tracer?: (onEnd: (span: SpanData) => void) => Tracer) {
  const spans: SpanData[] = []
  const onEnd = (span: SpanData): void => void spans.push(span)
  const meters = new Meters()
  const work = tracedWork({ tracer: tracer?.(onEnd) ?? createTracer({ sampler: () => true, onEnd }), meters }, ['folder', 'users'])
  const told: (string | undefined)[] = []
  const start = async (end: Promise<AttemptEnd>): Promise<void> => {
    const pool: StartAttempt = ({ ctx }) => {
      told.push(ctx.traceparent)
      return { end, cancel: () => undefined }
    }
    const started = work.tracedAttempts(pool)(attempt, events)
    await started.end.catch(() => undefined)
  }
  return { work, spans, told, start, text: () => prometheusText(meters.collect()) }
}

test('attempts are parts of their run, whichever start of Millrace they ran in', async () => {
  const [before, after] = [rig(), rig()]
  await before.start(Promise.resolve({ is: 'lost', reason: 'its process was ended by SIGKILL' }))
  await after.start(Promise.resolve({ is: 'ok', value: null }))
  const listeners: ((event: ChangeEvent) => void)[] = []
  after.work.traceRuns({
    onChange: (listener) => {
      listeners.push(listener)
      return () => undefined
    },
    run: () => Promise.resolve(run),
  })
  const tell = (state: string, taskId?: string): void =>
    listeners.forEach((listener) => listener({ dagId: 'd', runId: 'r', state, ...(taskId === undefined ? {} : { taskId }) }))
  tell('running')
  tell('success', 't')
  tell('failed')
  await vi.waitFor(() => expect(after.spans).toHaveLength(2))
  const [lost, ok, whole] = [...before.spans, ...after.spans]
  expect(whole).toMatchObject({
    name: 'dag d',
    parentSpanId: null,
    error: 'RUN_FAILED',
    startMs: Date.parse('2026-01-01T00:00:01.000Z'),
    endMs: Date.parse('2026-01-01T00:00:03.000Z'),
  })
  expect(lost).toMatchObject({ name: 'task t', traceId: whole?.traceId, parentSpanId: whole?.spanId, error: 'lost' })
  expect(ok).toMatchObject({ traceId: whole?.traceId, parentSpanId: whole?.spanId, error: null })
  expect(parseTraceparent(after.told[0])).toEqual({ traceId: ok?.traceId, spanId: ok?.spanId, isSampled: true })
  expect(JSON.stringify([...before.spans, ...after.spans])).not.toContain('ada')
  expect(after.text()).toContain('millrace_dag_runs_total{dag="d",state="failed"} 1\n')
  expect(after.text()).toContain('millrace_dag_run_duration_seconds_sum{dag="d"} 2\n')
  expect(before.text()).toContain('millrace_task_attempts_total{dag="d",task="t",outcome="lost"} 1\n')
})

test.each<[string, Promise<AttemptEnd>, string | null]>([
  [
    'that fails',
    Promise.resolve({ is: 'failed', error: { code: 'TIMED_OUT', message: '', retriable: true }, retriable: true }),
    'TIMED_OUT',
  ],
  ['that is cancelled', Promise.resolve({ is: 'cancelled', reason: 'by ada' }), 'cancelled'],
  ['that is skipped', Promise.resolve({ is: 'skipped', reason: '' }), null],
])('an attempt %s says so in its span', async (_what, end, error) => {
  const { start, spans } = rig()
  await start(end)
  await vi.waitFor(() => expect(spans).toMatchObject([{ error, attributes: { 'millrace.attempt': 2 } }]))
})

test('where nothing is traced, attempts are counted, and told of no trace', async () => {
  const { start, spans, told, text } = rig(() => noTracer)
  await start(Promise.resolve({ is: 'ok', value: null }))
  expect(told).toEqual([undefined])
  expect(spans).toEqual([])
  await vi.waitFor(() => expect(text()).toContain('outcome="ok"} 1\n'))
})
