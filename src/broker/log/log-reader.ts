import { ownMemory } from '../network/own-memory.ts'
import { batchHeaderBytes, batchSizeAt, lastOffsetAt, wholeBatches } from './batch-view.ts'
import type { AbortedTransaction } from './aborted-index.ts'
import type { Segment } from './segment.ts'

/** A place in the log: everything below `offset` lies before `position` of `segment`. */
export interface End {
  readonly offset: number
  readonly segment: Segment
  readonly position: number
}

const noRecords = Buffer.alloc(0)
const rememberedPositions = 32

/** Finds and reads whole batches in the segments of one log. What lies below an `End` can be read; the end is the caller's. */
export class LogReader {
  readonly #segments: readonly Segment[]
  readonly #positions = new Map<number, { segment: Segment; position: number }>()

  /** `segments` is the log's own list, which grows and shrinks. */
  constructor(segments: readonly Segment[]) {
    this.#segments = segments
  }

  /** Segments were removed or replaced. */
  forget(): void {
    this.#positions.clear()
  }

  /** Whole batches from the one that holds `offset` on, below `end`, at most `maxBytes`; the first even when it is larger, if `atLeastOne`. */
  read(offset: number, end: End, maxBytes: number, atLeastOne: boolean): Buffer {
    if (offset >= end.offset) return noRecords
    for (let i = this.segmentIndex(offset); i < this.#segments.length; i++) {
      const segment = this.#segments[i]
      if (!segment) break
      const limit = bytesBelow(segment, end)
      const position = this.#locate(segment, offset, limit)
      if (position < limit) return this.#readBatches(segment, position, limit, maxBytes, atLeastOne)
    }
    return noRecords
  }

  /** Bytes below `end` from the batch that holds `offset` on; counting stops at `enough`. */
  bytesFrom(offset: number, end: End, enough: number): number {
    let bytes = 0
    if (offset >= end.offset) return bytes
    for (let i = this.segmentIndex(offset); i < this.#segments.length && bytes < enough; i++) {
      const segment = this.#segments[i]
      if (!segment) break
      const limit = bytesBelow(segment, end)
      bytes += limit - this.#locate(segment, offset, limit)
    }
    return bytes
  }

  /** The place where the batch that holds `offset` begins; `offset` lies below `end`. */
  endAt(offset: number, end: End): End {
    const segment = this.#segments[this.segmentIndex(offset)]
    return segment ? { offset, segment, position: this.#locate(segment, offset, bytesBelow(segment, end)) } : end
  }

  #locate(segment: Segment, offset: number, limit: number): number {
    if (offset <= segment.baseOffset) return 0
    const known = this.#positions.get(offset)
    return known?.segment === segment ? Math.min(known.position, limit) : segment.locate(offset, limit)
  }

  #readBatches(segment: Segment, position: number, limit: number, maxBytes: number, atLeastOne: boolean): Buffer {
    const room = Math.min(limit - position, Math.max(maxBytes, atLeastOne ? batchHeaderBytes : 0))
    if (room < batchHeaderBytes) return noRecords
    let bytes = ownMemory(room)
    segment.file.read(bytes, 0, room, position)
    let whole = wholeBatches(bytes)
    if (whole.length === 0 && atLeastOne) {
      whole = { length: batchSizeAt(bytes, 0), lastAt: 0 }
      bytes = ownMemory(whole.length)
      segment.file.read(bytes, 0, whole.length, position)
    }
    if (whole.length > 0) this.#remember(lastOffsetAt(bytes, whole.lastAt) + 1, segment, position + whole.length)
    return bytes.subarray(0, whole.length)
  }

  /** Where a reader that goes on from here will read next, so that nothing has to be looked up. */
  #remember(offset: number, segment: Segment, position: number): void {
    this.#positions.set(offset, { segment, position })
    if (this.#positions.size <= rememberedPositions) return
    for (const oldest of this.#positions.keys()) {
      this.#positions.delete(oldest)
      break
    }
  }

  /** Whole batches from `position` of a segment on, whoever may see them: at least one, and no more than `maxBytes` otherwise. */
  run(segment: Segment, position: number, maxBytes: number): Buffer {
    return this.#readBatches(segment, position, segment.sizeBytes, maxBytes, true)
  }

  /** The whole batch that begins at `position`. */
  batchAt(segment: Segment, position: number): Buffer {
    return this.#readBatches(segment, position, segment.sizeBytes, 0, true)
  }

  /** Index of the segment that holds `offset`, or would. */
  segmentIndex(offset: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle]?.baseOffset ?? Infinity) <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  /** Aborted transactions with records from `offset` on, below `end` (KIP-98): what a reader of committed records must leave out. */
  aborted(offset: number, end: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (let i = this.segmentIndex(offset); i < this.#segments.length; i++) {
      for (const transaction of this.#segments[i]?.aborted.entries ?? []) {
        if (transaction.lastOffset >= offset && transaction.firstOffset < end) found.push(transaction)
        // Whatever is aborted later began at or after that stable offset.
        if (transaction.lastStableOffset >= end) return found
      }
    }
    return found
  }
}

/** Bytes of a segment that lie below an end. */
export function bytesBelow(segment: Segment, end: End): number {
  if (segment === end.segment) return end.position
  return segment.baseOffset < end.segment.baseOffset ? segment.sizeBytes : 0
}
