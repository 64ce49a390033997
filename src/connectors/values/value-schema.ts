import { names, type SchemaDef, type TopicDef } from '../../core/index.ts'
import { avroOfSchema, canonicalAvro, incompatibilities, parseAvro, type AvroType, type Incompatibility } from '../../formats/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import type { RegistryClient } from '../../registry-client/index.ts'

/** What a topic's definition means for its subject in the registry. */
export interface SchemaPlan {
  subject: string
  /** Text of the schema; null: its fields have none. */
  schema: string | null
  /** `register` makes the subject's first version or its next one. */
  change: 'none' | 'register'
  /** Of the schema; null: it has to be registered. */
  id: number | null
  /** The version that the schema is, or will be; null: it is refused. */
  version: number | null
  /** Fields that the version before did not have, and that this one has no more. */
  added: string[]
  removed: string[]
  /** All that speaks against it, each a sentence with the field's name; empty: it is BACKWARD compatible, or the first. */
  problems: string[]
}

/**
 * Derives the schema of a topic's values and judges it against the subject's last version: what was written has to stay readable (BACKWARD).
 * The registry's own level, which may be stricter, is asked too.
 */
export async function planSchema(registry: RegistryClient, topic: TopicDef, def: SchemaDef, signal: AbortSignal): Promise<SchemaPlan> {
  const subject = names.valueSubject(topic.name)
  const plan: SchemaPlan = { subject, schema: null, change: 'none', id: null, version: null, added: [], removed: [], problems: [] }
  let text: string
  try {
    text = avroOfSchema(def)
  } catch (error) {
    return { ...plan, problems: [asMillraceError(error).message.replace(/\.$/, '')] }
  }
  const [latest, same] = await Promise.all([registry.latest(subject, signal), registry.lookUp(subject, text, signal)])
  if (latest === null) return { ...plan, schema: text, change: 'register', version: 1, added: fieldNames(text) }
  if (same?.version === latest.version || sameText(text, latest.schema))
    return { ...plan, schema: text, id: same?.id ?? latest.id, version: latest.version }
  const before = fieldNames(latest.schema)
  const now = fieldNames(text)
  const added = now.filter((name) => !before.includes(name))
  const removed = before.filter((name) => !now.includes(name))
  const problems = await problemsOf(registry, subject, text, latest.schema, signal)
  const change = same === null ? 'register' : 'none'
  const version = problems.length > 0 ? null : (same?.version ?? latest.version + 1)
  return { subject, schema: text, change, id: same?.id ?? null, version, added, removed, problems }
}

async function problemsOf(registry: RegistryClient, subject: string, text: string, latest: string, signal: AbortSignal): Promise<string[]> {
  const next = typeOf(text)
  const old = typeOf(latest)
  const ours = next && old ? incompatibilities(next, old).map((each) => sentence(each, next)) : []
  return ours.length > 0 ? ours : registry.problems(subject, text, signal)
}

/** For whoever writes a shape, not a schema: what to write instead. */
function sentence({ type, path, message }: Incompatibility, next: AvroType): string {
  const field = fieldAt(path, next)
  if (field === null) return path === '' ? message : `at ${path}: ${message}`
  if (type !== 'READER_FIELD_MISSING_DEFAULT_VALUE') return `field "${field}": ${message}`
  return (
    `field "${field}" is new and required, and the records that are there do not have it: ` +
    `write .optional(), .nullable() or .default(…) behind its type`
  )
}

/** `location.city` for `/fields/3/type/1/fields/0`. */
function fieldAt(path: string, schema: AvroType): string | null {
  const found: string[] = []
  let type: AvroType | undefined = schema
  const parts = path.split('/').slice(1)
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? ''
    if (type?.is === 'record' && part === 'fields') {
      const field: (typeof type.fields)[number] | undefined = type.fields[Number(parts[++at])]
      if (field === undefined) return null
      found.push(field.name)
      type = field.type
    } else if (type?.is === 'union' && /^\d+$/.test(part)) type = type.branches[Number(part)]
    else if (type?.is === 'array' && part === 'items') type = type.items
    else if (type?.is === 'map' && part === 'values') type = type.values
  }
  return found.length === 0 ? null : found.join('.')
}

function typeOf(text: string): AvroType | null {
  const parsed = parseAvro(text)
  return parsed.ok ? parsed.type : null
}

function fieldNames(text: string): string[] {
  const type = typeOf(text)
  return type?.is === 'record' ? type.fields.map(({ name }) => name) : []
}

function sameText(text: string, other: string): boolean {
  const parsed = parseAvro(other)
  return parsed.ok && canonicalAvro(parsed.json) === text
}
