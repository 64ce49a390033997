const M = 0x5bd1e995

/** MurmurHash2, 32 bits, seed 0x9747b28c, as Kafka's Java client hashes keys. Returns a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.byteLength
  let h = 0x9747b28c ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = byteAt(bytes, i) | (byteAt(bytes, i + 1) << 8) | (byteAt(bytes, i + 2) << 16) | (byteAt(bytes, i + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const rest = length & 3
  if (rest === 3) h ^= byteAt(bytes, whole + 2) << 16
  if (rest >= 2) h ^= byteAt(bytes, whole + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ byteAt(bytes, whole), M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

/** The partition of a keyed record, equal to that of Java's default partitioner. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}
