import { describeType, type Field, type FieldType } from '../../core/index.ts'
import type { CqlValue } from '../../cql-client/index.ts'
import { bytesOfBase64, daysOfDate, instantOfText, int64Of, unscaledOf } from '../../formats/index.ts'

/** A JSON value as the value of its column, or what is wrong with it. */
export type Converted = { ok: true; value: CqlValue } | { ok: false; problem: string }

type Convert = (value: unknown) => CqlValue

/** Why a value does not fit; never leaves this module. */
class Misfit extends Error {}

/** Compiled once for a column: the value of a field of a row, `undefined` standing for the default, else for null. */
export function columnConverter(field: Field, { isKey }: { isKey: boolean }): (value: unknown) => Converted {
  const convert = converterOf(field.type)
  return (given) => {
    const value = given === undefined ? field.default : given
    if (value === undefined || value === null) {
      if (isKey) return { ok: false, problem: 'is part of the key and has no value' }
      return field.nullable ? { ok: true, value: null } : { ok: false, problem: 'has no value, and the schema does not allow that' }
    }
    try {
      return { ok: true, value: convert(value) }
    } catch (error) {
      if (error instanceof Misfit) return { ok: false, problem: `${error.message}, not ${describeType(field.type)}` }
      throw error
    }
  }
}

function converterOf(type: FieldType): Convert {
  switch (type.is) {
    case 'text':
      return toText
    case 'uuid':
      return toUuid
    case 'bool':
      return (value) => (typeof value === 'boolean' ? value : misfit(value))
    case 'int32':
      return (value) =>
        typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31 ? value : misfit(value)
    case 'int64':
      return toInt64
    case 'double':
      return (value) => (typeof value === 'number' ? value : misfit(value))
    case 'bytes':
      return toBytes
    case 'date':
      return toDays
    case 'timestamp':
      return type.unit === 'ms' ? toTimestamp : toWholeMilliseconds
    case 'decimal':
      return toDecimal(type.precision, type.scale)
    case 'enum': {
      const symbols = new Set(type.symbols)
      return (value) => (typeof value === 'string' && symbols.has(value) ? value : misfit(value))
    }
    case 'list': {
      const element = notNull(converterOf(type.of))
      return (value) => (Array.isArray(value) ? value.map(element) : misfit(value))
    }
    case 'map':
      return toMap(notNull(converterOf(type.of)))
    case 'struct':
      return misfit
  }
}

function misfit(value: unknown): never {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? typeof value)
  throw new Misfit(`is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`)
}

/** CQL collections hold no nulls. */
function notNull(convert: Convert): Convert {
  return (value) => (value === null || value === undefined ? misfit(null) : convert(value))
}

function toText(value: unknown): CqlValue {
  // A lone surrogate has no UTF-8: it would be stored as another text than was given.
  return typeof value === 'string' && value.isWellFormed() ? value : misfit(value)
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function toUuid(value: unknown): CqlValue {
  return typeof value === 'string' && uuidPattern.test(value) ? value.toLowerCase() : misfit(value)
}

function toInt64(value: unknown): CqlValue {
  return int64Of(value) ?? misfit(value)
}

function toBytes(value: unknown): CqlValue {
  return bytesOfBase64(value) ?? misfit(value)
}

function toDays(value: unknown): CqlValue {
  return daysOfDate(value) ?? misfit(value)
}

function toTimestamp(value: unknown): CqlValue {
  const instant = instantOfText(value)
  return instant === null ? misfit(value) : BigInt(instant.ms)
}

/** Cassandra's timestamp is in ms: microseconds that would be lost are refused rather than dropped. */
function toWholeMilliseconds(value: unknown): CqlValue {
  const fraction = typeof value === 'string' ? (/\.(\d+)/.exec(value)?.[1] ?? '') : ''
  if (/[1-9]/.test(fraction.slice(3)))
    throw new Misfit(`is ${JSON.stringify(value)}, which has more than the milliseconds that a CQL timestamp keeps`)
  return toTimestamp(value)
}

function toDecimal(precision: number, scale: number): Convert {
  return (value) => {
    const unscaled = unscaledOf(value, precision, scale)
    return unscaled === null ? misfit(value) : { unscaled, scale }
  }
}

function toMap(convert: Convert): Convert {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return misfit(value)
    return Object.entries(value).map(([key, entry]) => [toText(key), convert(entry)])
  }
}
