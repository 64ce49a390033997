/**
 * The few fields of a magic-2 record batch (KIP-98) that the log reads in place, without an object per batch:
 * base offset (0, int64), length (8, int32), leader epoch (12), magic (16), CRC (17), attributes (21), last offset
 * delta (23), base timestamp (27), max timestamp (35), producer id (43), producer epoch (51), base sequence (53),
 * record count (57), records (61).
 */
export const batchHeaderBytes = 61
export const magic2 = 2

/** Bytes of the whole batch, from its own length field; not checked. */
export function batchSizeAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + 8) + 12
}

export function baseOffsetAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
}

/** Needs the first 27 bytes. */
export function lastOffsetAt(bytes: Buffer, at: number): number {
  return baseOffsetAt(bytes, at) + bytes.readInt32BE(at + 23)
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Length of the longest run of whole batches at the start of `bytes`, and where its last batch begins. */
export function wholeBatches(bytes: Buffer): { length: number; lastAt: number } {
  let at = 0
  let lastAt = 0
  while (at + batchHeaderBytes <= bytes.length) {
    const size = batchSizeAt(bytes, at)
    if (size < batchHeaderBytes || at + size > bytes.length) break
    lastAt = at
    at += size
  }
  return { length: at, lastAt }
}
