/** What clients may hold of the store, all of them together or each (P6: memory stays bounded whoever connects). */
export interface Limits {
  /** More are hung up on. */
  readonly maxConnections: number
  /** A client that has not signed in after this long is hung up on. */
  readonly handshakeMs: number
  /** So long a frame may take from its first byte to its last, and a reader that takes no byte of its answers may last. */
  readonly stalledMs: number
  /** Bytes of frames that have not come whole, of all connections; those that want more wait for others. */
  readonly maxPartialBytes: number
  /** Requests of one connection that are being carried out; more wait. */
  readonly maxConcurrent: number
}

export const defaultLimits: Limits = {
  maxConnections: 2_048,
  handshakeMs: 30_000,
  stalledMs: 60_000,
  maxPartialBytes: 256 * 1024 * 1024,
  maxConcurrent: 1_024,
}

/** Frames smaller than this may always come. */
const freeBytes = 64 * 1024

/** Memory for large frames that are on their way in, shared by all connections. */
export class InboundBudget {
  readonly #maxBytes: number
  #takenBytes = 0
  #waiting: (() => void)[] = []

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes taken for a frame of this size; null when there are not so many now. */
  take(frameBytes: number): number | null {
    if (frameBytes <= freeBytes) return 0
    // One frame may always come, however small the budget is.
    if (this.#takenBytes > 0 && this.#takenBytes + frameBytes > this.#maxBytes) return null
    this.#takenBytes += frameBytes
    return frameBytes
  }

  /** Calls `goOn` once when others have given back. */
  wait(goOn: () => void): void {
    this.#waiting.push(goOn)
  }

  giveBack(bytes: number): void {
    if (bytes === 0) return
    this.#takenBytes -= bytes
    for (const goOn of this.#waiting.splice(0)) goOn()
  }
}
