import { decodeValue, encodeValue, formatType, type CqlType, type CqlValue } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'
import { doubleText, floatText } from './numbers.ts'

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
  const isNumber = integers.has(from.is) || from.is === 'float' || from.is === 'double'
  if (isNumber && width !== undefined) return (value) => integerOf(value, width)
  if (isNumber && (to.is === 'float' || to.is === 'double')) return (value) => Number(value)
  if (to.is === 'text' || to.is === 'ascii') return textOf(from)
  if (from.is === 'date' && to.is === 'timestamp') return (value) => BigInt(Number(value)) * 86_400_000n
  if (from.is === 'timestamp' && to.is === 'date') return (value) => Math.floor(Number(value) / 86_400_000)
  return null
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
      return (value) => new Date(Number(value)).toISOString()
    case 'date':
      return (value) => new Date(Number(value) * 86_400_000).toISOString().slice(0, 10)
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
