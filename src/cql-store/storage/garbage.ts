import { GrowingBuffer } from './growing-buffer.ts'
import { decodeDeletions, deletionOver, encodeDeletions, type PartitionDeletions, type RangeDeletion } from './partition-deletions.ts'
import { cellFlags, decodeRow, encodeRow, rowFlags } from './row-codec.ts'
import { compareBytes, pruneRow, type Cell, type Row } from './row.ts'

/**
 * What is no longer needed: what deletions shadow, at once; tombstones and what has expired, when that is `gc_grace_seconds` ago, so that a
 * late write of an older time still meets them (Cassandra's rule).
 */

/** The record without its garbage: the same when there is none, null when nothing remains. `gcBefore`: seconds since 1970. */
export function withoutGarbage(record: Buffer, place: Buffer, deletions: PartitionDeletions | null, gcBefore: number): Buffer | null {
  if (!deletions && !mayHoldGarbage(record)) return record
  const old = decodeRow(record)
  const row = purgedRow(deletions ? pruneRow(old, deletionOver(deletions, place)) : old, gcBefore)
  if (!row.liveness && !row.deletion && row.cells.length === 0) return null
  if (row.cells.length === old.cells.length && row.liveness === old.liveness && row.deletion === old.deletion) return record
  const out = new GrowingBuffer(record.length)
  encodeRow(out, row)
  return out.written()
}

function purgedRow(row: Row, gcBefore: number): Row {
  const isOver = (at: number): boolean => at !== 0 && at < gcBefore
  const keeps = (cell: Cell): boolean => !isOver(cell.at)
  return {
    clustering: row.clustering,
    liveness: row.liveness && isOver(row.liveness.expiresAt) ? null : row.liveness,
    deletion: row.deletion && isOver(row.deletion.deletedAt) ? null : row.deletion,
    cells: row.cells.every(keeps) ? row.cells : row.cells.filter(keeps),
  }
}

/** The deletions of a partition without those that are over; null when none remains. Its rows must have been swept with them before. */
export function withoutOldDeletions(record: Buffer, swept: PartitionDeletions, gcBefore: number): Buffer | null {
  const { partition, ranges } = decodeDeletions(record)
  // What was added since its rows were swept stays until the next time.
  const isPartitionOver = partition !== null && partition.deletedAt < gcBefore && swept.partition?.timestamp === partition.timestamp
  const isRangeOver = (range: RangeDeletion): boolean => range.deletedAt < gcBefore && swept.ranges.some((each) => isSame(each, range))
  const kept: PartitionDeletions = {
    partition: isPartitionOver ? null : partition,
    ranges: ranges.filter((range) => !isRangeOver(range)),
  }
  if (!kept.partition && kept.ranges.length === 0) return null
  if (kept.partition === partition && kept.ranges.length === ranges.length) return record
  const out = new GrowingBuffer(record.length)
  encodeDeletions(out, kept)
  return out.written()
}

/** Deletions of one statement share their times, and differ in their bounds. */
function isSame(a: RangeDeletion, b: RangeDeletion): boolean {
  return (
    a.timestamp === b.timestamp && a.deletedAt === b.deletedAt && compareBytes(a.start, b.start) === 0 && compareBytes(a.end, b.end) === 0
  )
}

/** A look at the flags alone: most rows have neither tombstones nor an end. */
function mayHoldGarbage(record: Buffer): boolean {
  const flags = record[0] ?? 0
  if (flags & (rowFlags.expiring | rowFlags.deletion | rowFlags.manyCells)) return true
  let at = flags & rowFlags.liveness ? 9 : 1
  if (flags & rowFlags.clustering) {
    const count = record[at++] ?? 0
    for (let i = 0; i < count; i++) at += 2 + record.readUInt16BE(at)
  }
  const cells = record.readUInt16BE(at)
  at += 2
  for (let i = 0; i < cells; i++) {
    const cell = record[at + 2] ?? 0
    if (cell & (cellFlags.tombstone | cellFlags.expiring)) return true
    at += 3 + (cell & cellFlags.sameTimestamp ? 0 : 8)
    if (cell & cellFlags.path) at += 2 + record.readUInt16BE(at)
    at += 4 + record.readUInt32BE(at)
  }
  return false
}
