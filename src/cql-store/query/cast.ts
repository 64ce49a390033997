import { decodeValue, encodeValue, formatType, type CqlDecimal, type CqlType, type CqlValue } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'
import { dateText, timestampText } from './date-text.ts'
import { decimalOf } from './literals.ts'
import { doubleText, floatText } from '../floating-text.ts'
import { decimalText, powerOfTen } from './numbers.ts'

const integers = new Map([
  ['tinyint', 8],
  ['smallint', 16],
  ['int', 32],
  ['bigint', 64],
  ['varint', 0],
])

/** CAST between numbers, to text, and between times. @throws CqlRefusal for a pair that CQL does not cast */
export function castTo(from: CqlType, to: CqlType): (bytes: Uint8Array) => Uint8Array {
  if (from.is === to.is) return (bytes) => bytes
  const convert = conversion(from, to)
  if (!convert) throw invalid(`${formatType(from)} cannot be cast to ${formatType(to)}`)
  return (bytes) => encodeValue(to, convert(decodeValue(from, bytes)))
}

function conversion(from: CqlType, to: CqlType): ((value: CqlValue) => CqlValue) | null {
  const width = integers.get(to.is)
  const isFloating = from.is === 'float' || from.is === 'double'
  if (isFloating && width !== undefined) return (value) => integerOf(saturated(Number(value), width), width)
  if (from.is === 'decimal' && width !== undefined) return (value) => integerOf(wholeOf(value), width)
  if (integers.has(from.is) && width !== undefined) return (value) => integerOf(value, width)
  if (to.is === 'float' || to.is === 'double') {
    if (from.is === 'decimal') return (value) => (isDecimal(value) ? Number(decimalText(value)) : null)
    return isFloating || integers.has(from.is) ? (value) => Number(value) : null
  }
  if (to.is === 'decimal') return decimalConversion(from)
  if (from.is === 'decimal' && (to.is === 'text' || to.is === 'ascii')) return (value) => (isDecimal(value) ? decimalText(value) : null)
  if (to.is === 'text' || to.is === 'ascii') return textOf(from)
  if (from.is === 'date' && to.is === 'timestamp') return (value) => BigInt(Number(value)) * 86_400_000n
  if (from.is === 'timestamp' && to.is === 'date') return (value) => Math.floor(Number(value) / 86_400_000)
  return null
}

function isDecimal(value: CqlValue): value is CqlDecimal {
  return typeof value === 'object' && value !== null && 'unscaled' in value
}

function wholeOf(value: CqlValue): bigint {
  if (!isDecimal(value)) return 0n
  const { unscaled, scale } = value
  return scale > 0 ? unscaled / powerOfTen(scale) : unscaled * powerOfTen(-scale)
}

function decimalConversion(from: CqlType): ((value: CqlValue) => CqlValue) | null {
  if (integers.has(from.is)) return (value) => ({ unscaled: typeof value === 'bigint' ? value : BigInt(Number(value)), scale: 0 })
  const text = from.is === 'float' ? floatText : from.is === 'double' ? doubleText : null
  return text && ((value) => decimalOf(text(Number(value))) ?? null)
}

/** As Java narrows floating numbers: to int or long first, by their limits, then to fewer bits. */
function saturated(value: number, width: number): bigint {
  if (Number.isNaN(value)) return 0n
  const bits = width === 64 || width === 0 ? 63n : 31n
  const most = 2n ** bits - 1n
  if (value >= Number(most)) return most
  return value <= -Number(most) - 1 ? -most - 1n : BigInt(Math.trunc(value))
}

function integerOf(value: CqlValue, width: number): CqlValue {
  const whole = typeof value === 'bigint' ? value : BigInt(Number.isFinite(Number(value)) ? Math.trunc(Number(value)) : 0)
  if (width === 0) return whole
  const cut = BigInt.asIntN(width, whole)
  return width === 64 ? cut : Number(cut)
}

function textOf(from: CqlType): ((value: CqlValue) => CqlValue) | null {
  switch (from.is) {
    case 'timestamp':
      return (value) => (typeof value === 'bigint' ? timestampText(value, 'T') : null)
    case 'date':
      return (value) => dateText(Number(value))
    case 'float':
      return (value) => floatText(Number(value))
    case 'double':
      return (value) => doubleText(Number(value))
    case 'ascii':
    case 'text':
    case 'int':
    case 'bigint':
    case 'smallint':
    case 'tinyint':
    case 'varint':
    case 'boolean':
    case 'uuid':
    case 'timeuuid':
    case 'inet':
      return (value) => (typeof value === 'object' ? null : `${value}`)
    default:
      return null
  }
}
