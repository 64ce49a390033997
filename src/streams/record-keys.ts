import type { Batch } from '../core/index.ts'

/** True when `bytes[start, end)` is the UTF-8 text `key`. ASCII keys, which is nearly all, are compared without making a string. */
export function keyMatches(bytes: Uint8Array, start: number, end: number, key: string): boolean {
  const length = end - start
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i)
    if (code >= 0x80) return Buffer.from(key).equals(bytes.subarray(start, end))
    if (i >= length || bytes[start + i] !== code) return false
  }
  return key.length === length
}

/** FNV-1a of a record's key bytes, unsigned; 0 without a key. */
export function keyHash(batch: Batch, i: number): number {
  const end = batch.keyAt[2 * i + 1] ?? 0
  let hash = 0x811c9dc5
  for (let at = batch.keyAt[2 * i] ?? end; at >= 0 && at < end; at++) hash = Math.imul(hash ^ (batch.bytes[at] ?? 0), 0x01000193)
  return hash >>> 0
}
