import { z } from 'zod'

/**
 * OTLP's messages as JSON, strict: fields of opentelemetry-proto 1.x (trace.proto, metrics.proto, common.proto) by their lowerCamelCase
 * names, ids as hexadecimal, 64-bit numbers as texts, enumerations as numbers.
 */

const uint64 = z.string().regex(/^\d{1,20}$/)
const int64 = z.string().regex(/^-?\d{1,19}$/)
const traceId = z.string().regex(/^(?!0{32})[\da-f]{32}$/)
const spanId = z.string().regex(/^(?!0{16})[\da-f]{16}$/)

const scalar = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: int64 }),
  z.strictObject({ doubleValue: z.number() }),
])
const anyValue = z.union([scalar, z.strictObject({ arrayValue: z.strictObject({ values: z.array(scalar) }) })])
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'keys of attributes are unique')
const resource = z.strictObject({ attributes })
const scope = z.strictObject({ name: z.string() })

const span = z.strictObject({
  traceId,
  spanId,
  parentSpanId: spanId.optional(),
  flags: z.int(),
  name: z.string().min(1),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: uint64,
  endTimeUnixNano: uint64,
  attributes,
  links: z.array(z.strictObject({ traceId, spanId })),
  status: z.union([z.strictObject({}), z.strictObject({ code: z.literal(2), message: z.string() })]),
})

export const tracesRequest = z.strictObject({
  resourceSpans: z.array(z.strictObject({ resource, scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span) })) })),
})

const about = { name: z.string().regex(/^[a-zA-Z][\w./-]{0,254}$/), description: z.string(), unit: z.string() }
const times = { startTimeUnixNano: uint64, timeUnixNano: uint64 }
const cumulative = z.literal(2)
const metric = z.union([
  z.strictObject({
    ...about,
    gauge: z.strictObject({ dataPoints: z.array(z.strictObject({ timeUnixNano: uint64, attributes, asDouble: z.number() })) }),
  }),
  z.strictObject({
    ...about,
    sum: z.strictObject({
      // A start that is not known is left out.
      dataPoints: z.array(z.strictObject({ startTimeUnixNano: uint64.optional(), timeUnixNano: uint64, attributes, asDouble: z.number() })),
      aggregationTemporality: cumulative,
      isMonotonic: z.literal(true),
    }),
  }),
  z.strictObject({
    ...about,
    histogram: z.strictObject({
      dataPoints: z.array(
        z
          .strictObject({
            ...times,
            attributes,
            count: uint64,
            sum: z.number(),
            bucketCounts: z.array(uint64),
            explicitBounds: z.array(z.number()),
          })
          .refine(({ bucketCounts, explicitBounds }) => bucketCounts.length === explicitBounds.length + 1, 'one bucket more than bounds')
          .refine(
            ({ bucketCounts, count }) => bucketCounts.reduce((sum, each) => sum + BigInt(each), 0n) === BigInt(count),
            'buckets add up to the count',
          ),
      ),
      aggregationTemporality: cumulative,
    }),
  }),
])

export const metricsRequest = z.strictObject({
  resourceMetrics: z.array(z.strictObject({ resource, scopeMetrics: z.array(z.strictObject({ scope, metrics: z.array(metric) })) })),
})

export type OtlpSpan = z.infer<typeof span>
export type OtlpMetric = z.infer<typeof metric>
