import type { Attributes, AttributeValue, SpanData } from '../core/index.ts'
import type { MetricFamily } from './meters.ts'
import { parseTraceparent } from './traceparent.ts'

/**
 * OTLP 1.x as JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): protobuf's mapping, but for ids, which are
 * hexadecimal, and enumerations, which are numbers; 64-bit numbers are texts.
 */

const scope = { name: 'millrace' }
const kinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const
const statusError = 2
const cumulative = 2

/** Who sends: `service.name` and the like. */
export type Resource = Attributes

/** The body of `/v1/traces`. */
export function tracesBody(resource: Resource, spans: readonly SpanData[]): object {
  return {
    resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans: [{ scope, spans: spans.map(spanOf) }] }],
  }
}

function spanOf({ traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, error, links }: SpanData): object {
  return {
    traceId,
    spanId,
    ...(parentSpanId === null ? {} : { parentSpanId }),
    // Sampled.
    flags: 1,
    name,
    kind: kinds[kind],
    startTimeUnixNano: nanosOf(startMs),
    endTimeUnixNano: nanosOf(endMs),
    attributes: attributesOf(error === null ? attributes : { ...attributes, 'error.type': error }),
    links: links.flatMap((link) => {
      const context = parseTraceparent(link)
      return context === null ? [] : [{ traceId: context.traceId, spanId: context.spanId }]
    }),
    status: error === null ? {} : { code: statusError, message: error },
  }
}

/** The body of `/v1/metrics`. Counters are since `sinceMs`; what could not be counted is left out. */
export function metricsBody(resource: Resource, families: readonly MetricFamily[], sinceMs: number, nowMs: number): object {
  const times = { startTimeUnixNano: nanosOf(sinceMs), timeUnixNano: nanosOf(nowMs) }
  const metrics = families.map((family) => metricOf(family, times)).filter((metric) => metric !== null)
  return { resourceMetrics: [{ resource: { attributes: attributesOf(resource) }, scopeMetrics: [{ scope, metrics }] }] }
}

interface Times {
  startTimeUnixNano: string
  timeUnixNano: string
}

function metricOf(family: MetricFamily, times: Times): object | null {
  const { name, help } = family
  const about = { name, description: help, unit: unitOf(name) }
  if (family.type === 'histogram') {
    const dataPoints = family.samples.map(({ labels, value: { bounds, counts, sum, count } }) => ({
      ...times,
      attributes: attributesOf(labels),
      count: String(count),
      sum,
      bucketCounts: counts.map(String),
      explicitBounds: bounds,
    }))
    return dataPoints.length === 0 ? null : { ...about, histogram: { dataPoints, aggregationTemporality: cumulative } }
  }
  const points = family.samples.flatMap(({ labels, value }) =>
    value === null ? [] : [{ attributes: attributesOf(labels), asDouble: value }],
  )
  if (points.length === 0) return null
  if (family.type === 'gauge')
    return { ...about, gauge: { dataPoints: points.map((point) => ({ timeUnixNano: times.timeUnixNano, ...point })) } }
  const begun = family.since === 'unknown' ? { timeUnixNano: times.timeUnixNano } : times
  const dataPoints = points.map((point) => ({ ...begun, ...point }))
  return { ...about, sum: { dataPoints, aggregationTemporality: cumulative, isMonotonic: true } }
}

/** UCUM, from the name's end. */
function unitOf(name: string): string {
  const [, unit = ''] = /_(seconds|bytes)(?:_total)?$/.exec(name) ?? []
  return unit === 'seconds' ? 's' : unit === 'bytes' ? 'By' : '1'
}

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: valueOf(value) }]))
}

function valueOf(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  return { arrayValue: { values: value.map((each) => ({ stringValue: each })) } }
}

/** Milliseconds with fractions have more digits than a number of nanoseconds could. */
function nanosOf(ms: number): string {
  const whole = Math.floor(ms)
  return (BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6))).toString()
}
