import type { Json } from '../../core/index.ts'
import { messageOf } from '../../platform/index.ts'
import {
  type AvroField,
  type AvroType,
  type EnumType,
  type FixedType,
  type Logical,
  primitiveNames,
  type PrimitiveName,
} from './avro-type.ts'
import { defaultProblem } from './default-value.ts'

/** What is wrong with a schema, and where: a JSON pointer into it. */
export interface SchemaProblem {
  readonly path: string
  readonly message: string
}

export type ParsedAvro =
  { readonly ok: true; readonly type: AvroType; readonly json: Json } | { readonly ok: false; readonly problem: SchemaProblem }

/** Types that a schema refers to by name and another schema defines, in the order they depend on each other. */
export type NamedTypes = ReadonlyMap<string, AvroType>

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Deeper nesting is refused: it would exhaust the stack of whoever reads it. */
const maxDepth = 100

class Refused extends Error {
  readonly path: string
  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/** Parses and checks a schema, text of JSON as registries store it (`"string"` alone is one too). */
export function parseAvro(text: string, known: NamedTypes = new Map()): ParsedAvro {
  let json: Json
  try {
    json = JSON.parse(text)
  } catch (error) {
    // The specification's own examples, and older clients, write a primitive's name without quotation marks.
    if (primitiveNames.has(text.trim())) return parseAvroJson(text.trim(), known)
    return { ok: false, problem: { path: '', message: `is not JSON: ${messageOf(error)}` } }
  }
  return parseAvroJson(json, known)
}

export function parseAvroJson(json: Json, known: NamedTypes = new Map()): ParsedAvro {
  try {
    return { ok: true, type: new Parser(known).type(json, '', null, 0), json }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problem: { path: error.path, message: error.message } }
    throw error
  }
}

/** Every named type that a schema defines, itself included: what others may refer to. */
export function namedTypesOf(type: AvroType, found = new Map<string, AvroType>()): Map<string, AvroType> {
  if ('name' in type) {
    if (found.has(type.name)) return found
    found.set(type.name, type)
  }
  if (type.is === 'record') for (const field of type.fields) namedTypesOf(field.type, found)
  else if (type.is === 'array') namedTypesOf(type.items, found)
  else if (type.is === 'map') namedTypesOf(type.values, found)
  else if (type.is === 'union') for (const branch of type.branches) namedTypesOf(branch, found)
  return found
}

type JsonObject = { [key: string]: Json }

class Parser {
  readonly #named: Map<string, AvroType>

  constructor(known: NamedTypes) {
    this.#named = new Map(known)
  }

  type(json: Json, path: string, namespace: string | null, depth: number): AvroType {
    if (depth > maxDepth) throw new Refused(path, `is nested more than ${maxDepth} deep`)
    if (typeof json === 'string') return this.#byName(json, path, namespace)
    if (Array.isArray(json)) return this.#union(json, path, namespace, depth)
    if (!isObject(json)) throw new Refused(path, `is ${JSON.stringify(json)}: a schema is a name, an object or an array`)
    const { type } = json
    if (type === undefined) throw new Refused(path, 'has no "type"')
    if (typeof type !== 'string') return this.type(type, `${path}/type`, namespace, depth + 1)
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(json, path, namespace, depth)
      case 'enum':
        return this.#enum(json, path, namespace)
      case 'fixed':
        return this.#fixed(json, path, namespace)
      case 'array':
        return { is: 'array', items: this.#inner(json, 'items', path, namespace, depth) }
      case 'map':
        return { is: 'map', values: this.#inner(json, 'values', path, namespace, depth) }
      default:
        return isPrimitive(type) ? { is: type, logical: logicalOf(json, type, null) } : this.#byName(type, `${path}/type`, namespace)
    }
  }

  #inner(json: JsonObject, key: 'items' | 'values', path: string, namespace: string | null, depth: number): AvroType {
    const inner = json[key]
    if (inner === undefined) throw new Refused(path, `has no "${key}"`)
    return this.type(inner, `${path}/${key}`, namespace, depth + 1)
  }

