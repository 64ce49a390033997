import { Kept, decodeWithoutSchema, type DataSystems, type TopicValues } from '../api-server/index.ts'
import { codecOfTopic } from '../connectors/index.ts'
import { names, type Endpoints, type Json, type Project } from '../core/index.ts'
import { avroCodec, framedId, parseAvro } from '../formats/index.ts'
import { MillraceError } from '../platform/index.ts'
import { createRegistryClient, type RegistryClient } from '../registry-client/index.ts'
import type { Clients } from './clients.ts'

/** What the API browses: one connection to each system, opened at the first question, and values as the registry's schemas say. */
export interface Browsing {
  readonly systems: DataSystems
  close(): Promise<void>
}

export function createBrowsing(options: { clients: Clients; endpoints: Endpoints; project: () => Project }): Browsing {
  const { clients, endpoints, project } = options
  const kafka = new Kept(() => clients.kafka({ clientId: `millrace.${project().name}.console` }))
  const cassandra = new Kept(() => clients.cassandra())
  const registry = endpoints.registry && createRegistryClient(endpoints.registry)
  return {
    systems: { kafka: () => kafka.get(), cassandra: () => cassandra.get(), values: topicValues(registry, project) },
    close: async () => {
      registry?.close()
      await Promise.all([kafka.close(), cassandra.close()])
    },
  }
}

function topicValues(registry: RegistryClient | null, project: () => Project): TopicValues {
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
      const schema = await registry?.latest(names.valueSubject(topic), signal)
      if (schema) return encodeBy(schema, value)
      const isDefined = project().topics.some(({ name }) => name === topic)
      return Buffer.from(typeof value === 'string' && !isDefined ? value : JSON.stringify(value))
    },
  }
}

function encodeBy({ id, schema }: { id: number; schema: string }, value: Json): Uint8Array {
  const parsed = parseAvro(schema)
  if (!parsed.ok) throw new MillraceError('BAD_REQUEST', `The topic's schema ${id} is no valid Avro: ${parsed.problem.message}.`)
  const codec = avroCodec({ writer: { id, type: parsed.type }, fields: null, schemaOf: () => Promise.resolve({ none: 'not read' }) })
  const encoded = codec.encode(value)
  if (encoded.ok) return encoded.value
  throw new MillraceError('BAD_REQUEST', `The value does not fit the topic's schema ${id}: ${encoded.error.message}.`)
}
