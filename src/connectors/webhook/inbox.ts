/** What a request is answered with. */
export interface Answer {
  status: number
  body: Record<string, string | number | boolean>
  headers?: Record<string, string>
}

/** A request's records, on their way into a page. */
export interface Delivery {
  records: Record<string, unknown>[]
  /** Of its idempotency key; null: it has none. */
  digest: string | null
  answered: Promise<Answer>
  answer: (answer: Answer) => void
}

export function deliveryOf(records: Record<string, unknown>[], digest: string | null): Delivery {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  return { records, digest, answered: promise, answer: resolve }
}

/** Whoever sends is to come again: nothing of the request is committed, or nobody knows. */
export function comeAgain(reason: string): Answer {
  return { status: 503, body: { error: reason }, headers: { 'retry-after': '1' } }
}

/**
 * Requests that were read and wait for their commit, bounded by the bytes of all bodies that are in memory. Those of one idempotency key
 * are taken once: one that comes while another waits has its answer, one whose key is remembered was committed.
 */
export class Inbox {
  readonly #maxBytes: number
  readonly #remember: number
  #reservedBytes = 0
  readonly #waiting: Delivery[] = []
  readonly #inFlight = new Map<string, Delivery>()
  #remembered: Set<string>
  #isClosed = false
  #wake: () => void = () => {}

  constructor(options: { maxBytes: number; remember: number; remembered: readonly string[] }) {
    this.#maxBytes = options.maxBytes
    this.#remember = options.remember
    this.#remembered = new Set(options.remembered)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Takes room for a body before it is read. Null: there is none. Otherwise gives it back. */
  reserve(bytes: number): (() => void) | null {
    if (this.#reservedBytes + bytes > this.#maxBytes) return null
    this.#reservedBytes += bytes
    return () => {
      this.#reservedBytes -= bytes
    }
  }

  /** Resolves when the records are committed, or are not. */
  put(delivery: Delivery): Promise<Answer> {
    const { digest } = delivery
    if (this.#isClosed) return Promise.resolve(comeAgain('this run takes nothing more'))
    if (digest !== null && this.#remembered.has(digest))
      return Promise.resolve({ status: 200, body: { records: delivery.records.length, repeated: true } })
    const same = digest === null ? undefined : this.#inFlight.get(digest)
    if (same) return same.answered
    if (digest !== null) this.#inFlight.set(digest, delivery)
    this.#waiting.push(delivery)
    this.#wake()
    return delivery.answered
  }

  /** What waits, of so many records as fit, at least one request's; waits for one. Empty: it is closed and nothing waits any more, or `signal` aborted. */
  async take(maxRecords: number, signal: AbortSignal): Promise<Delivery[]> {
    while (this.#waiting.length === 0 && !this.#isClosed && !signal.aborted) await this.#something(signal)
    let count = 0
    let upTo = 0
    for (const { records } of this.#waiting) {
      if (upTo > 0 && count + records.length > maxRecords) break
      count += records.length
      upTo++
    }
    return this.#waiting.splice(0, upTo)
  }

  /** Keys that are remembered once these are committed too: the latest. */
  rememberedWith(deliveries: readonly Delivery[]): string[] {
    const digests = deliveries.flatMap(({ digest }) => digest ?? [])
    return [...this.#remembered, ...digests].slice(-this.#remember)
  }

  committed(deliveries: readonly Delivery[]): void {
    this.#remembered = new Set(this.rememberedWith(deliveries))
    for (const delivery of deliveries) this.settle(delivery, { status: 200, body: { records: delivery.records.length } })
  }

  settle(delivery: Delivery, answer: Answer): void {
    if (delivery.digest !== null) this.#inFlight.delete(delivery.digest)
    delivery.answer(answer)
  }

  /** Takes nothing more; what waits can still be taken. */
  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  /** Whoever waits still is told to come again. */
  giveUp(reason: string): void {
    this.close()
    for (const delivery of this.#waiting.splice(0)) this.settle(delivery, comeAgain(reason))
  }

  #something(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#wake = wake
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
