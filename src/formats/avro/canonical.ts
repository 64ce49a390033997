import type { Json } from '../../core/index.ts'
import { primitiveNames } from './avro-type.ts'

type JsonObject = { [key: string]: Json }

/**
 * A valid schema's one spelling, by which registries tell whether two texts are the same schema: without white space, attributes in a fixed
 * order, names as short as their namespace allows, `{"type":"string"}` as `"string"`. What people put in — documentation, defaults, aliases,
 * attributes of their own — stays, unlike in Avro's parsing canonical form.
 */
export function canonicalAvro(json: Json): string {
  return JSON.stringify(canonical(json, null))
}

const attributes: Readonly<Record<string, readonly string[]>> = {
  record: ['type', 'name', 'namespace', 'doc', 'fields', 'aliases'],
  error: ['type', 'name', 'namespace', 'doc', 'fields', 'aliases'],
  enum: ['type', 'name', 'namespace', 'doc', 'symbols', 'default', 'aliases'],
  fixed: ['type', 'name', 'namespace', 'doc', 'size', 'aliases'],
  array: ['type', 'items'],
  map: ['type', 'values'],
}
const fieldAttributes = ['name', 'type', 'doc', 'default', 'order', 'aliases']

function canonical(json: Json, namespace: string | null): Json {
  if (typeof json === 'string') return shortest(json, namespace)
  if (Array.isArray(json)) return json.map((branch) => canonical(branch, namespace))
  if (!isObject(json)) return json
  const { type } = json
  if (typeof type !== 'string') return type === undefined ? json : canonical(type, namespace)
  const known = attributes[type]
  if (!known) return plain(json, type, namespace)
  if (type === 'array' || type === 'map') {
    const inner = type === 'array' ? 'items' : 'values'
    return { type, [inner]: canonical(json[inner] ?? null, namespace), ...rest(json, known) }
  }
  return named(json, type, known, namespace)
}

/** A primitive, or a name: an object only when it says more than its type. */
function plain(json: JsonObject, type: string, namespace: string | null): Json {
  const more = rest(json, ['type'])
  return Object.keys(more).length === 0 || !primitiveNames.has(type) ? shortest(type, namespace) : { type, ...more }
}

function named(json: JsonObject, type: string, known: readonly string[], outer: string | null): Json {
  const given = typeof json.name === 'string' ? json.name : ''
  const dot = given.lastIndexOf('.')
  const space = dot >= 0 ? given.slice(0, dot) : typeof json.namespace === 'string' ? json.namespace : outer
  const namespace = space === '' ? null : space
  const out: JsonObject = { type: type === 'error' ? 'error' : type, name: given.slice(dot + 1) }
  if (namespace !== outer) out.namespace = namespace ?? ''
  if (json.doc !== undefined) out.doc = json.doc
  if (Array.isArray(json.fields)) out.fields = json.fields.map((field) => canonicalField(field, namespace))
  for (const key of ['symbols', 'size', 'default']) if (known.includes(key) && json[key] !== undefined) out[key] = json[key]
  return { ...out, ...rest(json, known), ...aliasesOf(json) }
}

function canonicalField(json: Json, namespace: string | null): Json {
  if (!isObject(json)) return json
  const out: JsonObject = { name: json.name ?? null, type: canonical(json.type ?? null, namespace) }
  for (const key of ['doc', 'default']) if (json[key] !== undefined) out[key] = json[key]
  if (json.order !== undefined && json.order !== 'ascending') out.order = json.order
  return { ...out, ...aliasesOf(json), ...rest(json, fieldAttributes) }
}

function aliasesOf(json: JsonObject): JsonObject {
  return Array.isArray(json.aliases) && json.aliases.length > 0 ? { aliases: json.aliases } : {}
}

function rest(json: JsonObject, known: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(json).filter(([key]) => !known.includes(key)))
}

function shortest(name: string, namespace: string | null): string {
  const dot = name.lastIndexOf('.')
  return dot >= 0 && name.slice(0, dot) === namespace ? name.slice(dot + 1) : name
}

function isObject(json: Json): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
