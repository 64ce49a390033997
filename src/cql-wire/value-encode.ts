import { ByteWriter } from './byte-writer.ts'
import { parseInet } from './inet.ts'
import { formatType, type CqlType, type ScalarName } from './types.ts'
import { CqlValueError, nanosPerDay, type CqlDecimal, type CqlDuration, type CqlValue } from './value.ts'
import { writeSignedVint, writeVarint } from './varint.ts'

type Write = (out: ByteWriter, value: CqlValue) => void

/** The value's bytes without a length. Throws CqlValueError when it does not fit; null is the caller's (it has no bytes). */
export function encodeValue(type: CqlType, value: CqlValue): Uint8Array {
  const out = new ByteWriter(64)
  contentWriter(type)(out, value)
  return out.copy()
}

/** A function that appends values of one type as `[value]`: length, bytes; null is length −1. Compiled once, for many rows. Throws CqlValueError. */
export function valueWriter(type: CqlType): Write {
  const write = contentWriter(type)
  return (out, value) => {
    if (value === null) return out.int(-1)
    const start = out.ensure(4)
    out.at = start + 4
    write(out, value)
    out.intAt(start, out.at - start - 4)
  }
}

function contentWriter(type: CqlType): Write {
  switch (type.is) {
    case 'list':
    case 'set': {
      const writeElement = elementWriter(type.of, type)
      return (out, value) => {
        const list = listOf(type, value)
        out.int(list.length)
        for (const each of list) writeElement(out, each)
      }
    }
    case 'map': {
      const writeKey = elementWriter(type.key, type)
      const writeValue = elementWriter(type.value, type)
      return (out, value) => {
        const list = listOf(type, value)
        out.int(list.length)
        for (const each of list) {
          const [key, item] = pairOf(type, each)
          writeKey(out, key)
          writeValue(out, item)
        }
      }
    }
    case 'tuple':
      return fieldsWriter(type, type.of)
    case 'udt':
      return fieldsWriter(
        type,
        type.fields.map((field) => field.type),
      )
    case 'custom':
      return scalarWriters.blob
    default:
      return scalarWriters[type.is]
  }
}

function elementWriter(type: CqlType, within: CqlType): Write {
  const write = valueWriter(type)
  return (out, value) => {
    if (value === null) throw new CqlValueError(`null is not supported inside collections (${formatType(within)})`)
    write(out, value)
  }
}

function fieldsWriter(type: CqlType, of: CqlType[]): Write {
  const writers = of.map(valueWriter)
  return (out, value) => {
    const list = listOf(type, value)
    if (list.length > of.length) throw new CqlValueError(`${formatType(type)} has ${of.length} fields, the value ${list.length}`)
    list.forEach((each, i) => writers[i]?.(out, each))
  }
}

function listOf(type: CqlType, value: CqlValue): readonly CqlValue[] {
  if (!isList(value)) throw misfit(formatType(type), 'an array', value)
  return value
}

function pairOf(type: CqlType, value: CqlValue): [CqlValue, CqlValue] {
  const [key, item] = isList(value) ? value : []
  if (key === undefined || item === undefined) throw misfit(formatType(type), 'an array of pairs', value)
  return [key, item]
}

function isList(value: CqlValue): value is readonly CqlValue[] {
  return Array.isArray(value)
}

const scalarWriters: Record<ScalarName, Write> = {
  text: (out, value) => {
    if (typeof value !== 'string') throw misfit('text', 'a string', value)
    // Most text is short ASCII: a loop is then cheaper than a call into the native encoder.
    const length = value.length
    if (length > 48 || !writeAscii(out, value)) out.utf8(value)
  },
  ascii: (out, value) => {
    if (typeof value !== 'string' || !writeAscii(out, value)) throw misfit('ascii', 'a string of ASCII characters', value)
  },
  int: (out, value) => out.int(integer('int', value, -0x8000_0000, 0x7fff_ffff)),
  smallint: (out, value) => out.short(integer('smallint', value, -0x8000, 0x7fff)),
  tinyint: (out, value) => out.byte(integer('tinyint', value, -0x80, 0x7f)),
  bigint: (out, value) => out.long(long('bigint', value)),
  counter: (out, value) => out.long(long('counter', value)),
  timestamp: (out, value) => out.long(long('timestamp', value)),
  varint: (out, value) => writeVarint(out, whole('varint', value)),
  float: (out, value) => out.float(number('float', value)),
  double: (out, value) => out.double(number('double', value)),
  decimal: (out, value) => {
    const { unscaled, scale } = decimal(value)
    out.int(scale)
    writeVarint(out, unscaled)
  },
  boolean: (out, value) => {
    if (typeof value !== 'boolean') throw misfit('boolean', 'true or false', value)
    out.byte(value ? 1 : 0)
  },
  uuid: (out, value) => writeUuid(out, 'uuid', value),
  timeuuid: (out, value) => {
    writeUuid(out, 'timeuuid', value)
    if ((out.bytes[out.at - 10] ?? 0) >> 4 !== 1) throw misfit('timeuuid', 'a UUID of version 1', value)
  },
  date: (out, value) => out.int(integer('date', value, -0x8000_0000, 0x7fff_ffff) + 0x8000_0000),
  time: (out, value) => {
    const nanos = whole('time', value)
    if (nanos < 0n || nanos >= nanosPerDay) throw misfit('time', 'nanoseconds since midnight', value)
    out.long(nanos)
  },
  duration: (out, value) => {
    const { months, days, nanos } = duration(value)
    writeSignedVint(out, BigInt(months))
    writeSignedVint(out, BigInt(days))
    writeSignedVint(out, nanos)
  },
  inet: (out, value) => {
    const bytes = typeof value === 'string' ? parseInet(value) : null
    if (!bytes) throw misfit('inet', 'an IP address', value)
    out.raw(bytes)
  },
  blob: (out, value) => {
    if (!(value instanceof Uint8Array)) throw misfit('blob', 'bytes', value)
    out.raw(value)
  },
}

