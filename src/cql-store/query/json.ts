import { decodeValue, encodeValue, formatType, type CqlType, type CqlValue, type ScalarName } from '../../cql-wire/index.ts'
import { dateText, timestampText } from './date-text.ts'
import { parseJson, type Json } from './json-text.ts'
import { decimalOf, literalBytes } from './literals.ts'
import { doubleText, floatText } from '../floating-text.ts'
import { decimalText, durationText } from './numbers.ts'
import { collectionOf, elementsOf, fieldsOf, normalized } from './values.ts'

/** A value as SELECT JSON and toJson show it. */
export function toJson(type: CqlType, bytes: Uint8Array | null): string {
  if (bytes === null) return 'null'
  switch (type.is) {
    case 'list':
    case 'set':
      return `[${elementsOf(type, bytes).map((element) => toJson(type.of, element)).join(', ')}]` // prettier-ignore
    case 'map': {
      const elements = elementsOf(type, bytes)
      const pairs = elements.flatMap((key, i) =>
        i % 2 === 0 ? [`${keyText(type.key, key)}: ${toJson(type.value, elements[i + 1] ?? null)}`] : [],
      )
      return `{${pairs.join(', ')}}`
    }
    case 'tuple': {
      const fields = fieldsOf(bytes)
      return `[${type.of.map((of, i) => toJson(of, fields[i] ?? null)).join(', ')}]`
    }
    case 'udt':
    case 'custom':
      return `"0x${Buffer.from(bytes).toString('hex')}"`
    case 'inet':
      return JSON.stringify(inetText(bytes))
    default:
      return scalarText(type.is, decodeValue(type, bytes))
  }
}

/** Keys of an object are strings, whatever their type. */
function keyText(type: CqlType, key: Uint8Array): string {
  const text = toJson(type, key)
  return text.startsWith('"') ? text : JSON.stringify(text)
}

/** As Java writes addresses: IPv6 without shortening. */
function inetText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  return Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16)).join(':')
}

function scalarText(type: ScalarName, value: CqlValue): string {
  if (value === null) return type === 'text' || type === 'ascii' ? '""' : 'null'
  if (value instanceof Uint8Array) return `"0x${Buffer.from(value).toString('hex')}"`
  if (typeof value === 'object' && 'unscaled' in value) return decimalText(value)
  if (typeof value === 'object' && 'months' in value) return `"${durationText(value)}"`
  switch (type) {
    case 'float':
    case 'double':
      if (!Number.isFinite(value)) return 'null'
      return type === 'float' ? floatText(Number(value)) : doubleText(Number(value))
    case 'timestamp':
      return typeof value === 'bigint' ? `"${timestampText(value, ' ')}"` : 'null'
    case 'date':
      return `"${dateText(Number(value))}"`
    case 'time':
      return `"${timeText(typeof value === 'bigint' ? value : 0n)}"`
    default:
      return typeof value === 'string' ? JSON.stringify(value) : typeof value === 'object' ? 'null' : String(value)
  }
}

