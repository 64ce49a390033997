import { GrowingBuffer } from './growing-buffer.ts'
import { places, prefixLengthOf } from './keys.ts'
import { decodeDeletions, encodeDeletions, mergeDeletions } from './partition-deletions.ts'
import { mergeRows } from './row.ts'
import { cellFlags, decodeRow, encodeRow, rowFlags } from './row-codec.ts'

/** Two stored versions of the record under one key as one; commutative, associative, idempotent. */
export function mergeRecords(key: Buffer, a: Buffer, b: Buffer): Buffer {
  if (isDeletionsKey(key)) {
    const out = new GrowingBuffer(a.length + b.length + 64)
    encodeDeletions(out, mergeDeletions(decodeDeletions(a), decodeDeletions(b)))
    return out.written()
  }
  // A row that is written again as a whole, the most frequent case by far: nothing of the old one remains.
  const newer = newerWhole(a, b)
  if (newer) return newer
  const out = new GrowingBuffer(a.length + b.length + 64)
  encodeRow(out, mergeRows(decodeRow(a), decodeRow(b)))
  return out.written()
}

export function isDeletionsKey(key: Buffer): boolean {
  const at = prefixLengthOf(key)
  return key.length === at + 1 && key[at] === places.deletions
}

/** The one of two rows that replaces the other altogether, found without decoding them; null when it takes a merge to know. */
function newerWhole(a: Buffer, b: Buffer): Buffer | null {
  const [inA, inB] = [a[0] ?? 0, b[0] ?? 0]
  if (!(inA & inB & rowFlags.liveness) || (inA | inB) & (rowFlags.deletion | rowFlags.manyCells)) return null
  const [timeA, timeB] = [a.readBigInt64BE(1), b.readBigInt64BE(1)]
  if (timeA === timeB) return a.equals(b) ? a : null
  const [newer, older] = timeA > timeB ? [a, b] : [b, a]
  return replaces(newer, older) ? newer : null
}

/** True when every cell of `older` has its successor in `newer`, all of them written with their row's marker. */
function replaces(newer: Buffer, older: Buffer): boolean {
  let i = headBytes(newer)
  let j = headBytes(older)
  if (clusteringStart(newer) < i && !newer.subarray(clusteringStart(newer), i).equals(older.subarray(clusteringStart(older), j)))
    return false
  const newCells = newer.readUInt16BE(i)
  const oldCells = older.readUInt16BE(j)
  i += 2
  j += 2
  let read = 0
  let column = -1
  for (let n = 0; n < oldCells; n++) {
    const wanted = older.readUInt16BE(j)
    j = afterCell(older, j)
    if (j < 0) return false
    while (column < wanted && read < newCells) {
      column = newer.readUInt16BE(i)
      i = afterCell(newer, i)
      if (i < 0) return false
      read++
    }
    if (column !== wanted) return false
  }
  return true
}

/** Where the cells' count stands. */
function headBytes(record: Buffer): number {
  let at = clusteringStart(record)
  if (!((record[0] ?? 0) & rowFlags.clustering)) return at
  const count = record[at++] ?? 0
  for (let i = 0; i < count; i++) at += 2 + record.readUInt16BE(at)
  return at
}

function clusteringStart(record: Buffer): number {
  return (record[0] ?? 0) & rowFlags.expiring ? 17 : 9
}

/** Where the next cell begins; −1 when this one is not a plain one of its row's own time. */
function afterCell(record: Buffer, at: number): number {
  const flags = record[at + 2] ?? 0
  if (!(flags & cellFlags.sameTimestamp) || flags & (cellFlags.path | cellFlags.collectionDeletion)) return -1
  if (flags & cellFlags.tombstone) return at + 7
  const lengthAt = at + 3 + (flags & cellFlags.expiring ? 8 : 0)
  return lengthAt + 4 + record.readUInt32BE(lengthAt)
}
