import { GrowingBuffer } from './growing-buffer.ts'
import { places, prefixLengthOf } from './keys.ts'
import { decodeDeletions, encodeDeletions, mergeDeletions } from './partition-deletions.ts'
import { mergeRows } from './row.ts'
import { decodeRow, encodeRow } from './row-codec.ts'

/** Two stored versions of the record under one key as one; commutative, associative, idempotent. */
export function mergeRecords(key: Buffer, a: Buffer, b: Buffer): Buffer {
  const out = new GrowingBuffer(a.length + b.length + 64)
  if (isDeletionsKey(key)) encodeDeletions(out, mergeDeletions(decodeDeletions(a), decodeDeletions(b)))
  else encodeRow(out, mergeRows(decodeRow(a), decodeRow(b)))
  return out.written()
}

export function isDeletionsKey(key: Buffer): boolean {
  const at = prefixLengthOf(key)
  return key.length === at + 1 && key[at] === places.deletions
}
