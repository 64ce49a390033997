import type { SpanData } from '../core/index.ts'
import type { Clock } from '../platform/index.ts'
import type { TelemetrySettings } from './environment.ts'
import { tracesBody } from './otlp-json.ts'
import type { OtlpSender } from './otlp-sender.ts'

type Batching = Pick<TelemetrySettings, 'resource' | 'spanDelayMs' | 'mostSpansQueued' | 'mostSpansSent'>

/** Gathers spans and sends them in batches, beside everything else; when its bounded queue is full, spans are dropped and counted. */
export class SpanExporter {
  readonly #sender: OtlpSender
  readonly #batching: Batching
  readonly #clock: Clock
  readonly #onDrop: (count: number) => void
  readonly #ending = new AbortController()
  #queue: SpanData[] = []
  #cancelTimer: (() => void) | null = null
  #sending: Promise<void> | null = null

  /** @param onDrop told how many spans never arrive */
  constructor(sender: OtlpSender, batching: Batching, clock: Clock, onDrop: (count: number) => void) {
    this.#sender = sender
    this.#batching = batching
    this.#clock = clock
    this.#onDrop = onDrop
  }

  add(span: SpanData): void {
    const { mostSpansQueued, mostSpansSent, spanDelayMs } = this.#batching
    if (this.#ending.signal.aborted || this.#queue.length >= mostSpansQueued) return this.#onDrop(1)
    this.#queue.push(span)
    if (this.#queue.length >= mostSpansSent) void this.flush()
    else this.#cancelTimer ??= this.#clock.after(spanDelayMs, () => void this.flush())
  }

  /** Resolves when all that is queued now was sent or dropped. */
  flush(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null
    })
    return this.#sending
  }

  async #send(): Promise<void> {
    const { resource, mostSpansSent } = this.#batching
    while (this.#queue.length > 0) {
      const spans = this.#queue.splice(0, mostSpansSent)
      if (!(await this.#sender.send(tracesBody(resource, spans), this.#ending.signal))) this.#onDrop(spans.length)
    }
  }

  /** Sends what is left, for at most so long. */
  async close(withinMs: number): Promise<void> {
    const stopTimer = this.#clock.after(withinMs, () => this.#ending.abort())
    await this.flush()
    stopTimer()
    this.#ending.abort()
  }
}
