import type { Field, FieldType, Json, Project } from '../../core/index.ts'
import { names } from '../../core/index.ts'

/** How the bytes of a key or value read. */
export interface Decoded {
  readonly format: 'json' | 'avro' | 'text' | 'bytes'
  readonly json?: Json
  readonly schemaId?: number
  /** Why they could not be read as what they seem to be. */
  readonly error?: string
}

/** A key or value as a person reads it. */
export interface PayloadView {
  format: 'json' | 'avro' | 'text' | 'bytes'
  /** The value, when it has structure. */
  json?: Json
  /** As text; null when it is not UTF-8. */
  text: string | null
  /** Only of bytes that are not text. */
  base64?: string
  schemaId?: number
  error?: string
  sizeBytes: number
  /** Personal fields are hidden in it. */
  masked?: true
}

export const mask = '•••'
const utf8 = new TextDecoder('utf-8', { fatal: true })

export function payloadView(bytes: Uint8Array | null, decoded: Decoded): PayloadView | null {
  if (bytes === null) return null
  const text = textOf(bytes)
  const { format, json, schemaId, error } = decoded
  return {
    format,
    text: format === 'avro' ? JSON.stringify(json ?? null) : text,
    sizeBytes: bytes.byteLength,
    ...(json === undefined ? {} : { json }),
    ...(text === null && json === undefined ? { base64: Buffer.from(bytes).toString('base64') } : {}),
    ...(schemaId === undefined ? {} : { schemaId }),
    ...(error === undefined ? {} : { error }),
  }
}

/** JSON objects and arrays, else text, else bytes: what can be said without a registry. */
export function decodeWithoutSchema(bytes: Uint8Array): Decoded {
  const text = textOf(bytes)
  if (text === null) return { format: 'bytes' }
  if (!/^\s*[[{]/.test(text)) return { format: 'text' }
  try {
    return { format: 'json', json: JSON.parse(text) as Json }
  } catch {
    return { format: 'text' }
  }
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

/** What of a topic is personal; null: nothing, as far as the project says. */
export interface Personal {
  readonly fields: readonly Field[]
  readonly keyIsPersonal: boolean
}

/** Pipeline files that did not load since the start say nothing about what is personal. */
export function definesNothing({ topics, tables, streams, dags }: Project): boolean {
  return [topics, tables, streams, dags].every(({ length }) => length === 0)
}

/** A topic of the project, or one of a stream's own (dead letters, replays) by its stream's topic. */
export function personalIn(project: Project, topic: string): Personal | null {
  if (definesNothing(project)) return { fields: [], keyIsPersonal: true }
  // What a source's API gave to go on with: nobody says what is in it.
  if (topic === names.cursors(project.name)) return { fields: [], keyIsPersonal: false }
  const stream = project.streams.find(
    ({ name }) => names.deadLetters(project.name, name) === topic || names.retry(project.name, name) === topic,
  )
  const source = stream?.nodes.find((node) => node.is === 'source')
  // One that is remembered by its own name holds what the stream read before it got another topic.
  const defined = project.topics.find(({ name }) => name === topic) ?? project.topics.find(({ name }) => name === source?.topic)
  const fields = project.schemas.find(({ name }) => name === defined?.schema)?.fields ?? []
  if (defined === undefined || !fields.some(hasPersonal)) return null
  return { fields, keyIsPersonal: fields.some((field) => field.pii && defined.key.includes(field.name)) }
}

export function hasPersonal(field: Field): boolean {
  return field.pii === true || holdsPersonal(field.type)
}

function holdsPersonal(type: FieldType): boolean {
  if (type.is === 'list' || type.is === 'map') return holdsPersonal(type.of)
  return type.is === 'struct' && type.fields.some(hasPersonal)
}

/** The value without its personal fields. One that has not the schema's form is hidden as a whole: it may hold them anywhere. */
export function masked(view: PayloadView | null, personal: Personal | null): PayloadView | null {
  if (view === null || personal === null) return view
  const { json, format, sizeBytes, schemaId, error } = view
  const rest = {
    sizeBytes,
    ...(schemaId === undefined ? {} : { schemaId }),
    ...(error === undefined ? {} : { error }),
    masked: true as const,
  }
  if (!isObject(json)) return { format, text: mask, ...rest }
  const shown = maskFields(json, personal.fields)
  return { format, json: shown, text: JSON.stringify(shown), ...rest }
}

/** Unknown fields, and what has not its field's form, are hidden too: nobody said that they are not personal. */
export function maskFields(value: { readonly [name: string]: Json }, fields: readonly Field[]): { [name: string]: Json } {
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      const field = fields.find((one) => one.name === name)
      return [name, field === undefined || field.pii === true ? hidden(each) : maskValue(each, field.type)]
    }),
  )
}

function maskValue(value: Json, type: FieldType): Json {
  if (type.is === 'struct') return isObject(value) ? maskFields(value, type.fields) : hidden(value)
  if (type.is !== 'list' && type.is !== 'map') return hasFormOf(type, value) ? value : hidden(value)
  return holdsPersonal(type) ? hidden(value) : value
}

/** A text where a number should be may be anything; numbers may be written as texts, where JSON's do not hold them. */
function hasFormOf({ is }: FieldType, value: Json): boolean {
  if (typeof value === 'object') return false
  if (is === 'bool') return typeof value === 'boolean'
  const isNumber = is === 'int32' || is === 'int64' || is === 'double' || is === 'decimal'
  return !isNumber || typeof value === 'number' || (typeof value === 'string' && /^[-+\d.eE]{1,60}$|^-?(?:NaN|Infinity)$/.test(value))
}

function hidden(value: Json): Json {
  return value === null ? null : mask
}

function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
