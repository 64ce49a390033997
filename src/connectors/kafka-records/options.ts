import { topicNamePattern, type Duration, type SecretReference, type SourceSpec } from '../../core/index.ts'
import { onBad } from '../bad-records.ts'
import {
  asJsonObject,
  choice,
  flag,
  integer,
  optionalDuration,
  readOptions,
  readSecret,
  type Resolved,
  type TableOf,
} from '../option-table.ts'
import { OptionsReader } from '../options-reader.ts'

/** A record as a flow has it. */
export interface KafkaRecord<V = unknown> {
  /** Text, or base64 with `keys: 'bytes'`. */
  key: string | null
  /** As `values` says; null: a tombstone. */
  value: V
  /** Text (base64 where it is no UTF-8); of those with one name the last. */
  headers: Record<string, string | null>
  /** ISO 8601; null when its producer gave none. */
  timestamp: string | null
  partition: number
  offset: number
}

/** A record that cannot be read as `keys` and `values` say. */
export interface BadKafkaRecord extends KafkaRecord<string | null> {
  /** Base64, as is `value`. */
  key: string | null
  problem: string
}

/** PEM texts; an empty one trusts the system's authorities. */
export interface KafkaRecordsTls {
  ca?: SecretReference
  cert?: SecretReference
  key?: SecretReference
  passphrase?: SecretReference
}

export interface KafkaRecordsSasl {
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  username: string
  password: SecretReference
}

/** Options of a source that reads a topic, of this project's Kafka or of another one. */
export interface KafkaRecordsOptions<V = unknown> {
  /** Names the cursor; unique within a project. */
  name: string
  topic: string
  /** `host:port` each; the project's own Kafka. */
  bootstrapServers?: string | readonly string[]
  /** Of another Kafka: encrypts; true: with the system's authorities. */
  tls?: boolean | KafkaRecordsTls
  /** Of another Kafka. */
  sasl?: KafkaRecordsSasl
  /** How values are written; `json`. */
  values?: 'json' | 'avro' | 'text' | 'bytes'
  /** How keys are read; `text`. */
  keys?: 'text' | 'bytes'
  /** Of Avro: the registry with its schemas; the project's own. */
  registry?: string | { url: string; username: string; password: SecretReference }
  /** Where the first run begins; `earliest`. */
  from?: 'earliest' | 'latest'
  /** Goes on with what comes later, until it is stopped; without it the run ends with what is there at its start. */
  follow?: boolean
  /** Goes on with what comes later, for so long. */
  for?: Duration
  /** Records a page, at most; 1,000. */
  records?: number
  /** What becomes of a record that cannot be read: the run fails there, it is left out and counted, or this makes a record of it; `fail`. */
  onBadRecord?: 'fail' | 'skip' | ((record: BadKafkaRecord) => KafkaRecord<V> | null)
}

export type RegistryOption = { url: string; credentials: { username: string; password: SecretReference } | null }

/** Of `kafkaRecords`. */
export const kafkaRecordsOptions = {
  topic: {
    takes: "a topic's name",
    standard: 'required',
    does: 'The topic that is read, its committed records alone (`read_committed`).',
    read: (reader, key) => {
      const topic = reader.text(key)
      return topicNamePattern.test(topic) ? topic : reader.wrong(key, 'must be a name of a topic')
    },
  },
  bootstrapServers: {
    takes: '`host:port`, or a list of them',
    standard: "the project's own Kafka",
    does: 'Another Kafka.',
    read: (reader, key) => {
      const given = reader.raw(key)
      return typeof given === 'string' ? given.split(',').map((server) => server.trim()) : reader.optionalTexts(key)
    },
  },
  tls: {
    takes: '`true` or `{ ca?, cert?, key?, passphrase? }`',
    standard: 'not encrypted',
    does: 'Of another Kafka. PEM texts by `secret.file(…)` or `secret.env(…)`; `true`: its certificate is of an authority that the system knows.',
    read: readTls,
  },
  sasl: {
    takes: "`{ mechanism: 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512', username, password }`",
    standard: 'none',
    does: 'Of another Kafka: how to sign in. The password is `secret.env(…)` or `secret.file(…)`.',
    read: readSasl,
  },
  values: choice({
    of: ['json', 'avro', 'text', 'bytes'],
    standard: 'json',
    does: 'How values are written; `avro` is framed as schema registries have it, `text` is UTF-8, `bytes` come as base64.',
  }),
  keys: choice({ of: ['text', 'bytes'], standard: 'text', does: 'How keys are read: as UTF-8, or as base64.' }),
  registry: {
    takes: 'a URL, or `{ url, username, password }`',
    standard: "the project's own registry",
    does: 'Of Avro: where its schemas are. The password is `secret.env(…)` or `secret.file(…)`.',
    read: readRegistry,
  },
  from: choice({
    of: ['earliest', 'latest'],
    standard: 'earliest',
    does: 'Where the first run begins; later ones go on where the last one ended.',
  }),
  follow: flag('Goes on with what comes later, until it is stopped. Without it the run ends with what is committed at its start.'),
  for: optionalDuration({ standard: 'see `follow`', does: 'Goes on with what comes later, for so long.' }),
  records: integer({ standard: 1_000, min: 1, max: 10_000, does: 'Records a page, at most.' }),
  onBadRecord: onBad<BadKafkaRecord>({
    takes: '`({ key, value, headers, timestamp, partition, offset, problem }) => record or null`, key and value in base64',
    does: 'What becomes of a record that cannot be read as `keys` and `values` say: the run fails, naming partition and offset, when all before it is committed; it is left out, told and counted in the log; or the function makes a record of it (null: left out).',
  }),
} satisfies TableOf<KafkaRecordsOptions>

