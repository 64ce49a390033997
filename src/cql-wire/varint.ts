import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/** Two's complement, big-endian, as few bytes as possible (`varint`). */
export function writeVarint(out: ByteWriter, value: bigint): void {
  const bits = (value < 0n ? ~value : value).toString(2).length + (value === 0n || value === -1n ? 0 : 1)
  const length = Math.max(1, Math.ceil(bits / 8))
  const hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0')
  const at = out.ensure(length)
  out.bytes.write(hex, at, 'hex')
  out.at = at + length
}

export function varintOf(hex: string): bigint {
  return hex === '' ? 0n : BigInt.asIntN(hex.length * 4, BigInt(`0x${hex}`))
}

/** Cassandra's `[vint]` (spec v5 §3): zigzag, the count of leading ones is the count of bytes that follow. */
export function writeSignedVint(out: ByteWriter, value: bigint): void {
  const zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  let extra = 0
  while (extra < 8 && zigzag >> BigInt(7 * (extra + 1)) !== 0n) extra++
  const at = out.ensure(extra + 1)
  let rest = zigzag
  for (let i = extra; i >= 0; i--) {
    out.bytes[at + i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  out.bytes[at] = (out.bytes[at] ?? 0) | (0xff & ~(0xff >> extra))
  out.at = at + extra + 1
}

export function readSignedVint(from: ByteReader): bigint {
  const first = from.byte('a vint')
  const extra = Math.clz32(~(first << 24))
  let value = extra >= 8 ? 0n : BigInt(first & (0xff >> extra))
  const at = from.take(Math.min(extra, 8), 'a vint')
  for (let i = 0; i < Math.min(extra, 8); i++) value = (value << 8n) | BigInt(from.bytes[at + i] ?? 0)
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
}
