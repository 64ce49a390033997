import { recordKey, type Parse, type TopicDef } from '../../core/index.ts'
import type { ValueCodec } from '../../formats/index.ts'
import { messageOf, type MillraceError } from '../../platform/index.ts'

/** A problem of one field of a value; the path is empty for the value itself. */
export interface FieldProblem {
  path: string
  message: string
}

export type EncodedRecord = { ok: true; key: string | null; value: Uint8Array } | { ok: false; problems: readonly FieldProblem[] }

/** A value as a topic's record: judged by its schema, written as the topic is written, with the key that its key fields make. */
export function encodeRecord(topic: TopicDef, parse: Parse, values: ValueCodec, value: unknown): EncodedRecord {
  const parsed = judged(parse, value)
  if (!parsed.ok) return parsed
  const encoded = values.encode(parsed.value)
  if (!encoded.ok) return unwritable(encoded.error)
  const keyed = recordKey(topic.key, keyFields(topic, parsed.value, encoded.value, values))
  if (!keyed.ok) return refused(keyed.field, 'has no value, and is part of the key')
  return { ok: true, key: keyed.key, value: encoded.value }
}

/** A schema may hold its author's code (refinements), which may throw. */
function judged(parse: Parse, value: unknown): ReturnType<Parse> {
  try {
    return parse(value)
  } catch (error) {
    return { ok: false, problems: [{ path: '', message: `the schema's check threw: ${messageOf(error)}` }] }
  }
}

/** The codec's message begins with the field. */
function unwritable({ message, details }: MillraceError): EncodedRecord {
  const path = String(details.field ?? '')
  return refused(path, path !== '' && message.startsWith(`${path} `) ? message.slice(path.length + 1) : message)
}

function refused(path: string, message: string): EncodedRecord {
  return { ok: false, problems: [{ path, message }] }
}

/** A reader makes the key anew from the value it reads (P2), where a time may be spelled otherwise than it was given. */
function keyFields({ key }: TopicDef, value: unknown, bytes: Uint8Array, values: ValueCodec): Record<string, unknown> {
  const given: Record<string, unknown> = typeof value === 'object' && value !== null ? { ...value } : {}
  if (!key.some((field) => values.respelled.has(field))) return given
  const read = values.decode(bytes)
  return read.ok && typeof read.value === 'object' && read.value !== null ? { ...read.value } : given
}
