import { type BatchHeader, decodeBatch } from '../kafka-wire/index.ts'

/** From a Fetch answer: this producer's records from `firstOffset` to its next abort marker were aborted. */
export interface AbortedTransaction {
  producerId: bigint
  firstOffset: bigint
}

const ABORT = 0

/**
 * Which batches of one fetch belong to aborted transactions; asked batch by batch in offset order. Each transaction counts from its first
 * offset to the producer's next abort marker, so that several of one producer are told from each other and from committed ones between.
 */
export class AbortedRecords {
  /** By first offset. */
  readonly #aborted: readonly AbortedTransaction[]
  #reached = 0
  readonly #open = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#aborted = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0))
  }

  /** @param header of the batch at `at` of `bytes`, its checksum verified */
  holds(bytes: Uint8Array, at: number, header: BatchHeader): boolean {
    const lastOffset = header.baseOffset + BigInt(header.lastOffsetDelta)
    for (let next = this.#aborted[this.#reached]; next && next.firstOffset <= lastOffset; next = this.#aborted[++this.#reached]) {
      this.#open.add(next.producerId)
    }
    if (this.#open.size === 0 || !header.isTransactional) return false
    if (!header.isControl) return this.#open.has(header.producerId)
    if (isAbortMarker(bytes, at, header)) this.#open.delete(header.producerId)
    return false
  }
}

/** The key of a control record: version int16, type int16 (protocol guide, "Control Batches"). */
function isAbortMarker(bytes: Uint8Array, at: number, header: BatchHeader): boolean {
  const decoded = decodeBatch(bytes, at, header)
  const key = decoded.ok ? decoded.records[0]?.key : null
  return !!key && key.byteLength >= 4 && new DataView(key.buffer, key.byteOffset).getInt16(2) === ABORT
}
