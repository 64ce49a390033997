import { z } from 'zod'
import type { Field, FieldForm, FieldType, Json } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'

/** The slice of a zod type's definition that the mapping reads (`schema._zod.def`, documented for library authors). */
interface ZodDef {
  type: string
  format?: string
  precision?: number | null
  checks?: readonly { _zod: { def: { check?: string; format?: string } } }[]
  innerType?: z.core.$ZodType
  element?: z.core.$ZodType
  valueType?: z.core.$ZodType
  shape?: Readonly<Record<string, z.core.$ZodType>>
  entries?: Readonly<Record<string, string | number>>
  values?: readonly unknown[]
  defaultValue?: unknown
}

/**
 * The frozen fields of a zod shape. Documented defaults for what a shape leaves open: `z.number()` is double, `z.int()` and
 * `z.bigint()` int64, `z.int32()` int32, a datetime is in milliseconds, or with a `precision` over 3 in microseconds. `.meta({ pii, doc, decimal: { precision, scale } })`
 * says more. What has no mapping is an error that names the field.
 */
export function fieldsOf(schemaName: string, shape: Readonly<Record<string, z.core.$ZodType>>): Field[] {
  return Object.entries(shape).map(([name, type]) => fieldOf(schemaName, name, type))
}

function fieldOf(schemaName: string, name: string, type: z.core.$ZodType): Field {
  const field: Field = { name, type: { is: 'text' }, nullable: false }
  let inner = type
  let meta = metaOf(type)
  for (;;) {
    const def = defOf(inner)
    if (def.innerType === undefined || !['optional', 'nullable', 'default', 'prefault', 'readonly', 'nonoptional'].includes(def.type)) break
    if (def.type === 'optional' || def.type === 'nullable') field.nullable = true
    if (def.type === 'default') field.default = toJson(schemaName, name, def.defaultValue)
    inner = def.innerType
    meta = { ...metaOf(inner), ...meta }
  }
  if (meta.pii === true) field.pii = true
  const doc = meta.doc ?? meta.description
  if (typeof doc === 'string') field.doc = doc
  field.type = decimalOf(meta) ?? typeOf(schemaName, name, inner)
  const form = formOf(type, field, defOf(inner))
  if (form !== null) field.form = form
  return field
}

/** What a reader has to know to give the shape what it takes. */
function formOf(whole: z.core.$ZodType, { type, nullable }: Field, { type: zodType, precision }: ZodDef): FieldForm | null {
  const form: FieldForm = {}
  // The shape itself is asked: wrappers in any order decide together whether it takes a missing value, and null.
  if (nullable && takes(whole, undefined) && !takes(whole, null)) form.absent = 'undefined'
  if (type.is === 'int64' && zodType === 'bigint') form.number = 'bigint'
  if (type.is === 'decimal' && zodType === 'number') form.number = 'number'
  if (type.is === 'timestamp' && typeof precision === 'number') form.fractionDigits = precision
  return Object.keys(form).length > 0 ? form : null
}

function takes(type: z.core.$ZodType, value: undefined | null): boolean {
  try {
    return z.core.safeParse(type, value).success
  } catch {
    // The author's own checks expect a value.
    return false
  }
}

function typeOf(schemaName: string, path: string, type: z.core.$ZodType): FieldType {
  const def = defOf(type)
  switch (def.type) {
    case 'string':
      return stringType(def)
    case 'number':
      return numberType(def)
    case 'bigint':
      return { is: 'int64' }
    case 'boolean':
      return { is: 'bool' }
    case 'enum':
      return enumType(schemaName, path, Object.values(def.entries ?? {}))
    case 'literal':
      return enumType(schemaName, path, def.values ?? [])
    case 'array':
      return { is: 'list', of: elementType(schemaName, path, def.element) }
    case 'record':
      return { is: 'map', of: elementType(schemaName, path, def.valueType) }
    case 'object':
      return {
        is: 'struct',
        name: path,
        fields: Object.entries(def.shape ?? {})
          .map(([name, inner]) => fieldOf(schemaName, `${path}.${name}`, inner))
          .map(lastName),
      }
    case 'transform':
    case 'pipe':
      throw refused(
        schemaName,
        path,
        'is a transform; a stored type must not change its value: keep the plain type here and transform in map()',
      )
    case 'date':
      throw refused(schemaName, path, 'is a Date, which JSON does not have: write z.iso.datetime()')
    default:
      throw refused(
        schemaName,
        path,
        `is z.${def.type}(), which has no stored type: use text, numbers, booleans, enums, arrays, records or objects`,
      )
  }
}

function stringType({ format, precision }: ZodDef): FieldType {
  if (format === 'guid' || format === 'uuid') return { is: 'uuid' }
  if (format === 'datetime') return { is: 'timestamp', unit: (precision ?? 0) > 3 ? 'us' : 'ms' }
  if (format === 'date') return { is: 'date' }
  if (format === 'base64') return { is: 'bytes' }
  return { is: 'text' }
}

function numberType(def: ZodDef): FieldType {
  const formats = [def.format, ...(def.checks ?? []).map((check) => check._zod.def.format)]
  if (formats.includes('int32')) return { is: 'int32' }
  if (formats.includes('safeint') || formats.includes('uint32')) return { is: 'int64' }
  return { is: 'double' }
}

function enumType(schemaName: string, path: string, values: readonly unknown[]): FieldType {
  const symbols = values.filter((value) => typeof value === 'string')
  if (symbols.length === 0 || symbols.length !== values.length)
    throw refused(schemaName, path, 'has values that are not text: an enum or literal holds text only')
  return { is: 'enum', symbols }
}

function elementType(schemaName: string, path: string, type: z.core.$ZodType | undefined): FieldType {
  if (type === undefined) throw refused(schemaName, path, 'has no element type')
  const element = fieldOf(schemaName, `${path}[]`, type)
  if (element.nullable) throw refused(schemaName, path, 'has elements that may be null, which tables and Avro lists here do not hold')
  return element.type
}

function decimalOf(meta: Record<string, unknown>): FieldType | null {
  const decimal = meta.decimal
  if (typeof decimal !== 'object' || decimal === null || !('precision' in decimal) || !('scale' in decimal)) return null
  const { precision, scale } = decimal
  return typeof precision === 'number' && typeof scale === 'number' ? { is: 'decimal', precision, scale } : null
}

function lastName(field: Field): Field {
  return { ...field, name: field.name.slice(field.name.lastIndexOf('.') + 1) }
}

function defOf(type: z.core.$ZodType): ZodDef {
  const def: z.core.$ZodTypeDef & Partial<Omit<ZodDef, 'type'>> = type._zod.def
  return def
}

function metaOf(type: z.core.$ZodType): Record<string, unknown> {
  const meta = 'meta' in type && typeof type.meta === 'function' ? (type as z.ZodType).meta() : undefined
  return meta ?? {}
}

function toJson(schemaName: string, path: string, value: unknown): Json {
  const text = jsonText(value)
  if (text === undefined) throw refused(schemaName, path, 'has a default that JSON cannot hold')
  const json: Json = JSON.parse(text)
  return json
}

/** Whole numbers as Avro's JSON has them: a bigint is a number as far as numbers are exact. */
function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_key, each: unknown) =>
      typeof each === 'bigint' && Number.isSafeInteger(Number(each)) ? Number(each) : each,
    )
  } catch {
    return undefined
  }
}

function refused(schemaName: string, path: string, why: string): MillraceError {
  return new MillraceError('DEFINITION_INVALID', `schema ${schemaName}: field "${path}" ${why}.`, {
    details: { schema: schemaName, field: path },
  })
}
