import { Buffer, isAscii, isUtf8 } from 'node:buffer'
import { ByteReader, Malformed } from './byte-reader.ts'
import { formatInet } from './inet.ts'
import { formatType, type CqlType, type ScalarName } from './types.ts'
import { CqlValueError, nanosPerDay, type CqlValue } from './value.ts'
import { readSignedVint, varintOf } from './varint.ts'

/** The value in `bytes`. Throws CqlValueError, with Cassandra's words, when they are none of the type. Blobs are copies. */
export function decodeValue(type: CqlType, bytes: Uint8Array): CqlValue {
  try {
    return readValue(type, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (error) {
    if (error instanceof Malformed) throw new CqlValueError(`Not enough bytes to read a ${formatType(type)}: ${error.message}`)
    throw error
  }
}

/** As `decodeValue`, the misfit as a value: for a server that answers INVALID with the reason. */
export function checkValue(type: CqlType, bytes: Uint8Array): { ok: true; value: CqlValue } | { ok: false; reason: string } {
  try {
    return { ok: true, value: decodeValue(type, bytes) }
  } catch (error) {
    if (error instanceof CqlValueError) return { ok: false, reason: error.message }
    throw error
  }
}

function readValue(type: CqlType, bytes: Buffer): CqlValue {
  switch (type.is) {
    case 'list':
    case 'set': {
      const from = new ByteReader(bytes)
      const count = from.count(from.int('the number of elements'), 4, 'elements')
      const list: CqlValue[] = []
      for (let i = 0; i < count; i++) list.push(readElement(type.of, from))
      return ended(type, from, list)
    }
    case 'map': {
      const from = new ByteReader(bytes)
      const count = from.count(from.int('the number of elements'), 8, 'elements')
      const list: CqlValue[] = []
      for (let i = 0; i < count; i++) list.push([readElement(type.key, from), readElement(type.value, from)])
      return ended(type, from, list)
    }
    case 'tuple':
      return readFields(type, type.of, bytes)
    case 'udt':
      return readFields(
        type,
        type.fields.map((field) => field.type),
        bytes,
      )
    case 'custom':
      return scalarReaders.blob(bytes)
    default:
      return bytes.length === 0 && !mayBeEmpty.has(type.is) ? null : scalarReaders[type.is](bytes)
  }
}

function readElement(type: CqlType, from: ByteReader): CqlValue {
  const length = from.int('an element')
  if (length < 0) return null
  const at = from.take(length, 'an element')
  return readValue(type, from.bytes.subarray(at, at + length))
}

/** Fields that are missing at the end are null: the type may have grown since the value was written. */
function readFields(type: CqlType, of: CqlType[], bytes: Buffer): CqlValue {
  const from = new ByteReader(bytes)
  return ended(
    type,
    from,
    of.map((each) => (from.remaining === 0 ? null : readElement(each, from))),
  )
}

function ended(type: CqlType, from: ByteReader, value: CqlValue): CqlValue {
  if (from.remaining > 0) throw new CqlValueError(`Unexpected extraneous bytes after ${type.is} value`)
  return value
}

const mayBeEmpty: ReadonlySet<ScalarName> = new Set<ScalarName>(['text', 'ascii', 'blob', 'duration'])

function ofLength(bytes: Buffer, length: number, words: string): Buffer {
  if (bytes.length !== length) throw new CqlValueError(`Expected ${words} (${bytes.length})`)
  return bytes
}

const scalarReaders: Record<ScalarName, (bytes: Buffer) => CqlValue> = {
  text: (bytes) => {
    if (!isUtf8(bytes)) throw new CqlValueError("String didn't validate.")
    return bytes.toString('utf8')
  },
  ascii: (bytes) => {
    if (!isAscii(bytes)) throw new CqlValueError('Invalid byte for ascii: a byte above 127')
    return bytes.toString('latin1')
  },
  int: (bytes) => ofLength(bytes, 4, '4 or 0 byte int').readInt32BE(),
  smallint: (bytes) => ofLength(bytes, 2, '2 bytes for a smallint').readInt16BE(),
  tinyint: (bytes) => ofLength(bytes, 1, '1 byte for a tinyint').readInt8(),
  bigint: (bytes) => ofLength(bytes, 8, '8 or 0 byte long').readBigInt64BE(),
  counter: (bytes) => ofLength(bytes, 8, '8 or 0 byte long for a counter').readBigInt64BE(),
  timestamp: (bytes) => ofLength(bytes, 8, '8 or 0 byte long for date').readBigInt64BE(),
  varint: (bytes) => varintOf(bytes.toString('hex')),
  float: (bytes) => ofLength(bytes, 4, '4 or 0 byte value for a float').readFloatBE(),
  double: (bytes) => ofLength(bytes, 8, '8 or 0 byte value for a double').readDoubleBE(),
  decimal: (bytes) => {
    if (bytes.length < 5) throw new CqlValueError(`Expected 0 or at least 4 bytes for a decimal (${bytes.length})`)
    return { unscaled: varintOf(bytes.toString('hex', 4)), scale: bytes.readInt32BE() }
  },
  boolean: (bytes) => ofLength(bytes, 1, '1 or 0 byte value').readUInt8() !== 0,
  uuid: readUuid,
  timeuuid: (bytes) => {
    const uuid = readUuid(bytes)
    if ((bytes[6] ?? 0) >> 4 !== 1) throw new CqlValueError('Invalid version for TimeUUID type.')
    return uuid
  },
  date: (bytes) => ofLength(bytes, 4, '4 byte long for date').readUInt32BE() - 0x8000_0000,
  time: (bytes) => {
    const nanos = ofLength(bytes, 8, '8 byte long for time').readBigInt64BE()
    if (nanos < 0n || nanos >= nanosPerDay) throw new CqlValueError(`Input long out of bounds: ${nanos}`)
    return nanos
  },
  duration: readDuration,
  inet: (bytes) => {
    const text = formatInet(bytes)
    if (text === null) throw new CqlValueError(`InetAddress must be 4 or 16 bytes, not ${bytes.length}`)
    return text
  },
  blob: (bytes) => Uint8Array.from(bytes),
}

function readUuid(bytes: Buffer): string {
  const hex = ofLength(bytes, 16, '16 or 0 byte uuid').toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function readDuration(bytes: Buffer): CqlValue {
  if (bytes.length < 3) throw new CqlValueError(`Expected at least 3 bytes for a duration (${bytes.length})`)
  const from = new ByteReader(bytes)
  const months = readSignedVint(from)
  const days = readSignedVint(from)
  const nanos = readSignedVint(from)
  if (from.remaining > 0) throw new CqlValueError('Unexpected extraneous bytes after duration value')
  if (BigInt.asIntN(32, months) !== months || BigInt.asIntN(32, days) !== days) {
    throw new CqlValueError('The duration months and days must be 32 bits integers')
  }
  const signs = [months, days, nanos]
  if (signs.some((each) => each < 0n) && signs.some((each) => each > 0n)) {
    throw new CqlValueError('The duration months, days and nanoseconds must be all of the same sign (positive or negative)')
  }
  return { months: Number(months), days: Number(days), nanos }
}
