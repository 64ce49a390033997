/** Where records of a schema live: the same schema under another subject has the same id. */
export interface SchemaReference {
  /** The name by which the schema refers to it. */
  readonly name: string
  readonly subject: string
  readonly version: number
}

export interface SchemaContent {
  /** Canonical text. */
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

export interface SchemaVersion extends SchemaContent {
  readonly subject: string
  /** From 1. */
  readonly version: number
  readonly id: number
  /** Softly: no longer listed, still read by its id. */
  readonly deleted: boolean
}

export const compatibilityLevels = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const
export type CompatibilityLevel = (typeof compatibilityLevels)[number]

export const modes = ['READWRITE', 'READONLY', 'IMPORT'] as const
export type Mode = (typeof modes)[number]

/** A record of the topic `_schemas`, in the format of Confluent's registry, so that either reads what the other wrote. A null subject is "all". */
export type SchemaRecord =
  | { is: 'schema'; version: SchemaVersion }
  | { is: 'schema-gone'; subject: string; version: number }
  | { is: 'subject-deleted'; subject: string; upTo: number }
  | { is: 'level'; subject: string | null; level: CompatibilityLevel | null }
  | { is: 'mode'; subject: string | null; mode: Mode | null }

export function encodeRecord(record: SchemaRecord): { key: string; value: string | null } {
  switch (record.is) {
    case 'schema': {
      const { subject, version, id, schema, references, deleted } = record.version
      const value = { subject, version, id, ...(references.length > 0 ? { references } : {}), schema, deleted }
      return { key: schemaKey(subject, version), value: JSON.stringify(value) }
    }
    case 'schema-gone':
      return { key: schemaKey(record.subject, record.version), value: null }
    case 'subject-deleted':
      return {
        key: JSON.stringify({ keytype: 'DELETE_SUBJECT', subject: record.subject, magic: 0 }),
        value: JSON.stringify({ subject: record.subject, version: record.upTo }),
      }
    case 'level':
      return {
        key: JSON.stringify({ keytype: 'CONFIG', subject: record.subject, magic: 0 }),
        value: record.level === null ? null : JSON.stringify({ compatibilityLevel: record.level }),
      }
    case 'mode':
      return {
        key: JSON.stringify({ keytype: 'MODE', subject: record.subject, magic: 0 }),
        value: record.mode === null ? null : JSON.stringify({ mode: record.mode }),
      }
  }
}

function schemaKey(subject: string, version: number): string {
  return JSON.stringify({ keytype: 'SCHEMA', subject, version, magic: 1 })
}

/** Null for what says nothing here: markers of an election, records of a later format, schemas of another language than Avro. */
export function decodeRecord(key: Uint8Array | null, value: Uint8Array | null): SchemaRecord | null {
  const about = jsonObject(key)
  if (about === null) return null
  const said = jsonObject(value)
  const subject = typeof about.subject === 'string' ? about.subject : null
  switch (about.keytype) {
    case 'SCHEMA':
      return subject === null || !isCount(about.version) ? null : schemaRecord(subject, about.version, said)
    case 'DELETE_SUBJECT':
      return subject !== null && isCount(said?.version) ? { is: 'subject-deleted', subject, upTo: said.version } : null
    case 'CONFIG': {
      const level = compatibilityLevels.find((each) => each === said?.compatibilityLevel)
      return { is: 'level', subject, level: level ?? null }
    }
    case 'MODE':
      return { is: 'mode', subject, mode: modes.find((each) => each === said?.mode) ?? null }
    default:
      return null
  }
}

function schemaRecord(subject: string, version: number, said: JsonObject | null): SchemaRecord | null {
  if (said === null) return { is: 'schema-gone', subject, version }
  const { id, schema, deleted, references = [], schemaType = 'AVRO' } = said
  if (!isCount(id) || typeof schema !== 'string' || schemaType !== 'AVRO') return null
  return { is: 'schema', version: { subject, version, id, schema, references: referencesOf(references), deleted: deleted === true } }
}

function referencesOf(json: unknown): SchemaReference[] {
  if (!Array.isArray(json)) return []
  return json.flatMap((each) => {
    const { name, subject, version } = isObject(each) ? each : {}
    return typeof name === 'string' && typeof subject === 'string' && isCount(version) ? [{ name, subject, version }] : []
  })
}

type JsonObject = Readonly<Record<string, unknown>>

function jsonObject(bytes: Uint8Array | null): JsonObject | null {
  if (bytes === null) return null
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return isObject(json) ? json : null
  } catch {
    return null
  }
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function isCount(json: unknown): json is number {
  return typeof json === 'number' && Number.isSafeInteger(json) && json >= 1
}
