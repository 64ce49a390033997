import type { Field, FieldType, Json, SchemaDef } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { daysOfDate, instantOfText, unscaledOf } from '../json-forms.ts'
import { canonicalAvro } from './canonical.ts'
import { decimalBytes } from './encode.ts'

type JsonObject = { [key: string]: Json }

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * The Avro schema of a schema's frozen fields, as its text in registries. uuid, date, timestamp and decimal are Avro's logical types; what may be
 * null is a union with null first and null as its default, so that it may be added later; an enum whose symbols are no Avro names is a string;
 * structs and enums are named after the path of their field.
 * @throws MillraceError DEFINITION_INVALID naming the field that Avro has no name for
 */
export function avroOfSchema({ name, fields, doc }: SchemaDef): string {
  if (!name.split('.').every((part) => namePattern.test(part)))
    throw refused(name, null, 'is no name in Avro: use letters, digits and "_", not a digit first')
  const derivation = new Derivation(name)
  return canonicalAvro({ type: 'record', name, ...(doc === undefined ? {} : { doc }), fields: derivation.fields(fields, '') })
}

class Derivation {
  readonly #schema: string
  readonly #names = new Set<string>()

  constructor(schema: string) {
    this.#schema = schema
    this.#names.add(schema)
  }

  fields(fields: readonly Field[], parent: string): Json[] {
    return fields.map((field) => {
      const path = `${parent}${field.name}`
      if (!namePattern.test(field.name))
        throw refused(
          this.#schema,
          path,
          `has no name in Avro: use letters, digits and "_", not a digit first; or give the topic format: 'json'`,
        )
      const type = this.#type(field.type, path)
      const json: JsonObject = { name: field.name, type: field.nullable ? ['null', type] : type }
      const given = field.default === undefined ? undefined : defaultOf(field.type, field.default)
      if (given !== undefined && given !== null) Object.assign(json, { type: field.nullable ? [type, 'null'] : type, default: given })
      else if (field.nullable) json.default = null
      if (field.doc !== undefined) json.doc = field.doc
      if (field.pii) json.pii = true
      return json
    })
  }

  #type(type: FieldType, path: string): Json {
    switch (type.is) {
      case 'text':
        return 'string'
      case 'uuid':
        return { type: 'string', logicalType: 'uuid' }
      case 'bool':
        return 'boolean'
      case 'int32':
        return 'int'
      case 'int64':
        return 'long'
      case 'double':
      case 'bytes':
        return type.is
      case 'date':
        return { type: 'int', logicalType: 'date' }
      case 'timestamp':
        return { type: 'long', logicalType: type.unit === 'ms' ? 'timestamp-millis' : 'timestamp-micros' }
      case 'decimal':
        return { type: 'bytes', logicalType: 'decimal', precision: type.precision, scale: type.scale }
      case 'enum':
        return type.symbols.every((symbol) => namePattern.test(symbol))
          ? { type: 'enum', name: this.#name(path), symbols: [...new Set(type.symbols)] }
          : 'string'
      case 'list':
        return { type: 'array', items: this.#type(type.of, path) }
      case 'map':
        return { type: 'map', values: this.#type(type.of, path) }
      case 'struct':
        return { type: 'record', name: this.#name(path), fields: this.fields(type.fields, `${path}.`) }
    }
  }

  /** `User_address` for the field `address` of `User`; a number follows where two paths give one name. */
  #name(path: string): string {
    const base = `${this.#schema.slice(this.#schema.lastIndexOf('.') + 1)}_${path.replaceAll('.', '_')}`
    let name = base
    for (let n = 2; this.#names.has(name); n++) name = `${base}_${n}`
    this.#names.add(name)
    return name
  }
}

/** A default in Avro's JSON; undefined when Avro cannot write it, and then the schema has none. */
function defaultOf(type: FieldType, value: Json): Json | undefined {
  switch (type.is) {
    case 'date':
      return daysOfDate(value) ?? undefined
    case 'timestamp': {
      const instant = instantOfText(value)
      return instant === null ? undefined : type.unit === 'ms' ? instant.ms : instant.ms * 1_000 + instant.micros
    }
    case 'bytes':
      return typeof value === 'string' ? Buffer.from(value, 'base64').toString('latin1') : undefined
    case 'decimal': {
      const unscaled = unscaledOf(value, type.precision, type.scale)
      return unscaled === null ? undefined : decimalBytes(unscaled, null).toString('latin1')
    }
    case 'int64':
      return typeof value === 'number' ? value : undefined
    case 'list':
      return Array.isArray(value) ? everyOf(value.map((each) => defaultOf(type.of, each))) : undefined
    case 'map':
      return objectOf(value, Object.keys(isObject(value) ? value : {}), () => type.of)
    case 'struct': {
      const fields = new Map(type.fields.map((field) => [field.name, field.type]))
      // A default that leaves fields out is one for zod alone.
      return isObject(value) && [...fields.keys()].every((name) => name in value)
        ? objectOf(value, [...fields.keys()], (name) => fields.get(name))
        : undefined
    }
    default:
      return value
  }
}

function everyOf(items: readonly (Json | undefined)[]): Json | undefined {
  const all = items.filter((item) => item !== undefined)
  return all.length === items.length ? all : undefined
}

function objectOf(value: Json, names: readonly string[], typeOf: (name: string) => FieldType | undefined): Json | undefined {
  if (!isObject(value)) return undefined
  const made: JsonObject = {}
  for (const name of names) {
    const type = typeOf(name)
    const inner = type === undefined ? undefined : defaultOf(type, value[name] ?? null)
    if (inner === undefined) return undefined
    made[name] = inner
  }
  return made
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(schema: string, field: string | null, why: string): MillraceError {
  const what = field === null ? `its name "${schema}"` : `field "${field}"`
  return new MillraceError('DEFINITION_INVALID', `schema ${schema}: ${what} ${why}.`, {
    details: { schema, ...(field === null ? {} : { field }) },
  })
}
