import { readSnapshot, writeSnapshot } from './producer-snapshot.ts'

/** What is remembered of one batch of an idempotent producer (KIP-98). Sequences wrap at 2³¹; −1 for none. */
export interface ProducerBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  /** The batch's largest record time. */
  readonly timestampMs: number
}

export interface ProducerState {
  epoch: number
  /** The last five, oldest first; none in an epoch that a marker alone began. */
  batches: ProducerBatch[]
  /** When it was heard of last. */
  seenMs: number
  /** The largest record time it wrote, or its last marker's; −1 for none. */
  lastTimestampMs: number
  /** Where its open transaction begins in this partition; null outside of one. */
  transactionFrom: number | null
  /** Of the coordinator that wrote its last marker; −1 before the first. */
  coordinatorEpoch: number
}

export type SequenceCheck =
  { is: 'next' } | { is: 'duplicate'; of: ProducerBatch } | { is: 'gap'; message: string } | { is: 'fenced'; message: string }

/** A transaction that ended in this partition, with the offset of its marker. */
export interface EndedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  readonly markerOffset: number
}

const remembered = 5
const maxSequence = 0x7fff_ffff

/** The sequence `by` records after `sequence`; −1, which stands for none, stays. */
export function sequenceAfter(sequence: number, by: number): number {
  if (sequence < 0) return sequence
  return sequence > maxSequence - by ? by - (maxSequence - sequence) - 1 : sequence + by
}

/** The idempotent and transactional producers of one partition. */
export class ProducerStates {
  readonly #producers = new Map<number, ProducerState>()
  /** Ended, but readers do not see the marker yet. */
  #ending: EndedTransaction[] = []
  /** Producer id to first offset, in the order of the offsets. */
  #open = new Map<number, number>()

  get size(): number {
    return this.#producers.size
  }
  /** How many transactions ended whose markers readers do not see yet. */
  get ending(): number {
    return this.#ending.length
  }

  entries(): Iterable<[producerId: number, state: ProducerState]> {
    return this.#producers.entries()
  }

  get(producerId: number): ProducerState | undefined {
    return this.#producers.get(producerId)
  }

  /** Whether a batch of `count` records may be appended: in order, known already, out of order, or of a fenced epoch. */
  check(producerId: number, epoch: number, firstSequence: number, count: number): SequenceCheck {
    const state = this.#producers.get(producerId)
    // As Kafka: a producer nobody remembers (expired, or its records are gone) may go on anywhere.
    if (!state) return { is: 'next' }
    if (epoch < state.epoch) return { is: 'fenced', message: `Producer ${producerId} has epoch ${state.epoch}; ${epoch} is fenced.` }
    const last = state.batches.at(-1)
    if (epoch > state.epoch || !last || last.lastSequence < 0) {
      return firstSequence === 0
        ? { is: 'next' }
        : { is: 'gap', message: `Producer ${producerId} must begin epoch ${epoch} with sequence 0, not ${firstSequence}.` }
    }
    const lastSequence = sequenceAfter(firstSequence, count - 1)
    const duplicate = state.batches.find((batch) => batch.firstSequence === firstSequence && batch.lastSequence === lastSequence)
    if (duplicate) return { is: 'duplicate', of: duplicate }
    if (firstSequence === sequenceAfter(last.lastSequence, 1)) return { is: 'next' }
    return { is: 'gap', message: `Producer ${producerId} sent sequence ${firstSequence} after ${last.lastSequence}.` }
  }

  /** Remembers a batch that was appended; a transactional one opens the producer's transaction unless it is open. */
  note(producerId: number, epoch: number, batch: ProducerBatch, options: { seenMs: number; transactional: boolean }): void {
    const state = this.#state(producerId, epoch)
    state.seenMs = options.seenMs
    state.lastTimestampMs = batch.timestampMs
    state.batches.push(batch)
    if (state.batches.length > remembered) state.batches.shift()
    if (!options.transactional || state.transactionFrom !== null) return
    state.transactionFrom = batch.baseOffset
    this.#open.set(producerId, batch.baseOffset)
  }

  #state(producerId: number, epoch: number): ProducerState {
    const known = this.#producers.get(producerId)
    if (known) {
      if (known.epoch !== epoch) known.batches = []
      known.epoch = epoch
      return known
    }
    const fresh = { epoch, batches: [], seenMs: 0, lastTimestampMs: -1, transactionFrom: null, coordinatorEpoch: -1 }
    this.#producers.set(producerId, fresh)
    return fresh
  }

  /** Notes a marker; says what it ended, null when no transaction of the producer was open here. */
  noteMarker(
    producerId: number,
    epoch: number,
    marker: { offset: number; timestampMs: number; coordinatorEpoch: number; seenMs: number },
  ): EndedTransaction | null {
    const state = this.#state(producerId, epoch)
    state.seenMs = marker.seenMs
    state.lastTimestampMs = marker.timestampMs
    state.coordinatorEpoch = marker.coordinatorEpoch
    if (state.transactionFrom === null) return null
    const ended = { producerId, firstOffset: state.transactionFrom, markerOffset: marker.offset }
    state.transactionFrom = null
    this.#open.delete(producerId)
    this.#ending.push(ended)
    return ended
  }

  /** The first offset of an open transaction; null when none is open. */
  firstOpenOffset(): number | null {
    for (const firstOffset of this.#open.values()) return firstOffset
    return null
  }

  /** First offset whose transaction is not decided for readers: still open, or its marker is at or above the high watermark. */
  firstUndecided(highWatermark: number): number | null {
    this.forgetDecided(highWatermark)
    let first = this.firstOpenOffset() ?? Infinity
    for (const { firstOffset } of this.#ending) first = Math.min(first, firstOffset)
    return first === Infinity ? null : first
  }

  /** Forgets the ended transactions whose markers readers see. */
  forgetDecided(highWatermark: number): void {
    if (this.#ending.length === 0) return
    const first = this.#ending.findIndex(({ markerOffset }) => markerOffset >= highWatermark)
    this.#ending.splice(0, first < 0 ? this.#ending.length : first)
  }

  /** Forgets producers not heard of since `beforeMs`; never one with an open transaction. */
  expire(beforeMs: number): void {
    for (const [id, state] of this.#producers) {
      if (state.transactionFrom === null && state.seenMs < beforeMs) this.#producers.delete(id)
    }
  }

  /** Puts batches before those that are known; they must be of the producer's present epoch. */
  recall(producerId: number, earlier: readonly ProducerBatch[]): void {
    const state = this.#producers.get(producerId)
    if (!state) return
    const first = state.batches[0]?.baseOffset ?? -1
    state.batches = [...earlier.filter(({ baseOffset }) => baseOffset < first), ...state.batches].slice(-remembered)
  }

  toSnapshot(): Buffer {
    return writeSnapshot(this.#producers)
  }

  /** Takes over a snapshot; false when it is not sound, and nothing is changed then. */
  loadSnapshot(bytes: Buffer, seenMs: number): boolean {
    const found = readSnapshot(bytes, seenMs)
    if (!found) return false
    for (const [id, state] of found) this.#producers.set(id, state)
    const open = [...found].flatMap(([id, { transactionFrom }]) => (transactionFrom === null ? [] : [[id, transactionFrom] as const]))
    this.#open = new Map(open.toSorted(([, a], [, b]) => a - b))
    return true
  }
}
