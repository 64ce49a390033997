import type { Json } from '../../core/index.ts'
import { type AvroType, describeAvro } from './avro-type.ts'

/**
 * Why a value cannot be a field's default (Avro specification, "Complex types: records"); null when it can. The default of a union is
 * taken here for any of its branches, as Avro 1.12 does.
 */
export function defaultProblem(type: AvroType, value: Json): string | null {
  if (fits(type, value)) return null
  const text = JSON.stringify(value)
  return `is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}, which is not ${describeAvro(type)}`
}

function fits(type: AvroType, value: Json): boolean {
  switch (type.is) {
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'int':
      return typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31
    case 'long':
      return typeof value === 'number' && Number.isInteger(value)
    case 'float':
    case 'double':
      return typeof value === 'number'
    case 'string':
      return typeof value === 'string'
    case 'bytes':
      return isLatin1(value)
    case 'fixed':
      return isLatin1(value) && value.length === type.sizeBytes
    case 'enum':
      return typeof value === 'string' && type.symbols.includes(value)
    case 'array':
      return Array.isArray(value) && value.every((each) => fits(type.items, each))
    case 'map':
      return isObject(value) && Object.values(value).every((each) => fits(type.values, each))
    case 'union':
      return type.branches.some((branch) => fits(branch, value))
    case 'record':
      return (
        isObject(value) &&
        type.fields.every((field) => {
          const given = value[field.name]
          return given === undefined ? field.hasDefault : fits(field.type, given)
        })
      )
  }
}

/** Bytes are written as text whose code points 0 to 255 stand for them. */
function isLatin1(value: Json): value is string {
  // oxlint-disable-next-line no-control-regex -- the range is that of bytes
  return typeof value === 'string' && /^[\u0000-\u00ff]*$/.test(value)
}

function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
