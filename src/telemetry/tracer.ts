import { randomFillSync } from 'node:crypto'
import type { Attributes, SpanData } from '../core/index.ts'
import { systemClock, type Clock } from '../platform/index.ts'
import type { Sampler } from './sampler.ts'
import { formatTraceparent, parseTraceparent, type SpanContext } from './traceparent.ts'

export interface SpanOptions {
  /** `traceparent` of what it is a part of, from a span of this process, a record's header or a request's; null: it begins a trace. */
  parent?: string | null
  /** Default `internal`; `producer` and `consumer` for records, `server` and `client` for requests. */
  kind?: SpanData['kind']
  attributes?: Attributes
  /** Milliseconds since 1970; now when left out. */
  startMs?: number
  /** `traceparent` texts of other traces that it came of; what is none is left out. */
  links?: readonly string[]
  /** Instead of ids by chance, for a span that others refer to before it is made. */
  ids?: { traceId: string; spanId: string }
}

/** Something that takes a while. Ends once; later calls change nothing. */
export interface Span {
  /** For its parts, in this process or another; null while nothing is traced: then nothing is to be sent along. */
  readonly traceparent: string | null
  setAttributes(attributes: Attributes): void
  /** It failed. @param code of a MillraceError: messages may tell of values, and do not go into spans */
  fail(code: string): void
  /** @param endMs milliseconds since 1970; now when left out */
  end(endMs?: number): void
}

/**
 * What rooms trace with. It is handed to them; `noTracer` where nothing is traced, which costs a call and makes nothing.
 * Streams: a `consumer` span a batch, with the records' `traceparent` headers as links (or as parent where all have the same), and
 * parts for steps, sink and commit. Connectors: a span a page, whose `traceparent` goes into the header of that name of each record.
 */
export interface Tracer {
  startSpan(name: string, options?: SpanOptions): Span
}

const noSpan: Span = { traceparent: null, setAttributes: () => undefined, fail: () => undefined, end: () => undefined }

export const noTracer: Tracer = { startSpan: () => noSpan }

export interface TracerOptions {
  sampler: Sampler
  /** Each sampled span as it ends. */
  onEnd(this: void, span: SpanData): void
  clock?: Clock
}

/** A tracer whose spans are recorded as the sampler says; those that are not are passed on all the same, so that others know it. */
export function createTracer({ sampler, onEnd, clock = systemClock }: TracerOptions): Tracer {
  return {
    startSpan: (name, options = {}) => {
      const parent = parseTraceparent(options.parent)
      const traceId = options.ids?.traceId ?? parent?.traceId ?? randomId(16)
      const spanId = options.ids?.spanId ?? randomId(8)
      const context: SpanContext = { traceId, spanId, isSampled: sampler(traceId, parent) }
      return context.isSampled ? new RecordedSpan(name, context, parent, options, { onEnd, clock }) : passedOn(context)
    },
  }
}

/** Chance is asked for many ids at once: a call for each would take longer than the span. */
const pool = Buffer.alloc(4_096)
let used = pool.length

function randomId(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}

function passedOn(context: SpanContext): Span {
  return { ...noSpan, traceparent: formatTraceparent(context) }
}

class RecordedSpan implements Span {
  readonly traceparent: string
  readonly #data: Omit<SpanData, 'endMs'>
  readonly #startedMs: number
  readonly #world: Required<Pick<TracerOptions, 'onEnd' | 'clock'>>
  #isOver = false

  constructor(
    name: string,
    context: SpanContext,
    parent: SpanContext | null,
    { kind = 'internal', attributes = {}, startMs, links = [] }: SpanOptions,
    world: Required<Pick<TracerOptions, 'onEnd' | 'clock'>>,
  ) {
    this.traceparent = formatTraceparent(context)
    this.#world = world
    const nowMs = world.clock.nowMs()
    // The wall clock may be set meanwhile: how long it took is measured by the other one.
    this.#startedMs = world.clock.monotonicMs() - (startMs === undefined ? 0 : nowMs - startMs)
    this.#data = {
      traceId: context.traceId,
      spanId: context.spanId,
      parentSpanId: parent?.spanId ?? null,
      name,
      kind,
      startMs: startMs ?? nowMs,
      attributes,
      error: null,
      links: links.filter((link) => parseTraceparent(link) !== null),
    }
  }

  setAttributes(attributes: Attributes): void {
    this.#data.attributes = { ...this.#data.attributes, ...attributes }
  }

  fail(code: string): void {
    this.#data.error = code
  }

  end(endMs?: number): void {
    if (this.#isOver) return
    this.#isOver = true
    const { clock, onEnd } = this.#world
    const tookMs = Math.max(0, clock.monotonicMs() - this.#startedMs)
    onEnd({ ...this.#data, endMs: endMs ?? this.#data.startMs + tookMs })
  }
}
