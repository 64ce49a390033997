import type { SpanContext } from './traceparent.ts'

/** Whether a span is recorded. `parent`: null for the first of a trace. */
export type Sampler = (traceId: string, parent: SpanContext | null) => boolean

/** OpenTelemetry's names of `OTEL_TRACES_SAMPLER`. */
export const samplers = {
  always_on: () => () => true,
  always_off: () => () => false,
  traceidratio: (ratio: number) => ratioOf(ratio),
  parentbased_always_on: () => byParent(() => true),
  parentbased_always_off: () => byParent(() => false),
  parentbased_traceidratio: (ratio: number) => byParent(ratioOf(ratio)),
} satisfies Record<string, (ratio: number) => Sampler>

/** What a process records that is given its parents: what they do. */
export const asParent: Sampler = byParent(() => false)

function byParent(root: Sampler): Sampler {
  return (traceId, parent) => parent?.isSampled ?? root(traceId, null)
}

/** By the last 56 bits of the trace's id, so that all processes agree (W3C Trace Context level 2, random trace id flag). */
function ratioOf(ratio: number): Sampler {
  const threshold = BigInt(Math.round((1 - ratio) * 2 ** 53)) << 3n
  return (traceId) => BigInt(`0x${traceId.slice(-14)}`) >= threshold
}
