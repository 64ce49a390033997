import { expect, test } from 'vitest'
import type { SpanData } from '../core/index.ts'
import type { Clock } from '../platform/index.ts'
import { asParent, samplers } from './sampler.ts'
import { parseTraceparent } from './traceparent.ts'
import { createTracer, noTracer } from './tracer.ts'

function rig(sampler = samplers.always_on() as ReturnType<(typeof samplers)['traceidratio']>) {
  const spans: SpanData[] = []
  let wallMs = 1_000_000
  let steadyMs = 0
  const clock: Clock = {
    nowMs: () => wallMs,
    monotonicMs: () => steadyMs,
    sleep: () => Promise.resolve(),
    after: () => () => undefined,
  }
  const pass = (ms: number, wallStepMs = ms): void => {
    steadyMs += ms
    wallMs += wallStepMs
  }
  return { spans, pass, tracer: createTracer({ sampler, onEnd: (span) => void spans.push(span), clock }) }
}

test('a span and its parts are one trace', () => {
  const { tracer, spans, pass } = rig()
  const outer = tracer.startSpan('outer', { kind: 'server', attributes: { a: 1 } })
  const inner = tracer.startSpan('inner', { parent: outer.traceparent })
  pass(5)
  inner.end()
  outer.setAttributes({ b: 'x' })
  outer.fail('TIMED_OUT')
  pass(2.5)
  outer.end()
  outer.end()
  const [first, second] = spans
  expect(spans).toHaveLength(2)
  expect(first).toMatchObject({ name: 'inner', kind: 'internal', startMs: 1_000_000, endMs: 1_000_005, error: null })
  expect(second).toMatchObject({ name: 'outer', kind: 'server', parentSpanId: null, endMs: 1_000_007.5, error: 'TIMED_OUT' })
  expect(second?.attributes).toEqual({ a: 1, b: 'x' })
  expect(first?.traceId).toBe(second?.traceId)
  expect(first?.parentSpanId).toBe(second?.spanId)
})

test('how long it took does not depend on a wall clock that is set meanwhile', () => {
  const { tracer, spans, pass } = rig()
  const span = tracer.startSpan('s', { startMs: 999_990 })
  pass(7, -60_000)
  span.end()
  expect(spans[0]).toMatchObject({ startMs: 999_990, endMs: 1_000_007 })
})

test('a batch of streams is linked to the traces of its records', () => {
  const { tracer, spans } = rig()
  const record = tracer.startSpan('page', { kind: 'producer' }).traceparent ?? ''
  tracer.startSpan('batch', { kind: 'consumer', links: [record, 'nonsense'] }).end()
  expect(spans[0]?.links).toEqual([record])
})

test('what is not sampled is not recorded, and told to others as such', () => {
  const { tracer, spans } = rig(samplers.parentbased_always_off())
  const outer = tracer.startSpan('outer')
  const inner = tracer.startSpan('inner', { parent: outer.traceparent })
  inner.end()
  outer.end()
  expect(spans).toEqual([])
  const [a, b] = [parseTraceparent(outer.traceparent), parseTraceparent(inner.traceparent)]
  expect(a?.isSampled).toBe(false)
  expect(b).toMatchObject({ traceId: a?.traceId, isSampled: false })
})

test('where nothing is traced there is nothing to send along', () => {
  const span = noTracer.startSpan('s')
  span.setAttributes({ a: 1 })
  span.fail('x')
  span.end()
  expect(span.traceparent).toBeNull()
})

test('samplers are those of OpenTelemetry', () => {
  const low = `${'a'.repeat(18)}00000000000001`
  const high = `${'0'.repeat(18)}ffffffffffffff`
  const parent = (isSampled: boolean) => ({ traceId: low, spanId: 'b'.repeat(16), isSampled })
  const by = (sampler: ReturnType<typeof samplers.traceidratio>): boolean[] => [
    sampler(low, null),
    sampler(high, null),
    sampler(low, parent(true)),
    sampler(high, parent(false)),
  ]
  expect(by(samplers.always_on())).toEqual([true, true, true, true])
  expect(by(samplers.always_off())).toEqual([false, false, false, false])
  expect(by(samplers.traceidratio(0.5))).toEqual([false, true, false, true])
  expect(by(samplers.traceidratio(0))).toEqual([false, false, false, false])
  expect(by(samplers.traceidratio(1))).toEqual([true, true, true, true])
  expect(by(samplers.parentbased_always_on())).toEqual([true, true, true, false])
  expect(by(samplers.parentbased_always_off())).toEqual([false, false, true, false])
  expect(by(samplers.parentbased_traceidratio(0.5))).toEqual([false, true, true, false])
  expect(by(asParent)).toEqual([false, false, true, false])
})
