const NOTHING = new Uint8Array(0)
const WORD = 2 ** 32

/**
 * Decoded records as columns, filled without an object per record. Keys, values and header sections are pairs of start and
 * end into `bytes`: `keyAt[2 * i]`, `keyAt[2 * i + 1]`. A start of −1 means null (for headers: none).
 */
export class RecordColumns {
  /** What the pairs point into: the fetched bytes, or an unpacked batch. All rows point into the same bytes. */
  bytes: Uint8Array = NOTHING
  /** How many rows are filled. */
  length = 0
  readonly capacity: number
  readonly offsets: BigInt64Array
  readonly timestampMs: Float64Array
  readonly keyAt: Int32Array
  readonly valueAt: Int32Array
  /** See `readHeaders`. */
  readonly headersAt: Int32Array
  readonly #offsetWords: Uint32Array

  constructor(capacity: number) {
    this.capacity = capacity
    this.offsets = new BigInt64Array(capacity)
    // Little-endian words of the same memory: storing a bigint would allocate one per record.
    this.#offsetWords = new Uint32Array(this.offsets.buffer)
    this.timestampMs = new Float64Array(capacity)
    this.keyAt = new Int32Array(capacity * 2)
    this.valueAt = new Int32Array(capacity * 2)
    this.headersAt = new Int32Array(capacity * 2)
  }

  /** Forgets the rows and lets go of the bytes. */
  clear(): void {
    this.length = 0
    this.bytes = NOTHING
  }

  /** Sets the offset of a row to base + delta, with the base in two 32-bit words. */
  setOffset(row: number, baseLow: number, baseHigh: number, delta: number): void {
    const low = baseLow + delta
    const carry = Math.floor(low / WORD)
    this.#offsetWords[row * 2] = low - carry * WORD
    this.#offsetWords[row * 2 + 1] = baseHigh + carry
  }
}
