import type { Disk, DiskFile } from '../../platform/index.ts'
import { AbortedIndex } from './aborted-index.ts'
import { batchHeaderBytes, batchSizeAt, lastOffsetAt } from './batch-view.ts'
import { SparseIndex } from './sparse-index.ts'

const offsetEntryBytes = 8 // relative offset int32, position int32
const timeEntryBytes = 12 // timestamp int64, relative offset int32

/** Kafka's file name of a segment: its base offset in twenty digits. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, '0')
}

/** The folder is synced with the file's first sync (P1): before it nothing in the file was promised, and making many files costs nothing. */
function syncedWithFolder(disk: Disk, dir: string, file: DiskFile): DiskFile {
  let isListed = false
  const datasync = async (): Promise<void> => {
    await file.datasync()
    if (!isListed) disk.syncDir(dir)
    isListed = true
  }
  return { ...file, datasync }
}

/** One segment file with its offset index and time index. Offsets are absolute; positions are bytes in the file. */
export class Segment {
  readonly baseOffset: number
  readonly file: DiskFile
  readonly index: SparseIndex
  readonly timeIndex: SparseIndex
  readonly aborted: AbortedIndex
  sizeBytes = 0
  /** Largest record time of the segment, −1 without records, and the last offset of the batch that holds it. */
  maxTimestampMs = -1
  maxTimestampOffset = -1
  /** Record time of the first batch, for `segment.ms`; −1 without records. */
  firstTimestampMs = -1
  #sinceIndexed = 0
  readonly #disk: Disk
  readonly #stem: string

  constructor(disk: Disk, dir: string, baseOffset: number, state: 'growing' | 'sealed') {
    this.#disk = disk
    this.baseOffset = baseOffset
    this.#stem = `${dir}/${segmentName(baseOffset)}`
    this.file = syncedWithFolder(disk, dir, disk.open(`${this.#stem}.log`, { create: true, syncFolder: false }))
    this.index = new SparseIndex(disk, `${this.#stem}.index`, offsetEntryBytes, state)
    this.timeIndex = new SparseIndex(disk, `${this.#stem}.timeindex`, timeEntryBytes, state)
    this.aborted = new AbortedIndex(disk, `${this.#stem}.txnindex`, state)
    if (state === 'sealed') this.#loadSealed()
  }

