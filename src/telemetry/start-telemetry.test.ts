import { expect, test, vi } from 'vitest'
import { createLogger, silentLogger, systemClock } from '../platform/index.ts'
import { telemetrySettings, type TelemetrySettings } from './environment.ts'
import { secondsBuckets, type MetricFamily } from './meters.ts'
import { startTelemetry } from './start-telemetry.ts'
import { startOtlpReceiver, type OtlpReceiver } from './testing/otlp-receiver.ts'

function settingsFor(receiver: OtlpReceiver, env: Record<string, string> = {}): TelemetrySettings {
  const { settings } = telemetrySettings(
    { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=s3cret', ...env },
    { 'process.pid': 7, list: ['a', 'b'], left: undefined },
  )
  if (settings === null) throw new Error('nothing is exported')
  return settings
}

test('spans are sent in batches as the protocol says, and what is left when it closes', async () => {
  await using receiver = await startOtlpReceiver()
  const telemetry = startTelemetry({
    settings: settingsFor(receiver, { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }),
    log: silentLogger,
  })
  const { tracer } = telemetry
  const outer = tracer.startSpan('outer', { kind: 'server', attributes: { n: 1, half: 0.5, yes: true, text: 'é', gone: undefined } })
  const inner = tracer.startSpan('inner', { parent: outer.traceparent, links: [outer.traceparent ?? ''], startMs: 1_700_000_000_000.25 })
  inner.fail('TIMED_OUT')
  inner.end(1_700_000_000_001)
  outer.end()
  await vi.waitFor(() => expect(receiver.spans).toHaveLength(2))
  tracer.startSpan('last').end()
  await telemetry.close()
  expect(receiver.faults).toEqual([])
  const [first, second, third] = receiver.spans
  expect(first).toMatchObject({
    name: 'inner',
    kind: 1,
    traceId: second?.traceId,
    parentSpanId: second?.spanId,
    links: [{ traceId: second?.traceId, spanId: second?.spanId }],
    startTimeUnixNano: '1700000000000250000',
    endTimeUnixNano: '1700000000001000000',
    status: { code: 2, message: 'TIMED_OUT' },
    attributes: [{ key: 'error.type', value: { stringValue: 'TIMED_OUT' } }],
  })
  expect(second).toMatchObject({
    kind: 2,
    status: {},
    attributes: [
      { key: 'n', value: { intValue: '1' } },
      { key: 'half', value: { doubleValue: 0.5 } },
      { key: 'yes', value: { boolValue: true } },
      { key: 'text', value: { stringValue: 'é' } },
    ],
  })
  expect(third?.name).toBe('last')
  expect(receiver.requests[0]?.headers).toMatchObject({ authorization: 's3cret', 'content-encoding': 'gzip' })
  expect(receiver.requests[0]?.text).toContain('"key":"service.name","value":{"stringValue":"millrace"}')
})

test('metrics are sent at their interval, those of others with them', async () => {
  await using receiver = await startOtlpReceiver()
  const settings = settingsFor(receiver, { OTEL_METRIC_EXPORT_INTERVAL: '20', OTEL_TRACES_EXPORTER: 'none' })
  const telemetry = startTelemetry({ settings, log: silentLogger })
  telemetry.meters.counter('a_total', 'A.').add(3, { x: 'y' })
  telemetry.meters.histogram('b_seconds', 'B.', secondsBuckets).record(0.2)
  telemetry.meters.gauge('never_set', '')
  const others: MetricFamily = {
    type: 'gauge',
    name: 'c_bytes',
    help: 'C.',
    samples: [
      { labels: {}, value: 7 },
      { labels: { of: 'z' }, value: null },
    ],
  }
  const older: MetricFamily = { type: 'counter', name: 'd_total', help: 'D.', since: 'unknown', samples: [{ labels: {}, value: 9 }] }
  telemetry.exportAlso(() => Promise.resolve([others, older]))
  telemetry.exportAlso(() => Promise.reject(new Error('away')))
  await vi.waitFor(() => expect(receiver.metrics.map(({ name }) => name)).toEqual(['c_bytes', 'd_total', 'a_total', 'b_seconds']))
  expect(receiver.metrics.map(({ unit }) => unit)).toEqual(['By', '1', '1', 's'])
  expect(receiver.metrics[1]).toMatchObject({
    sum: { dataPoints: [expect.not.objectContaining({ startTimeUnixNano: expect.anything() })] },
  })
  const started = { startTimeUnixNano: expect.any(String), asDouble: 3 }
  expect(receiver.metrics[2]).toMatchObject({ sum: { isMonotonic: true, dataPoints: [started] } })
  expect(telemetry.tracer.startSpan('s').traceparent).toBeNull()
  await telemetry.close()
  // The last ones, of this process alone.
  expect(receiver.metrics.map(({ name }) => name)).toEqual(['a_total', 'b_seconds'])
  expect(receiver.faults).toEqual([])
})

test('an endpoint that is busy is tried again, one that refuses is not: told once, without secrets', async () => {
  await using receiver = await startOtlpReceiver()
  const lines: string[] = []
  const clock = { ...systemClock, sleep: () => Promise.resolve() }
  const telemetry = startTelemetry({
    settings: settingsFor(receiver, { OTEL_METRICS_EXPORTER: 'none', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' }),
    log: createLogger((line) => void lines.push(line)),
    clock,
  })
  const send = async (name: string, requests: number): Promise<void> => {
    telemetry.tracer.startSpan(name).end()
    await vi.waitFor(() => expect(receiver.requests).toHaveLength(requests))
  }
  receiver.answers.push(503, 429)
  await send('tried again', 3)
  await vi.waitFor(() => expect(receiver.spans.map(({ name }) => name)).toEqual(['tried again']))
  receiver.answers.push(401, 401)
  await send('refused', 4)
  await send('refused too', 5)
  await send('taken', 6)
  await telemetry.close()
  expect(receiver.spans.map(({ name }) => name)).toEqual(['tried again', 'taken'])
  expect(lines.map((line): unknown => JSON.parse(line).message)).toEqual([
    'the OTLP endpoint takes no data: it answered 401',
    'the OTLP endpoint takes data again',
  ])
  expect(lines.join('')).not.toContain('s3cret')
  const [dropped] = telemetry.meters.collect()
  expect(dropped).toMatchObject({ name: 'millrace_telemetry_spans_dropped_total', samples: [{ value: 2 }] })
})

test('a queue that is full drops spans and goes on, and closing does not wait for an endpoint that is away', async () => {
  const receiver = await startOtlpReceiver()
  await receiver[Symbol.asyncDispose]()
  const clock = { ...systemClock, after: (ms: number, callback: () => void) => systemClock.after(Math.min(ms, 5), callback) }
  const telemetry = startTelemetry({
    settings: settingsFor(receiver, { OTEL_METRICS_EXPORTER: 'none', OTEL_BSP_MAX_QUEUE_SIZE: '10' }),
    log: silentLogger,
    clock,
  })
  for (let at = 0; at < 25; at++) telemetry.tracer.startSpan('s').end()
  await telemetry.close()
  expect(telemetry.meters.collect()[0]?.samples).toEqual([{ labels: {}, value: 25 }])
})

test('without settings nothing is traced, and what others traced goes nowhere', async () => {
  const telemetry = startTelemetry({ settings: null, log: silentLogger })
  expect(telemetry.tracer.startSpan('s').traceparent).toBeNull()
  telemetry.meters.counter('a_total', '').add(1)
  expect(telemetry.meters.collect()).toHaveLength(1)
  await telemetry.close()
})
