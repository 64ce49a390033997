import type { Batch } from '../../core/index.ts'

/** A batch whose records are being handled. */
export interface TakenBatch {
  readonly batch: Pick<Batch, 'offsets' | 'count' | 'nextOffset' | 'leaderEpoch' | 'bytes'>
  /** 1: handled. */
  readonly done: Uint8Array
  /** Not handled yet. */
  left: number
}

/** Where a group may go on in a partition. */
export interface NextOffset {
  offset: bigint
  /** Of the last record before it; −1 unknown. */
  leaderEpoch: number
}

/**
 * Which records of a partition are handled, in whatever order they are: what may be committed is the lowest offset that is not (P5: a crash
 * repeats records, and never leaves one out).
 */
export class OffsetProgress {
  readonly #taken: TakenBatch[] = []
  /** Index in the first batch of the first record that may not be handled yet. */
  #first = 0
  #next: NextOffset

  constructor(position: bigint, leaderEpoch: number) {
    this.#next = { offset: position, leaderEpoch }
  }

  /** Batches are taken in their order. */
  take(batch: TakenBatch['batch']): TakenBatch {
    const taken: TakenBatch = { batch, done: new Uint8Array(batch.count), left: batch.count }
    this.#taken.push(taken)
    this.#advance()
    return taken
  }

  /** Record `i` of the batch is handled: once each. */
  finish(taken: TakenBatch, i: number): void {
    taken.done[i] = 1
    taken.left--
    this.#advance()
  }

  /** Where the group goes on: the first record that is not handled, or behind the last that was taken. */
  get next(): NextOffset {
    return this.#next
  }

  /** All that was taken is handled. */
  get isIdle(): boolean {
    return this.#taken.length === 0
  }

  /** There is nothing to read before `offset` (markers, aborted records); only while idle. */
  passTo(offset: bigint): void {
    if (this.isIdle && offset > this.#next.offset) this.#next = { ...this.#next, offset }
  }

  #advance(): void {
    for (let head = this.#taken[0]; head; head = this.#taken[0]) {
      const { batch, done } = head
      const { leaderEpoch } = batch
      if (head.left > 0) {
        while (done[this.#first] === 1) this.#first++
        if (this.#first > 0) this.#next = { offset: batch.offsets[this.#first] ?? batch.nextOffset, leaderEpoch }
        return
      }
      this.#next = { offset: batch.nextOffset, leaderEpoch }
      this.#first = 0
      this.#taken.shift()
    }
  }
}