  #loadSealed(): void {
    this.sizeBytes = this.file.sizeBytes()
    const last = this.timeIndex.last(() => true)
    if (!last) return
    this.maxTimestampMs = Number(last.bytes.readBigInt64BE(last.at))
    this.maxTimestampOffset = this.baseOffset + last.bytes.readInt32BE(last.at + 8)
    this.firstTimestampMs = Number(last.bytes.readBigInt64BE(0))
  }

  /** Takes up a sealed segment again to grow from `position` on, where the batches from `offset` on begin: what the indexes say of those is dropped. */
  resume(position: number, offset: number): void {
    this.index.cut((bytes, at) => bytes.readInt32BE(at + 4) < position)
    this.timeIndex.cut((bytes, at) => bytes.readInt32BE(at + 8) + this.baseOffset < offset)
    this.aborted.cut(offset)
    this.maxTimestampMs = this.maxTimestampOffset = this.firstTimestampMs = -1
    this.#loadSealed()
    this.sizeBytes = position
    // The index knows later batches only: `segment.ms` counts from the first.
    const first = Buffer.alloc(batchHeaderBytes)
    if (position > 0 && this.file.read(first, 0, batchHeaderBytes, 0) === batchHeaderBytes)
      this.firstTimestampMs = Number(first.readBigInt64BE(35))
  }

  /** Notes a batch that lies at `sizeBytes` of the file; adds index entries every `intervalBytes`. */
  noteBatch(lastOffset: number, sizeBytes: number, maxTimestampMs: number, intervalBytes: number): void {
    if (maxTimestampMs > this.maxTimestampMs) {
      this.maxTimestampMs = maxTimestampMs
      this.maxTimestampOffset = lastOffset
    }
    if (this.firstTimestampMs < 0) this.firstTimestampMs = maxTimestampMs
    if (this.#sinceIndexed > intervalBytes) {
      const entry = this.index.append()
      entry.bytes.writeInt32BE(lastOffset - this.baseOffset, entry.at)
      entry.bytes.writeInt32BE(this.sizeBytes, entry.at + 4)
      this.#appendTime()
      this.#sinceIndexed = 0
    }
    this.#sinceIndexed += sizeBytes
    this.sizeBytes += sizeBytes
  }

  #appendTime(): void {
    const last = this.timeIndex.last(() => true)
    if (this.maxTimestampMs < 0 || (last && Number(last.bytes.readBigInt64BE(last.at)) >= this.maxTimestampMs)) return
    const entry = this.timeIndex.append()
    entry.bytes.writeBigInt64BE(BigInt(this.maxTimestampMs), entry.at)
    entry.bytes.writeInt32BE(this.maxTimestampOffset - this.baseOffset, entry.at + 8)
  }

  /** Writes the indexes, synced: from here on the recovery point may lie in this segment. */
  saveIndexes(): void {
    this.#appendTime()
    this.aborted.save()
    this.index.save()
    this.timeIndex.save()
  }

  /** Writes the indexes, synced, and lets go of them: from here on the recovery point may pass this segment. */
  seal(): void {
    this.#appendTime()
    this.aborted.save()
    this.index.seal()
    this.timeIndex.seal()
  }

  /** Whether both index files are there, so that the segment need not be scanned. */
  static hasIndexes(disk: Disk, dir: string, baseOffset: number): boolean {
    const stem = `${dir}/${segmentName(baseOffset)}`
    return disk.exists(`${stem}.index`) && disk.exists(`${stem}.timeindex`)
  }

  /** Position of the first batch whose last offset is at least `offset`, within the first `limit` bytes; `limit` when there is none. */
  locate(offset: number, limit: number): number {
    // An index entry holds the last offset of the batch at its position: the last entry below `offset` is a safe start.
    const entry = this.index.last((bytes, at) => bytes.readInt32BE(at) + this.baseOffset <= offset)
    return this.#walk(entry ? entry.bytes.readInt32BE(entry.at + 4) : 0, limit, (header, at) => lastOffsetAt(header, at) >= offset)
  }

  /** A position at or before `position` at which a batch begins. */
  startBefore(position: number): number {
    const entry = this.index.last((bytes, at) => bytes.readInt32BE(at + 4) <= position)
    return entry ? entry.bytes.readInt32BE(entry.at + 4) : 0
  }

  /** Position of the first batch from `position` on for which `found` holds (given the first 61 bytes), or `limit`. */
  #walk(position: number, limit: number, found: (header: Buffer, at: number) => boolean): number {
    const chunk = Buffer.allocUnsafe(16_384)
    let chunkAt = position
    let chunkEnd = position
    let at = position
    while (at + batchHeaderBytes <= limit) {
      if (at + batchHeaderBytes > chunkEnd) {
        chunkAt = at
        chunkEnd = at + this.file.read(chunk, 0, Math.min(chunk.length, limit - at), at)
        if (chunkEnd - chunkAt < batchHeaderBytes) return limit
      }
      if (found(chunk, at - chunkAt)) return at
      at += Math.max(batchSizeAt(chunk, at - chunkAt), batchHeaderBytes)
    }
    return limit
  }

  /** Position of the first batch with a record time of at least `timestampMs`, or `limit`. */
  locateTime(timestampMs: number, limit: number): number {
    const time = this.timeIndex.last((bytes, at) => Number(bytes.readBigInt64BE(at)) < timestampMs)
    const from = time ? this.locate(this.baseOffset + time.bytes.readInt32BE(time.at + 8), limit) : 0
    return this.#walk(from, limit, (header, at) => Number(header.readBigInt64BE(at + 35)) >= timestampMs)
  }

  close(): void {
    this.file.close()
  }

  /** Closes and removes all files of the segment. */
  remove(): void {
    this.file.close()
    for (const suffix of ['.log', '.index', '.timeindex', '.txnindex', '.snapshot']) this.#disk.remove(this.#stem + suffix)
  }
}
