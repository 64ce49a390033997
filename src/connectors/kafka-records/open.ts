import type { Endpoints, KafkaEndpoint, RegistryEndpoint, SecretReference } from '../../core/index.ts'
import { MillraceError, type Clock } from '../../platform/index.ts'
import { createRegistryClient } from '../../registry-client/index.ts'
import type { PolledSource } from '../polled-source.ts'
import { secretText } from '../secret-text.ts'
import { codecOfTopic } from '../values/topic-values.ts'
import type { KafkaRecords } from './options.ts'
import type { RecordsKafka } from './position.ts'
import type { HowToRead } from './read-record.ts'
import { openKafkaRecords } from './source.ts'

/** Opens a client of its own for an endpoint: whose process it is knows how its tokens come. */
export type ConnectKafka = (endpoint: KafkaEndpoint, signal: AbortSignal) => Promise<RecordsKafka>

export interface OpenKafkaRecords {
  clock: Clock
  env: Readonly<Record<string, string | undefined>>
  folder: string
  endpoints: Pick<Endpoints, 'kafka' | 'registry'>
  connectKafka: ConnectKafka
  log: (line: string) => void
}

/** The source with its secrets resolved. Throws CONFIG_MISSING for one that is not there, or for Avro without a registry. */
export function openKafkaRecordsBy(name: string, options: KafkaRecords, world: OpenKafkaRecords): PolledSource {
  const { clock, log, env, folder, endpoints, connectKafka } = world
  const secret = (from: SecretReference, option: string): string => secretText(from, { env, folder, source: name, option })
  const kafka = kafkaOf(options, secret) ?? endpoints.kafka
  const registry = registryOf(options, secret) ?? endpoints.registry
  if (options.values === 'avro' && registry === null)
    throw new MillraceError('CONFIG_MISSING', `Source ${name}: values: 'avro' needs a schema registry: give registry its URL.`, {
      details: { source: name },
    })
  return openKafkaRecords(name, options, {
    clock,
    log,
    at: kafka.bootstrapServers.join(', '),
    connect: (signal) => connectKafka(kafka, signal),
    openReading: () => openReading(options, registry),
  })
}

function openReading({ keys, values }: KafkaRecords, registry: RegistryEndpoint | null): { how: HowToRead; close: () => void } {
  if (values !== 'avro' || registry === null) return { how: { keys, values: values === 'avro' ? 'bytes' : values }, close: () => {} }
  const client = createRegistryClient(registry)
  return { how: { keys, values: { codec: codecOfTopic(client, null) } }, close: () => client.close() }
}

type Secret = (from: SecretReference, option: string) => string

function kafkaOf({ bootstrapServers, tls, sasl }: KafkaRecords, secret: Secret): KafkaEndpoint | null {
  if (bootstrapServers === null) return null
  const pem = (part: 'ca' | 'cert' | 'key' | 'passphrase') => {
    const from = tls?.[part]
    return from === undefined ? {} : { [part]: secret(from, `tls.${part}`) }
  }
  return {
    bootstrapServers,
    ...(tls ? { tls: { ...pem('ca'), ...pem('cert'), ...pem('key'), ...pem('passphrase') } } : {}),
    ...(sasl ? { sasl: { ...sasl, password: secret(sasl.password, 'sasl.password') } } : {}),
  }
}

function registryOf({ registry }: KafkaRecords, secret: Secret): RegistryEndpoint | null {
  if (registry === null) return null
  const { url, credentials } = registry
  if (credentials === null) return { url }
  return { url, credentials: { username: credentials.username, password: secret(credentials.password, 'registry.password') } }
}
