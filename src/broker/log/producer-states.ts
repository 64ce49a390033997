import { crc32c } from '@node-rs/crc32'

/** What is remembered of one batch of an idempotent producer (KIP-98). Sequences wrap at 2³¹. */
export interface ProducerBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestampMs: number
}

interface ProducerState {
  epoch: number
  /** The last five, oldest first. */
  batches: ProducerBatch[]
}

export type SequenceCheck =
  { is: 'next' } | { is: 'duplicate'; of: ProducerBatch } | { is: 'gap'; message: string } | { is: 'fenced'; message: string }

const remembered = 5
const maxSequence = 0x7fff_ffff

/** The sequence `by` records after `sequence`. */
export function sequenceAfter(sequence: number, by: number): number {
  return sequence > maxSequence - by ? by - (maxSequence - sequence) - 1 : sequence + by
}

/** The idempotent producers of one partition. */
export class ProducerStates {
  readonly #producers = new Map<number, ProducerState>()

  get size(): number {
    return this.#producers.size
  }

  /** Whether a batch of `count` records may be appended: in order, known already, out of order, or of a fenced epoch. */
  check(producerId: number, epoch: number, firstSequence: number, count: number): SequenceCheck {
    const state = this.#producers.get(producerId)
    const last = state?.batches.at(-1)
    // As Kafka: a producer nobody remembers (expired, or its records are gone) may go on anywhere.
    if (!state || !last) return { is: 'next' }
    if (epoch < state.epoch) return { is: 'fenced', message: `Producer ${producerId} has epoch ${state.epoch}; ${epoch} is fenced.` }
    if (epoch > state.epoch) {
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

  note(producerId: number, epoch: number, batch: ProducerBatch): void {
    const state = this.#producers.get(producerId)
    if (!state || state.epoch !== epoch) {
      this.#producers.set(producerId, { epoch, batches: [batch] })
      return
    }
    state.batches.push(batch)
    if (state.batches.length > remembered) state.batches.shift()
  }

  /** Forgets producers whose last batch is older than `beforeMs`. */
  expire(beforeMs: number): void {
    for (const [id, state] of this.#producers) {
      const last = state.batches.at(-1)
      if (!last || last.timestampMs < beforeMs) this.#producers.delete(id)
    }
  }

  clear(): void {
    this.#producers.clear()
  }

  /**
   * Kafka's `.snapshot` file: version int16 (1), CRC-32C int32 of what follows it, count int32, and per producer id int64,
   * epoch int16, last sequence int32, last offset int64, offset delta int32, timestamp int64, coordinator epoch int32 (−1),
   * first offset of an open transaction int64 (−1).
   */
  toSnapshot(): Buffer {
    const bytes = Buffer.alloc(snapshotHeaderBytes + this.#producers.size * snapshotEntryBytes)
    bytes.writeInt16BE(1, 0)
    bytes.writeInt32BE(this.#producers.size, 6)
    let at = snapshotHeaderBytes
    for (const [id, { epoch, batches }] of this.#producers) {
      const last = batches.at(-1)
      if (!last) continue
      bytes.writeBigInt64BE(BigInt(id), at)
      bytes.writeInt16BE(epoch, at + 8)
      bytes.writeInt32BE(last.lastSequence, at + 10)
      bytes.writeBigInt64BE(BigInt(last.lastOffset), at + 14)
      bytes.writeInt32BE(last.lastOffset - last.baseOffset, at + 22)
      bytes.writeBigInt64BE(BigInt(last.timestampMs), at + 26)
      bytes.writeInt32BE(-1, at + 34)
      bytes.writeBigInt64BE(-1n, at + 38)
      at += snapshotEntryBytes
    }
    bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
    return bytes
  }

  /** Takes over a snapshot; false when it is not sound, and nothing is changed then. */
  loadSnapshot(bytes: Buffer): boolean {
    if (bytes.length < snapshotHeaderBytes || bytes.readInt16BE(0) !== 1) return false
    const count = bytes.readInt32BE(6)
    if (count < 0 || bytes.length !== snapshotHeaderBytes + count * snapshotEntryBytes) return false
    if (bytes.readUInt32BE(2) !== crc32c(bytes.subarray(6))) return false
    for (let at = snapshotHeaderBytes; at < bytes.length; at += snapshotEntryBytes) {
      const lastOffset = Number(bytes.readBigInt64BE(at + 14))
      const delta = bytes.readInt32BE(at + 22)
      const lastSequence = bytes.readInt32BE(at + 10)
      this.note(Number(bytes.readBigInt64BE(at)), bytes.readInt16BE(at + 8), {
        firstSequence: lastSequence >= delta ? lastSequence - delta : lastSequence - delta + maxSequence + 1,
        lastSequence,
        baseOffset: lastOffset - delta,
        lastOffset,
        timestampMs: Number(bytes.readBigInt64BE(at + 26)),
      })
    }
    return true
  }
}

const snapshotHeaderBytes = 10
const snapshotEntryBytes = 46
