import { readBatchHeader, verifyBatchCrc, type BatchHeader } from '../../kafka-wire/index.ts'
import type { DiskFile } from '../../platform/index.ts'
import { batchHeaderBytes, batchSizeAt, magic2 } from './batch-view.ts'

/** Where a segment's sound part ends, and why the rest is not sound; null when the whole file is. */
export interface ScanEnd {
  validBytes: number
  fault: string | null
}

/** Gets each sound batch, and where its bytes lie (only until it returns). */
type OnBatch = (header: BatchHeader, bytes: Buffer, at: number) => void

const chunkBytes = 1 << 20

/**
 * Reads a segment batch by batch with CRC-32C, from a place where a batch begins, calling `onBatch` for each sound one. Stops at the first
 * that is cut short, has a wrong checksum, or whose offsets do not rise.
 */
export function scanSegment(file: DiskFile, from: { position: number; offset: number }, onBatch: OnBatch): ScanEnd {
  const fileBytes = file.sizeBytes()
  let chunk = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(fileBytes, batchHeaderBytes)))
  let chunkAt = 0
  let chunkEnd = 0
  let at = from.position
  let nextOffset = from.offset
  const load = (length: number): boolean => {
    if (at + length <= chunkEnd) return true
    if (at + length > fileBytes) return false
    if (length > chunk.length) chunk = Buffer.allocUnsafe(length)
    chunkAt = at
    chunkEnd = at + file.read(chunk, 0, Math.min(chunk.length, fileBytes - at), at)
    return at + length <= chunkEnd
  }
  const stop = (fault: string): ScanEnd => ({ validBytes: at, fault })
  while (at < fileBytes) {
    if (!load(batchHeaderBytes)) return stop(`${fileBytes - at} bytes are too few for a batch`)
    const size = batchSizeAt(chunk, at - chunkAt)
    if (chunk[at - chunkAt + 16] !== magic2 || size < batchHeaderBytes) return stop('no record batch begins here')
    if (!load(size)) return stop(`a batch of ${size} bytes is cut short`)
    const header = readBatchHeader(chunk, at - chunkAt)
    if (!header || !verifyBatchCrc(chunk, at - chunkAt, header)) return stop('the checksum of a batch is wrong')
    if (Number(header.baseOffset) < nextOffset || header.lastOffsetDelta < 0)
      return stop(`a batch begins at offset ${header.baseOffset}, below ${nextOffset}`)
    // No checksum covers the base offset; indexes hold it relative to the segment's, in 31 bits.
    if (Number(header.baseOffset) + header.lastOffsetDelta - from.offset > 0x7fff_ffff)
      return stop(`a batch begins at offset ${header.baseOffset}, far behind ${nextOffset}`)
    onBatch(header, chunk, at - chunkAt)
    nextOffset = Number(header.baseOffset) + header.lastOffsetDelta + 1
    at += size
  }
  return { validBytes: at, fault: null }
}