/** False, with nothing written, when a character is not ASCII. */
function writeAscii(out: ByteWriter, value: string): boolean {
  const length = value.length
  const at = out.ensure(length)
  const bytes = out.bytes
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i)
    if (code > 0x7f) return false
    bytes[at + i] = code
  }
  out.at = at + length
  return true
}

const nibbles = new Int8Array(128).fill(-1)
for (let i = 0; i < 16; i++) {
  nibbles['0123456789abcdef'.charCodeAt(i)] = i
  nibbles['0123456789ABCDEF'.charCodeAt(i)] = i
}

function writeUuid(out: ByteWriter, type: ScalarName, value: CqlValue): void {
  if (typeof value !== 'string' || value.length !== 36) throw misfit(type, 'a UUID', value)
  const start = out.ensure(16)
  const bytes = out.bytes
  let to = start
  for (let i = 0; i < 36;) {
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (value.charCodeAt(i++) !== 0x2d) throw misfit(type, 'a UUID', value)
      continue
    }
    const high = nibbles[value.charCodeAt(i++)] ?? -1
    const low = nibbles[value.charCodeAt(i++)] ?? -1
    if ((high | low) < 0) throw misfit(type, 'a UUID', value)
    bytes[to++] = (high << 4) | low
  }
  out.at = start + 16
}

function number(type: ScalarName, value: CqlValue): number {
  if (typeof value !== 'number') throw misfit(type, 'a number', value)
  return value
}

function integer(type: ScalarName, value: CqlValue, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw misfit(type, `a whole number from ${least} to ${most}`, value)
  }
  return value
}

/** A bigint, or a number that is exactly whole. */
function whole(type: ScalarName, value: CqlValue): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw misfit(type, 'a whole number', value)
  return BigInt(value)
}

function long(type: ScalarName, value: CqlValue): bigint {
  const long = whole(type, value)
  if (BigInt.asIntN(64, long) !== long) throw misfit(type, 'a whole number of 64 bits', value)
  return long
}

function decimal(value: CqlValue): CqlDecimal {
  if (isObject(value) && 'unscaled' in value && typeof value.unscaled === 'bigint' && (value.scale | 0) === value.scale) return value
  throw misfit('decimal', 'an unscaled value and a scale', value)
}

function duration(value: CqlValue): CqlDuration {
  if (!isObject(value) || !('months' in value)) throw misfit('duration', 'months, days and nanos', value)
  const { months, days, nanos } = value
  if ((months | 0) !== months || (days | 0) !== days || BigInt.asIntN(64, nanos) !== nanos) {
    throw misfit('duration', 'months and days of 32 bits, nanos of 64', value)
  }
  const signs = new Set([Math.sign(months), Math.sign(days), nanos < 0n ? -1 : nanos > 0n ? 1 : 0])
  if (signs.has(1) && signs.has(-1)) {
    throw new CqlValueError('The duration months, days and nanoseconds must be all of the same sign')
  }
  return value
}

function isObject(value: CqlValue): value is CqlDecimal | CqlDuration {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && !Array.isArray(value)
}

function misfit(type: string, expected: string, value: CqlValue): CqlValueError {
  const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : value instanceof Uint8Array ? 'bytes' : typeof value
  return new CqlValueError(`${type} takes ${expected}, not this ${kind}`)
}
