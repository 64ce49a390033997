import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/platform/index.ts'
import { startTelemetry, telemetrySettings } from '../../src/telemetry/index.ts'
import { startOtlpReceiver } from '../../src/telemetry/testing/otlp-receiver.ts'
import { judgedBy } from '../harness/judges.ts'
import { missingPython, runPythonWith } from './python.ts'

/** The protocol's own messages. */
const proto = {
  title: 'opentelemetry-proto',
  artifacts: [{ is: 'pip', packages: ['opentelemetry-proto==1.45.2', 'protobuf==7.36.2'] }],
} as const
const lacking = missingPython(proto)
if (lacking !== null) console.warn(`left out: OTLP: ${lacking}`)

describe('what Millrace exports over OTLP', { skip: lacking !== null, ...judgedBy('opentelemetry-proto 1.45.2') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-otlp-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is read by the protocol’s own messages, nothing of it unknown or lost', { timeout: 400_000 }, async () => {
    await using receiver = await startOtlpReceiver()
    const { settings } = telemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_SERVICE_NAME: 'mill' }, { 'process.pid': 7 })
    const telemetry = startTelemetry({ settings, log: silentLogger })
    const { tracer, meters } = telemetry
    const startMs = 1_700_000_000_000.125
    const outer = tracer.startSpan('outer', { kind: 'consumer', startMs, attributes: { n: 9_007_199_254_740_991, half: 0.5, no: false } })
    const inner = tracer.startSpan('inner', { parent: outer.traceparent, startMs, attributes: { list: ['a', 'é'] } })
    inner.fail('TIMED_OUT')
    inner.end(startMs + 1.5)
    tracer.startSpan('linked', { kind: 'producer', startMs, links: [outer.traceparent ?? ''] }).end(startMs)
    outer.end(startMs + 2)
    meters.counter('a_total', 'A.').add(3, { x: 'y' })
    meters.gauge('b_bytes', 'B.').set(1.5)
    const histogram = meters.histogram('c_seconds', 'C.', [0.1, 1])
    for (const value of [0.05, 0.5, 5, 5]) histogram.record(value)
    await telemetry.close()
    expect(receiver.faults).toEqual([])
    const file = join(folder, 'bodies.jsonl')
    writeFileSync(file, receiver.requests.map(({ path, text }) => `["${path}",${text}]\n`).join(''))
    const traceId = receiver.spans[0]?.traceId
    const root = receiver.spans.find(({ name }) => name === 'outer')
    expect(await runPythonWith(proto, 'otlp.py', file)).toEqual({
      spans: [
        {
          service: 'mill',
          name: 'inner',
          kind: 1,
          traceId,
          parent: root?.spanId,
          tookNanos: 1_500_000,
          status: 2,
          links: 0,
          attributes: { 'error.type': 'TIMED_OUT' },
        },
        {
          service: 'mill',
          name: 'linked',
          kind: 4,
          traceId: expect.any(String),
          parent: '',
          tookNanos: 0,
          status: 0,
          links: 1,
          attributes: {},
        },
        {
          service: 'mill',
          name: 'outer',
          kind: 5,
          traceId,
          parent: '',
          tookNanos: 2_000_000,
          status: 0,
          links: 0,
          attributes: { n: 9_007_199_254_740_991, half: 0.5, no: false },
        },
      ],
      metrics: {
        a_total: { kind: 'sum', unit: '1', points: [{ value: 3 }] },
        b_bytes: { kind: 'gauge', unit: 'By', points: [{ value: 1.5 }] },
        c_seconds: { kind: 'histogram', unit: 's', points: [{ count: 4, sum: 10.55, buckets: [1, 1, 2] }] },
      },
    })
  })
})
