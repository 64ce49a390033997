/**
 * Values as bytes whose unsigned lexicographic order is the order of the CQL type. Input are the protocol's own bytes
 * (CQL v4 §6). No encoding is a prefix of another one of the same type, so that components can stand one after another.
 */
export type OrderedAs = 'bytes' | 'signed' | 'unsigned' | 'float' | 'varint' | 'decimal' | 'uuid' | 'timeuuid'

/** How the clustering values of a CQL type are ordered; types not named here (collections, tuples, blobs, text) as bytes. */
export function orderingOf(type: string): OrderedAs {
  switch (type) {
    case 'int':
    case 'bigint':
    case 'smallint':
    case 'tinyint':
    case 'timestamp':
    case 'counter':
      return 'signed'
    case 'date':
    case 'time':
    case 'boolean':
      return 'unsigned'
    case 'float':
    case 'double':
      return 'float'
    case 'varint':
    case 'decimal':
    case 'uuid':
    case 'timeuuid':
      return type
    default:
      return 'bytes'
  }
}

export function encodeOrdered(ordering: OrderedAs, value: Uint8Array): Uint8Array {
  switch (ordering) {
    case 'bytes':
      return escaped(value)
    case 'unsigned':
      return value
    case 'signed':
      return signFlipped(value)
    case 'float':
      return floatOrder(value)
    case 'varint':
      return integerOrder(bigintOf(value))
    case 'decimal':
      return decimalOrder(value)
    case 'uuid':
      return uuidOrder(value)
    case 'timeuuid':
      return timeuuidOrder(value)
  }
}

/** 00 → 00 FF, then 00 00 as the end. */
export function escaped(value: Uint8Array): Uint8Array {
  let zeros = 0
  for (const byte of value) if (byte === 0) zeros++
  const out = new Uint8Array(value.length + zeros + 2)
  if (zeros === 0) {
    out.set(value)
    return out
  }
  let at = 0
  for (const byte of value) {
    out[at++] = byte
    if (byte === 0) out[at++] = 0xff
  }
  return out
}

/** The value that {@link escaped} wrote at `at`, and where it ends. */
export function unescaped(bytes: Uint8Array, at: number): { value: Uint8Array; end: number } {
  const out = new Uint8Array(bytes.length - at)
  let length = 0
  let from = at
  for (;;) {
    const byte = bytes[from++]
    if (byte === undefined) throw new RangeError('a key ends within a component')
    if (byte === 0 && bytes[from++] === 0) return { value: out.slice(0, length), end: from }
    out[length++] = byte
  }
}

function signFlipped(value: Uint8Array): Uint8Array {
  const out = Uint8Array.from(value)
  out[0] = (out[0] ?? 0) ^ 0x80
  return out
}

/** IEEE 754: negative numbers inverted, others with the sign flipped; every NaN is the greatest, as in Java's `compare`. */
function floatOrder(value: Uint8Array): Uint8Array {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  const number = value.length === 4 ? view.getFloat32(0) : view.getFloat64(0)
  if (Number.isNaN(number)) return new Uint8Array(value.length).fill(0xff)
  const out = Uint8Array.from(value)
  if ((out[0] ?? 0) & 0x80) for (let i = 0; i < out.length; i++) out[i] = ~(out[i] ?? 0)
  else out[0] = (out[0] ?? 0) | 0x80
  return out
}

/** Two's complement, big-endian, of any length; empty is 0. */
export function bigintOf(value: Uint8Array): bigint {
  if (value.length === 0) return 0n
  return BigInt.asIntN(value.length * 8, BigInt(`0x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`))
}

/** 80 for 0; otherwise 81 or 7F, the number of magnitude bytes (u32) and those; for negatives all after the first inverted. */
function integerOrder(value: bigint): Uint8Array {
  if (value === 0n) return Uint8Array.of(0x80)
  const negative = value < 0n
  const digits = (negative ? -value : value).toString(16)
  const magnitude = Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex')
  const out = Buffer.alloc(5 + magnitude.length)
  out.writeUInt32BE(magnitude.length, 1)
  magnitude.copy(out, 5)
  if (negative) for (let i = 1; i < out.length; i++) out[i] = ~(out[i] ?? 0)
  out[0] = negative ? 0x7f : 0x81
  return out
}

/** Sign, exponent of the first digit, digits without trailing zeros: 1.0 and 1.00 are the same key, as in Cassandra. */
function decimalOrder(value: Uint8Array): Uint8Array {
  const scale = new DataView(value.buffer, value.byteOffset, value.byteLength).getInt32(0)
  const unscaled = bigintOf(value.subarray(4))
  if (unscaled === 0n) return Uint8Array.of(0x80)
  const negative = unscaled < 0n
  const all = (negative ? -unscaled : unscaled).toString()
  const digits = all.replace(/0+$/, '')
  const out = Buffer.alloc(1 + 8 + digits.length + 1)
  out.writeBigInt64BE(BigInt(all.length) - BigInt(scale), 1)
  out[1] = (out[1] ?? 0) ^ 0x80
  out.write(digits, 9, 'latin1')
  if (negative) for (let i = 1; i < out.length; i++) out[i] = ~(out[i] ?? 0)
  out[0] = negative ? 0x7f : 0x81
  return out
}

/** Bytes 6-7 (version, high time), 4-5, 0-3: the time of a version 1 UUID in its own order. */
function timeFirst(value: Uint8Array): Uint8Array {
  const out = new Uint8Array(16)
  out.set(value.subarray(6, 8), 0)
  out.set(value.subarray(4, 6), 2)
  out.set(value.subarray(0, 4), 4)
  out.set(value.subarray(8, 16), 8)
  return out
}

/** Cassandra's UUIDType: by version, version 1 then by time, others as bytes. */
function uuidOrder(value: Uint8Array): Uint8Array {
  const version = (value[6] ?? 0) >>> 4
  const out = new Uint8Array(17)
  out[0] = version
  out.set(version === 1 ? timeFirst(value) : value, 1)
  return out
}

/** Cassandra's TimeUUIDType: by time, then the other half compared as signed bytes. */
function timeuuidOrder(value: Uint8Array): Uint8Array {
  const out = timeFirst(value)
  for (let i = 8; i < 16; i++) out[i] = (out[i] ?? 0) ^ 0x80
  return out
}
