export type AttributeValue = string | number | boolean | readonly string[]

/** Small facts of a span by OpenTelemetry's names; never values of records, never secrets. What is undefined is left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>

/** A span that has ended, as processes hand it to each other. */
export interface SpanData {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
  parentSpanId: string | null
  name: string
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  /** Milliseconds since 1970, with fractions. */
  startMs: number
  endMs: number
  attributes: Attributes
  /** Why it failed: an error's code. Null: it did not. */
  error: string | null
  /** `traceparent` texts of spans of other traces that it came of, such as those of a batch's records. */
  links: readonly string[]
}
