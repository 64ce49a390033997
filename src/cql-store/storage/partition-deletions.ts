import type { GrowingBuffer } from './growing-buffer.ts'
import { compareBytes, newerDeletion, type Deletion } from './row.ts'

/** Rows of a partition deleted together: encoded clustering keys from `start` (included) to `end` (not included). */
export interface RangeDeletion extends Deletion {
  start: Uint8Array
  end: Uint8Array
}

/** What is deleted in a partition beyond single rows: one record of it stands before the partition's rows. */
export interface PartitionDeletions {
  partition: Deletion | null
  /** Sorted by start, end, timestamp. */
  ranges: RangeDeletion[]
}

export function mergeDeletions(a: PartitionDeletions, b: PartitionDeletions): PartitionDeletions {
  const partition = newerDeletion(a.partition, b.partition)
  const all = [...a.ranges, ...b.ranges].filter((range) => !partition || range.timestamp > partition.timestamp)
  const ranges = all.filter((range, i) => !all.some((other, j) => i !== j && covers(other, range) && (j < i || !covers(range, other))))
  ranges.sort((x, y) => compareBytes(x.start, y.start) || compareBytes(x.end, y.end))
  return { partition, ranges }
}

/** True when `range` deletes nothing that `other` does not delete as well. */
function covers(other: RangeDeletion, range: RangeDeletion): boolean {
  const inside = compareBytes(other.start, range.start) <= 0 && compareBytes(other.end, range.end) >= 0
  return inside && (other.timestamp > range.timestamp || (other.timestamp === range.timestamp && other.deletedAt >= range.deletedAt))
}

/** The newest deletion over a row: its partition's or a range's. */
export function deletionOver(deletions: PartitionDeletions | null, clusteringKey: Uint8Array): Deletion | null {
  if (!deletions) return null
  let newest = deletions.partition
  for (const range of deletions.ranges) {
    if (compareBytes(range.start, clusteringKey) > 0) break
    if (compareBytes(range.end, clusteringKey) > 0) newest = newerDeletion(newest, range)
  }
  return newest
}

/** u8 1 when the partition is deleted, [i64 timestamp u32 deletedAt], u32 ranges, each: i64 timestamp u32 deletedAt u16 length start u16 length end. */
export function encodeDeletions(out: GrowingBuffer, deletions: PartitionDeletions): void {
  const { partition, ranges } = deletions
  out.u8(partition ? 1 : 0)
  if (partition) {
    out.i64(partition.timestamp)
    out.u32(partition.deletedAt)
  }
  out.u32(ranges.length)
  for (const range of ranges) {
    out.i64(range.timestamp)
    out.u32(range.deletedAt)
    for (const bound of [range.start, range.end]) {
      out.u16(bound.length)
      out.raw(bound)
    }
  }
}

export function decodeDeletions(bytes: Buffer): PartitionDeletions {
  let at = 1
  let partition: Deletion | null = null
  if (bytes.readUInt8(0) === 1) {
    partition = { timestamp: bytes.readBigInt64BE(at), deletedAt: bytes.readUInt32BE(at + 8) }
    at += 12
  }
  const count = bytes.readUInt32BE(at)
  at += 4
  const ranges: RangeDeletion[] = []
  for (let i = 0; i < count; i++) {
    const timestamp = bytes.readBigInt64BE(at)
    const deletedAt = bytes.readUInt32BE(at + 8)
    const startLength = bytes.readUInt16BE(at + 12)
    const start = bytes.subarray(at + 14, at + 14 + startLength)
    at += 14 + startLength
    const endLength = bytes.readUInt16BE(at)
    const end = bytes.subarray(at + 2, at + 2 + endLength)
    at += 2 + endLength
    ranges.push({ timestamp, deletedAt, start, end })
  }
  return { partition, ranges }
}