  #byName(name: string, path: string, namespace: string | null): AvroType {
    if (isPrimitive(name)) return { is: name, logical: null }
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name)
    if (!found) throw new Refused(path, `"${name}" is neither a type of Avro nor defined before it is used here`)
    return found
  }

  #union(json: readonly Json[], path: string, namespace: string | null, depth: number): AvroType {
    const branches: AvroType[] = []
    const seen = new Set<string>()
    for (const [at, each] of json.entries()) {
      const branch = this.type(each, `${path}/${at}`, namespace, depth + 1)
      if (branch.is === 'union') throw new Refused(`${path}/${at}`, 'is a union directly inside a union')
      const identity = 'name' in branch ? branch.name : branch.is
      if (seen.has(identity)) throw new Refused(`${path}/${at}`, `is a second ${identity} in one union`)
      seen.add(identity)
      branches.push(branch)
    }
    return { is: 'union', branches }
  }

  #record(json: JsonObject, path: string, outer: string | null, depth: number): AvroType {
    const named = this.#name(json, path, outer)
    const { fields: given } = json
    if (!Array.isArray(given)) throw new Refused(path, 'has no array "fields"')
    const fields: AvroField[] = []
    const record: AvroType = { is: 'record', name: named.name, aliases: named.aliases, fields }
    this.#define(record, path)
    const seen = new Set<string>()
    for (const [at, each] of given.entries()) {
      const field = this.#field(each, `${path}/fields/${at}`, named.namespace, depth)
      if (seen.has(field.name)) throw new Refused(`${path}/fields/${at}/name`, `"${field.name}" is a field already`)
      seen.add(field.name)
      fields.push(field)
    }
    return record
  }

  #field(json: Json, path: string, namespace: string | null, depth: number): AvroField {
    if (!isObject(json)) throw new Refused(path, 'is not an object')
    const { name, type: given, aliases } = json
    if (typeof name !== 'string' || !namePattern.test(name))
      throw new Refused(`${path}/name`, `${JSON.stringify(name) ?? 'nothing'} is no name`)
    if (given === undefined) throw new Refused(path, `field "${name}" has no "type"`)
    const type = this.type(given, `${path}/type`, namespace, depth + 1)
    const hasDefault = json.default !== undefined
    const problem = json.default === undefined ? null : defaultProblem(type, json.default)
    if (problem !== null) throw new Refused(`${path}/default`, `the default of field "${name}" ${problem}`)
    const missing = json.default === undefined || type.is === 'bytes' || type.is === 'fixed' ? {} : { missing: json.default }
    return { name, aliases: namesIn(aliases, `${path}/aliases`), type, hasDefault, ...missing }
  }

  #enum(json: JsonObject, path: string, outer: string | null): AvroType {
    const { name, aliases } = this.#name(json, path, outer)
    if (!Array.isArray(json.symbols)) throw new Refused(path, 'has no array "symbols"')
    const symbols: string[] = []
    for (const [at, symbol] of json.symbols.entries()) {
      if (typeof symbol !== 'string' || !namePattern.test(symbol))
        throw new Refused(`${path}/symbols/${at}`, `${JSON.stringify(symbol)} is no symbol`)
      if (symbols.includes(symbol)) throw new Refused(`${path}/symbols/${at}`, `"${symbol}" is there already`)
      symbols.push(symbol)
    }
    const fallback = json.default ?? null
    if (fallback !== null && (typeof fallback !== 'string' || !symbols.includes(fallback)))
      throw new Refused(`${path}/default`, `${JSON.stringify(fallback)} is not one of the symbols`)
    const type: EnumType = { is: 'enum', name, aliases, symbols, default: fallback }
    this.#define(type, path)
    return type
  }

  #fixed(json: JsonObject, path: string, outer: string | null): AvroType {
    const { name, aliases } = this.#name(json, path, outer)
    const { size } = json
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw new Refused(`${path}/size`, `${JSON.stringify(size) ?? 'nothing'} is no size`)
    const type: FixedType = { is: 'fixed', name, aliases, sizeBytes: size, logical: logicalOf(json, 'fixed', size) }
    this.#define(type, path)
    return type
  }

  #name(json: JsonObject, path: string, outer: string | null): { name: string; namespace: string | null; aliases: string[] } {
    const { name: given, namespace: own } = json
    if (typeof given !== 'string' || !given.split('.').every((part) => namePattern.test(part)))
      throw new Refused(`${path}/name`, `${JSON.stringify(given) ?? 'nothing'} is no name`)
    if (
      own !== undefined &&
      own !== null &&
      (typeof own !== 'string' || (own !== '' && !own.split('.').every((part) => namePattern.test(part))))
    )
      throw new Refused(`${path}/namespace`, `${JSON.stringify(own)} is no namespace`)
    const name = fullName(given, typeof own === 'string' ? own : outer)
    if (isPrimitive(name)) throw new Refused(`${path}/name`, `"${name}" is a type of Avro`)
    const namespace = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : null
    const aliases = namesIn(json.aliases, `${path}/aliases`).map((alias) => fullName(alias, namespace))
    return { name, namespace, aliases }
  }

  #define(type: AvroType & { name: string }, path: string): void {
    if (this.#named.has(type.name)) throw new Refused(`${path}/name`, `"${type.name}" is defined twice`)
    this.#named.set(type.name, type)
  }
}

function fullName(name: string, namespace: string | null): string {
  return name.includes('.') || namespace === null || namespace === '' ? name : `${namespace}.${name}`
}

function namesIn(json: Json | undefined, path: string): string[] {
  if (json === undefined || json === null) return []
  if (!Array.isArray(json)) throw new Refused(path, 'is not an array of names')
  return json.map((alias, at) => {
    if (typeof alias !== 'string' || !alias.split('.').every((part) => namePattern.test(part)))
      throw new Refused(`${path}/${at}`, `${JSON.stringify(alias)} is no name`)
    return alias
  })
}

function logicalOf(json: JsonObject, base: string, sizeBytes: number | null): Logical | null {
  const { logicalType, precision, scale = 0 } = json
  if (typeof logicalType !== 'string') return null
  if (logicalType !== 'decimal') return { is: 'other', name: logicalType }
  if (base !== 'bytes' && base !== 'fixed') return null
  if (typeof precision !== 'number' || !Number.isSafeInteger(precision) || precision < 1) return null
  if (typeof scale !== 'number' || !Number.isSafeInteger(scale) || scale < 0 || scale > precision) return null
  if (sizeBytes !== null && precision > Math.floor(Math.log10(2) * (8 * sizeBytes - 1))) return null
  return { is: 'decimal', precision, scale }
}

function isPrimitive(name: string): name is PrimitiveName {
  return primitiveNames.has(name)
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
