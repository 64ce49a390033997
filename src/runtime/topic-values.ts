import { decodeWithoutSchema, type TopicValues } from '../api-server/index.ts'
import { codecOfTopic } from '../connectors/index.ts'
import { names, type Json } from '../core/index.ts'
import { avroCodec, framedId, parseAvro } from '../formats/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { RegistryClient } from '../registry-client/index.ts'

/**
 * Values for people: decoded as their own schema says, whatever topic they are in, and encoded as the topic's last schema does.
 * @param isDefined whether a project defines the topic: its values are JSON then, where they are not Avro; elsewhere a text is a text
 */
export function topicValues(registry: RegistryClient | null, isDefined: (topic: string) => boolean): TopicValues {
  const avro = registry && codecOfTopic(registry, null)
  return {
    makeReadyFor: async (batch, signal) => {
      // A registry that is away keeps nobody from seeing keys, times and what is not Avro.
      if (avro !== null && !avro.isReadyFor(batch)) await avro.makeReadyFor(batch, signal).catch(() => undefined)
    },
    decode: (bytes) => {
      const schemaId = framedId(bytes)
      if (avro === null || schemaId === null) return decodeWithoutSchema(bytes)
      const decoded = avro.decode(bytes)
      if (decoded.ok) return { format: 'avro', json: decoded.value as Json, schemaId }
      return { ...decodeWithoutSchema(bytes), error: decoded.error.message }
    },
    encode: async (topic, value, signal) => {
      const write = await avroWriter(registry, topic, signal)
      if (write) return write(value)
      return Buffer.from(typeof value === 'string' && !isDefined(topic) ? value : JSON.stringify(value))
    },
  }
}

/** Encodes by the last schema of the topic's values; null: it has none. */
export async function avroWriter(
  registry: RegistryClient | null,
  topic: string,
  signal: AbortSignal,
): Promise<((value: Json) => Uint8Array) | null> {
  const latest = (await registry?.latest(names.valueSubject(topic), signal)) ?? null
  return latest && ((value) => encodeBy(latest, value))
}

function encodeBy({ id, schema }: { id: number; schema: string }, value: Json): Uint8Array {
  const parsed = parseAvro(schema)
  if (!parsed.ok) throw new MillraceError('BAD_REQUEST', `The topic's schema ${id} is no valid Avro: ${parsed.problem.message}.`)
  const codec = avroCodec({ writer: { id, type: parsed.type }, fields: null, schemaOf: () => Promise.resolve({ none: 'not read' }) })
  const encoded = codec.encode(value)
  if (encoded.ok) return encoded.value
  throw new MillraceError('BAD_REQUEST', `The value does not fit the topic's schema ${id}: ${encoded.error.message}.`)
}