export type KafkaRecords = Resolved<typeof kafkaRecordsOptions>

/** The source as data, its options checked; `onBadRecord` travels beside it when it is a function. Throws DEFINITION_INVALID naming the option. */
export function kafkaRecordsSpec<V>(options: KafkaRecordsOptions<V>): SourceSpec {
  const { name, ...rest } = options
  resolveKafkaRecords(name, rest)
  return { connector: 'kafka_records', name, options: asJsonObject(rest) }
}

/** @returns every option with its default */
export function resolveKafkaRecords(name: string, raw: object): KafkaRecords {
  const options = readOptions(kafkaRecordsOptions, name, raw)
  const reader = new OptionsReader(`source "${name}"`, {})
  const ofAnother = options.tls !== null ? 'tls' : options.sasl !== null ? 'sasl' : null
  if (options.bootstrapServers === null && ofAnother !== null)
    reader.wrong(ofAnother, "is of another Kafka, whose bootstrapServers are missing; the project's own is described in millrace.config.ts")
  return options
}

function readTls(reader: OptionsReader, key: string): KafkaRecordsTls | null {
  const given = reader.raw(key)
  if (given === undefined || given === false) return null
  if (given === true) return {}
  const tls = reader.optionalObject(key)
  if (!tls) return null
  const parts = (['ca', 'cert', 'key', 'passphrase'] as const).map((part) => [part, readSecret(tls, part)] as const)
  tls.refuseOthers()
  return Object.fromEntries(parts.filter(([, secret]) => secret !== null))
}

function readSasl(reader: OptionsReader, key: string): KafkaRecordsSasl | null {
  const sasl = reader.optionalObject(key)
  if (!sasl) return null
  const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
  const given = sasl.raw('mechanism')
  const read = {
    mechanism: mechanisms.find((mechanism) => mechanism === given) ?? sasl.wrong('mechanism', `must be one of ${mechanisms.join(', ')}`),
    username: sasl.text('username'),
    password: readSecret(sasl, 'password') ?? sasl.wrong('password', "is required: secret.env('NAME') or secret.file('path')"),
  }
  sasl.refuseOthers()
  return read
}

function readRegistry(reader: OptionsReader, key: string): RegistryOption | null {
  const given = reader.raw(key)
  if (given === undefined) return null
  const urlOf = (of: OptionsReader, at: string): string => {
    const url = of.text(at)
    const isUrl = /^https?:/.test(url) && URL.canParse(url)
    if (!isUrl || new URL(url).username !== '') of.wrong(at, 'must be a URL beginning with http:// or https://, without a user in it')
    return url.replace(/\/+$/, '')
  }
  if (typeof given === 'string') return { url: urlOf(reader, key), credentials: null }
  const registry = reader.optionalObject(key)
  if (!registry) return null
  const password = readSecret(registry, 'password') ?? registry.wrong('password', "is required: secret.env('NAME') or secret.file('path')")
  const read = { url: urlOf(registry, 'url'), credentials: { username: registry.text('username'), password } }
  registry.refuseOthers()
  return read
}
