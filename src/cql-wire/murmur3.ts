/**
 * Murmur3Partitioner: the first half of MurmurHash3 x64 128 with Cassandra's peculiarity that the bytes of the tail are
 * sign-extended (CASSANDRA-2975). Computed on 32-bit halves; state in module variables, since nothing here waits.
 */
let hi = 0
let lo = 0

const scratch = new Int32Array(2)
const scratchLong = new BigInt64Array(scratch.buffer)
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

const C1H = 0x87c37b91 | 0
const C1L = 0x114253d5
const C2H = 0x4cf5ad43
const C2L = 0x2745937f

/** hi:lo = ah:al × bh:bl mod 2⁶⁴ */
function multiply(ah: number, al: number, bh: number, bl: number): void {
  const a0 = al & 0xffff
  const a1 = al >>> 16
  const b0 = bl & 0xffff
  const b1 = bl >>> 16
  const p00 = Math.imul(a0, b0) >>> 0
  const p01 = Math.imul(a0, b1) >>> 0
  const p10 = Math.imul(a1, b0) >>> 0
  const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff)
  const high = Math.imul(a1, b1) + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16)
  lo = Math.imul(al, bl)
  hi = (high + Math.imul(ah, bl) + Math.imul(al, bh)) | 0
}

/** Rotates hi:lo left by `by`, 0 < by < 64 and not 32. */
function rotate(by: number): void {
  const h = by < 32 ? hi : lo
  const l = by < 32 ? lo : hi
  const n = by & 31
  hi = (h << n) | (l >>> (32 - n))
  lo = (l << n) | (h >>> (32 - n))
}

function add(ah: number, al: number, bh: number, bl: number): void {
  const sum = (al >>> 0) + (bl >>> 0)
  lo = sum | 0
  hi = (ah + bh + (sum > 0xffffffff ? 1 : 0)) | 0
}

function mixK1(kh: number, kl: number): void {
  multiply(kh, kl, C1H, C1L)
  rotate(31)
  multiply(hi, lo, C2H, C2L)
}

function mixK2(kh: number, kl: number): void {
  multiply(kh, kl, C2H, C2L)
  rotate(33)
  multiply(hi, lo, C1H, C1L)
}

/** hi:lo = fmix(h:l) */
function finalMix(h: number, l: number): void {
  multiply(h, l ^ (h >>> 1), 0xff51afd7 | 0, 0xed558ccd | 0)
  lo ^= hi >>> 1
  multiply(hi, lo, 0xc4ceb9fe | 0, 0x1a85ec53)
  lo ^= hi >>> 1
}

function wordAt(key: Uint8Array, at: number): number {
  return (key[at] ?? 0) | ((key[at + 1] ?? 0) << 8) | ((key[at + 2] ?? 0) << 16) | ((key[at + 3] ?? 0) << 24)
}

/** hi:lo = the bytes from `start` to `end` (at most 8), each sign-extended to 64 bits, shifted to its place and XORed. */
function signedTail(key: Uint8Array, start: number, end: number): void {
  hi = 0
  lo = 0
  for (let at = start; at < end; at++) {
    const byte = ((key[at] ?? 0) << 24) >> 24
    const shift = (at - start) * 8
    if (shift >= 32) hi ^= byte << (shift - 32)
    else {
      lo ^= byte << shift
      hi ^= shift === 0 ? byte >> 31 : byte >> (32 - shift)
    }
  }
}

/** Token of a serialised partition key: signed 64 bit. Long.MIN_VALUE becomes Long.MAX_VALUE; an empty key has the minimum token. */
export function murmur3Token(partitionKey: Uint8Array): bigint {
  const length = partitionKey.length
  if (length === 0) return -(2n ** 63n)
  let h1h = 0
  let h1l = 0
  let h2h = 0
  let h2l = 0
  const blocksEnd = length & ~15
  for (let at = 0; at < blocksEnd; at += 16) {
    mixK1(wordAt(partitionKey, at + 4), wordAt(partitionKey, at))
    hi ^= h1h
    lo ^= h1l
    rotate(27)
    add(hi, lo, h2h, h2l)
    multiply(hi, lo, 0, 5)
    add(hi, lo, 0, 0x52dce729)
    h1h = hi
    h1l = lo
    mixK2(wordAt(partitionKey, at + 12), wordAt(partitionKey, at + 8))
    hi ^= h2h
    lo ^= h2l
    rotate(31)
    add(hi, lo, h1h, h1l)
    multiply(hi, lo, 0, 5)
    add(hi, lo, 0, 0x38495ab5)
    h2h = hi
    h2l = lo
  }
  if (length - blocksEnd > 8) {
    signedTail(partitionKey, blocksEnd + 8, length)
    mixK2(hi, lo)
    h2h ^= hi
    h2l ^= lo
  }
  if (length > blocksEnd) {
    signedTail(partitionKey, blocksEnd, Math.min(length, blocksEnd + 8))
    mixK1(hi, lo)
    h1h ^= hi
    h1l ^= lo
  }
  return finish(h1h, h1l ^ length, h2h, h2l ^ length)
}

function finish(h1h: number, h1l: number, h2h: number, h2l: number): bigint {
  add(h1h, h1l, h2h, h2l)
  const ah = hi
  const al = lo
  add(h2h, h2l, ah, al)
  const bh = hi
  const bl = lo
  finalMix(ah, al)
  const ch = hi
  const cl = lo
  finalMix(bh, bl)
  add(ch, cl, hi, lo)
  scratch[littleEndian ? 0 : 1] = lo
  scratch[littleEndian ? 1 : 0] = hi
  const token = scratchLong[0] ?? 0n
  return token === -(2n ** 63n) ? 2n ** 63n - 1n : token
}

/** The serialised partition key: one part is itself; more are each a short length, the bytes and a zero byte. */
export function compositeKey(parts: readonly Uint8Array[]): Uint8Array {
  const only = parts[0]
  if (parts.length === 1 && only) return only
  const key = new Uint8Array(parts.reduce((sum, part) => sum + part.length + 3, 0))
  let at = 0
  for (const part of parts) {
    key[at] = part.length >>> 8
    key[at + 1] = part.length & 0xff
    key.set(part, at + 2)
    at += part.length + 3
  }
  return key
}
