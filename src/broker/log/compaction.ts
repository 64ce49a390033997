import { createHash } from 'node:crypto'
import { filterBatch, readBatchHeader, verifyBatchCrc, type BatchHeader } from '../../kafka-wire/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { AbortedTransaction } from './aborted-index.ts'
import { batchSizeAt } from './batch-view.ts'
import type { PartitionLog } from './partition-log.ts'
import type { Segment } from './segment.ts'

/** Keys longer than this stand in the map by their MD5, as all do in Kafka. */
const plainKeyBytes = 24

/** Which offset is the last of each key in the part of the log that was not compacted yet, up to `endOffset`. */
export class LastOffsets {
  readonly #offsets = new Map<string, number>()
  endOffset = 0

  get size(): number {
    return this.#offsets.size
  }

  note(key: Uint8Array, offset: number): void {
    this.#offsets.set(nameOf(key), offset)
  }

  /** Whether a later record of this key was seen. */
  isSuperseded(key: Uint8Array, offset: number): boolean {
    return offset < (this.#offsets.get(nameOf(key)) ?? -1)
  }
}

function nameOf(key: Uint8Array): string {
  const bytes = key.length > plainKeyBytes ? createHash('md5').update(key).digest() : Buffer.from(key.buffer, key.byteOffset, key.length)
  return bytes.toString('latin1')
}

/** The transactions of a stretch of log that were aborted: their records are as good as never written. */
export class AbortedRanges {
  readonly #byProducer = new Map<number, AbortedTransaction[]>()

  constructor(transactions: readonly AbortedTransaction[]) {
    for (const transaction of transactions) {
      this.#byProducer.set(transaction.producerId, [...(this.#byProducer.get(transaction.producerId) ?? []), transaction])
    }
  }

  holds(header: BatchHeader): boolean {
    if (!header.isTransactional || header.isControl) return false
    const offset = Number(header.baseOffset)
    const ranges = this.#byProducer.get(Number(header.producerId))
    return ranges?.some(({ firstOffset, lastOffset }) => offset >= firstOffset && offset <= lastOffset) ?? false
  }
}

/** What lets requests through while a log is compacted. */
export interface Pacing {
  /** Called every megabyte. */
  pause(): Promise<void>
  /** The log or the broker is closing: nothing of it may be touched any more. */
  stopped(): boolean
}

/**
 * The batches of a segment, one after another, read a megabyte at a time; ends early when it is stopped.
 * @throws MillraceError DATA_CORRUPT at a batch that is damaged: what is rewritten without it would be lost for good
 */
export async function* batchesOf(
  log: PartitionLog,
  segment: Segment,
  pacing: Pacing,
): AsyncGenerator<{ bytes: Buffer; at: number; header: BatchHeader }> {
  for (let position = 0; position < segment.sizeBytes;) {
    const bytes = log.reader.run(segment, position, 1 << 20)
    if (bytes.length === 0) throw damaged(segment, position)
    for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
      const header = readBatchHeader(bytes, at)
      if (!header || !verifyBatchCrc(bytes, at, header)) throw damaged(segment, position + at)
      yield { bytes, at, header }
    }
    position += bytes.length
    await pacing.pause()
    if (pacing.stopped()) return
  }
}

function damaged({ file: { path } }: Segment, position: number): MillraceError {
  return new MillraceError('DATA_CORRUPT', `${path} is damaged at byte ${position}: it is not compacted. Restore the file from a copy.`, {
    details: { file: path, position },
  })
}

/** What is left of each batch, in the order of the log; it remembers which transactions still have records. */
export class BatchCleaner {
  readonly #log: PartitionLog
  readonly #last: LastOffsets
  readonly #aborted: AbortedRanges
  readonly #nowMs: number
  /** Producers whose transaction, so far without its marker, kept a record. */
  readonly #transactionsWithRecords = new Set<bigint>()

  constructor(log: PartitionLog, last: LastOffsets, aborted: AbortedRanges, nowMs: number) {
    this.#log = log
    this.#last = last
    this.#aborted = aborted
    this.#nowMs = nowMs
  }

  /** The bytes to write in the place of a batch, null when it goes. */
  clean(bytes: Buffer, at: number, header: BatchHeader): Buffer | null {
    if (header.isControl) return this.#marker(bytes, at, header)
    const whole = bytes.subarray(at, at + header.sizeBytes)
    const isAborted = this.#aborted.holds(header)
    let tombstones = false
    const kept = filterBatch(
      bytes,
      at,
      header,
      ({ offset, key, hasValue }) => {
        if (offset >= this.#last.endOffset) return true
        if (isAborted || key === null || this.#last.isSuperseded(key, offset)) return false
        if (hasValue) return true
        tombstones = true
        return !this.#isOver(header)
      },
      null,
    )
    const left = kept?.recordCount ?? header.recordCount
    if (left === 0) return this.#isLastOfProducer(header) ? (kept?.bytes ?? whole) : null
    if (header.isTransactional) this.#transactionsWithRecords.add(header.producerId)
    const result = kept?.bytes ?? whole
    return tombstones && header.deleteHorizonMs === null ? this.#withHorizon(result) : result
  }

  /** Tombstones and markers go once `delete.retention.ms` is over since compaction saw them first (KIP-534). */
  #isOver(header: BatchHeader): boolean {
    return header.deleteHorizonMs !== null && header.deleteHorizonMs <= this.#nowMs
  }

  #withHorizon(batch: Buffer): Buffer {
    const header = readBatchHeader(batch, 0)
    const horizonMs = this.#nowMs + this.#log.config.deleteRetentionMs
    return header ? (filterBatch(batch, 0, header, () => true, horizonMs)?.bytes ?? batch) : batch
  }

  /** A marker stays while a record of its transaction does, and for the delete retention after that. */
  #marker(bytes: Buffer, at: number, header: BatchHeader): Buffer | null {
    const whole = bytes.subarray(at, at + header.sizeBytes)
    if (Number(header.baseOffset) >= this.#last.endOffset) return whole
    const hadRecords = this.#transactionsWithRecords.delete(header.producerId)
    if (hadRecords || this.#isLastOfProducer(header)) return whole
    if (header.deleteHorizonMs === null) return this.#withHorizon(whole)
    return this.#isOver(header) ? null : whole
  }

  /** What a producer's sequence goes on from is kept, as a batch without records if need be. */
  #isLastOfProducer(header: BatchHeader): boolean {
    if (header.producerId < 0n) return false
    const state = this.#log.producers.get(Number(header.producerId))
    if (!state || state.epoch !== header.producerEpoch) return false
    const last = state.batches.at(-1)
    return last ? !header.isControl && last.lastOffset === Number(header.baseOffset) + header.lastOffsetDelta : header.isControl
  }
}