function timeText(nanos: bigint): string {
  const seconds = nanos / 1_000_000_000n
  const two = (n: bigint): string => String(n).padStart(2, '0')
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}.${String(nanos % 1_000_000_000n).padStart(9, '0')}`
}

/** Why a JSON value is none of a type. */
export class JsonMisfit extends Error {}

/** The bytes of a JSON value for a type. @throws JsonMisfit */
export function fromJson(type: CqlType, value: Json): Uint8Array | null {
  if (value === null) return null
  switch (type.is) {
    case 'list':
    case 'set':
      if (!Array.isArray(value)) throw new JsonMisfit(`Expected a list, but got ${shown(value)}`)
      return normalized(type, collectionOf(type, value.map((each) => elementFrom(type.of, each)))) // prettier-ignore
    case 'map':
      if (!isObject(value)) throw new JsonMisfit(`Expected a map, but got ${shown(value)}`)
      return normalized(type, collectionOf(type, value.entries.flatMap(([key, each]) => [keyFrom(type.key, key), elementFrom(type.value, each)]))) // prettier-ignore
    case 'tuple':
      if (!Array.isArray(value) || value.length > type.of.length) throw new JsonMisfit(`Expected a list representation of a tuple`)
      return Buffer.concat(
        value.map((each, i) => {
          const bytes = fromJson(type.of[i] ?? { is: 'blob' }, each)
          const length = Buffer.alloc(4)
          length.writeInt32BE(bytes ? bytes.length : -1)
          return Buffer.concat(bytes ? [length, bytes] : [length])
        }),
      )
    case 'udt':
    case 'custom':
      throw new JsonMisfit(`${formatType(type)} has no JSON representation`)
    default:
      return scalarFrom(type.is, value)
  }
}

function isObject(value: Json): value is { entries: [string, Json][] } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && 'entries' in value
}

function elementFrom(type: CqlType, value: Json): Uint8Array {
  const bytes = fromJson(type, value)
  if (bytes === null) throw new JsonMisfit('Invalid null element in a collection')
  return bytes
}

function keyFrom(type: CqlType, key: string): Uint8Array {
  const isNested = type.is === 'list' || type.is === 'set' || type.is === 'map' || type.is === 'tuple'
  return elementFrom(type, isNested ? (parseJson(key)?.value ?? null) : key)
}

function shown(value: Json): string {
  if (typeof value === 'string') return `a string: ${value}`
  return Array.isArray(value) ? 'a list' : 'a value of another kind'
}

const quoted = new Set<ScalarName>(['timestamp', 'date', 'time', 'inet', 'duration', 'ascii', 'text'])

function scalarFrom(type: ScalarName, value: Json): Uint8Array {
  const number = typeof value === 'object' && value !== null && 'number' in value ? value.number : null
  const text = typeof value === 'string' ? value : number
  const literal = (kind: 'string' | 'integer' | 'float' | 'uuid' | 'blob' | 'boolean', of: string): Uint8Array => {
    try {
      const bytes = literalBytes({ is: 'literal', kind, text: of }, { name: 'json', type: { is: type } })
      if (bytes) return bytes
    } catch (error) {
      throw new JsonMisfit(error instanceof Error ? error.message : String(error))
    }
    throw new JsonMisfit(`Unable to make ${type} from ${of}`)
  }
  if (type === 'boolean' && (typeof value === 'boolean' || typeof value === 'string')) return booleanFrom(String(value))
  if (text === null) throw new JsonMisfit(`Expected a ${type}, but got ${shown(value)}`)
  if (number !== null && type === 'timestamp' && /^-?\d+$/.test(number)) return literal('integer', number)
  if (quoted.has(type)) {
    if (number !== null) throw new JsonMisfit(`Expected a string representation of a ${type} value, but got a number: ${number}`)
    return literal('string', text)
  }
  if (type === 'uuid' || type === 'timeuuid') return literal('uuid', text)
  if (type === 'blob') {
    if (!/^0x([0-9a-fA-F]{2})*$/.test(text)) throw new JsonMisfit(`Value '${text}' is not a valid blob representation`)
    return literal('blob', text)
  }
  if (type === 'decimal') {
    // Cassandra reads fractions as doubles, in decimals too.
    const read = decimalOf(number !== null && /[.eE]/.test(number) ? doubleText(Number(number)) : text)
    if (!read) throw new JsonMisfit(`Unable to make decimal from ${text}`)
    return encodeValue({ is: type }, read)
  }
  if (type === 'float' || type === 'double') {
    if (text.trim() === '' || Number.isNaN(Number(text))) throw new JsonMisfit(`Unable to make ${type} from '${text}'`)
    return literal('float', text)
  }
  if (!/^-?\d+$/.test(text)) throw new JsonMisfit(`Unable to make ${type} from '${text}'`)
  return literal('integer', text)
}

function booleanFrom(text: string): Uint8Array {
  if (!/^(true|false)$/i.test(text)) throw new JsonMisfit(`Unable to make boolean from '${text}'`)
  return Uint8Array.of(text.toLowerCase() === 'true' ? 1 : 0)
}
