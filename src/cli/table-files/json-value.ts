import type { CqlType, CqlValue } from '../../cql-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { partOf } from './cell-text.ts'
import { misfit, scalarOf, scalarText } from './scalar-text.ts'

/** A value as plain JSON: numbers of 32 bits and floats as numbers, what JSON has no type for as CQL writes it, maps as pairs unless keys are text. */
export function jsonOf(type: CqlType, value: CqlValue): unknown {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number' && type.is !== 'date')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : scalarText(type, value)
  if (!Array.isArray(value)) return scalarText(type, value)
  const items: readonly CqlValue[] = value
  switch (type.is) {
    case 'list':
    case 'set':
      return items.map((item) => jsonOf(type.of, item))
    case 'map': {
      const pairs = items.map((pair) => [jsonOf(type.key, partOf(pair, 0)), jsonOf(type.value, partOf(pair, 1))] as const)
      return isNamed(type.key) ? Object.fromEntries(pairs.map(([key, item]) => [String(key), item])) : pairs
    }
    case 'tuple':
      return type.of.map((of, i) => jsonOf(of, items[i] ?? null))
    default:
      throw misfit(type.is, 'a list of values')
  }
}

/** The value that {@link jsonOf} wrote; texts are understood wherever CSV holds them. @throws MillraceError */
export function valueOfJson(type: CqlType, json: unknown): CqlValue {
  if (json === null || json === undefined) return null
  switch (type.is) {
    case 'list':
    case 'set':
      if (!Array.isArray(json)) throw misfit(type.is, json)
      return json.map((item) => valueOfJson(type.of, item))
    case 'map':
      return pairsOf(json).map(([key, item]) => [valueOfJson(type.key, key), valueOfJson(type.value, item)])
    case 'tuple':
      if (!Array.isArray(json) || json.length > type.of.length) throw misfit('tuple', json)
      return type.of.map((of, i) => valueOfJson(of, json[i]))
    default:
      return scalarOfJson(type, json)
  }
}

function scalarOfJson(type: CqlType, json: unknown): CqlValue {
  if (typeof json === 'string') return scalarOf(type, json)
  if (typeof json === 'boolean' && type.is === 'boolean') return json
  if (typeof json !== 'number' || ['text', 'ascii', 'boolean', 'uuid', 'blob', 'inet'].includes(type.is)) throw misfit(type.is, json)
  if (type.is === 'float' || type.is === 'double') return json
  // It was rounded when it was read.
  if (Math.abs(json) > Number.MAX_SAFE_INTEGER)
    throw new MillraceError('BAD_REQUEST', `${json} is more than a JSON number holds exactly: write it in quotes`)
  return scalarOf(type, String(json))
}

function isNamed(key: CqlType): boolean {
  return key.is === 'text' || key.is === 'ascii'
}

function pairsOf(json: unknown): [unknown, unknown][] {
  if (Array.isArray(json) && json.every((pair) => Array.isArray(pair) && pair.length === 2)) return json
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return Object.entries(json)
  throw misfit('map', json)
}
