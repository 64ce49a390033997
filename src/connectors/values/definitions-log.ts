import { bytesAt, names, type Batch, type ValueFormat } from '../../core/index.ts'
import type { KafkaClient } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { WantedTopic } from '../kafka/ensure-topics.ts'
import { isObject } from '../options-reader.ts'

/** What is kept of a topic: how its values are written, for as long as it is this topic. */
export interface TopicRecord {
  format: ValueFormat
  /** Null where the cluster has no topic ids (before Kafka 2.8): a topic made again under the name then counts as the same. */
  topicId: string | null
}

/** What is kept of a stream, to tell what a new definition changes. */
export interface StreamRecord {
  topic: string
  table: string
  /** Ids of its steps, in order. */
  steps: string[]
  /** Digest of the bundle that its functions are in. */
  code: string
}

/** The last record of each topic and stream of a project. */
export interface Definitions {
  topics: Map<string, TopicRecord>
  streams: Map<string, StreamRecord>
}

export type DefinitionsKafka = Pick<KafkaClient, 'admin' | 'reader' | 'producer'>

export type DefinitionRecord =
  { is: 'topic'; name: string; record: TopicRecord | null } | { is: 'stream'; name: string; record: StreamRecord | null }

/** Like cursors: the last record of each key is kept for ever. */
export function definitionsTopic(project: string): WantedTopic {
  return { name: names.definitions(project), partitions: 1, configs: { 'cleanup.policy': 'compact' } }
}

export function noDefinitions(): Definitions {
  return { topics: new Map(), streams: new Map() }
}

/** The project's records; none where the topic is not there: the first version of Millrace kept none. */
export async function readDefinitions(
  kafka: Pick<DefinitionsKafka, 'admin' | 'reader'>,
  project: string,
  signal: AbortSignal,
): Promise<Definitions> {
  const topic = names.definitions(project)
  const found = noDefinitions()
  const { topics } = await kafka.admin.metadata([topic])
  if (topics.find(({ name }) => name === topic)?.error !== null) return found
  const reader = kafka.reader({ topic, from: 'earliest', maxWaitMs: 10 })
  try {
    do {
      for (const batch of await reader.poll({ signal })) take(found, batch)
    } while (!reader.atEnd())
  } finally {
    await reader.close()
  }
  return found
}

/** Resolves when they are acknowledged by all in-sync replicas. */
export async function writeDefinitions(
  kafka: Pick<DefinitionsKafka, 'producer'>,
  project: string,
  records: readonly DefinitionRecord[],
): Promise<void> {
  if (records.length === 0) return
  const topic = names.definitions(project)
  const producer = kafka.producer({ acks: 'all' })
  try {
    await producer.send(
      records.map(({ is, name, record }) => ({
        topic,
        key: `${is}/${name}`,
        value: record === null ? null : Buffer.from(JSON.stringify({ v: 1, ...record })),
        timestampMs: Date.now(),
      })),
    )
  } finally {
    await producer.close()
  }
}

function take(found: Definitions, batch: Batch): void {
  for (let i = 0; i < batch.count; i++) {
    const [kind = '', name = ''] = splitOnce(Buffer.from(bytesAt(batch, batch.keyAt, i) ?? []).toString())
    const value = bytesAt(batch, batch.valueAt, i)
    if (kind === 'topic') set(found.topics, name, value && topicRecord(parsed(value, batch.topic, name)))
    else if (kind === 'stream') set(found.streams, name, value && streamRecord(parsed(value, batch.topic, name)))
  }
}

function splitOnce(key: string): string[] {
  const at = key.indexOf('/')
  return at < 0 ? [key] : [key.slice(0, at), key.slice(at + 1)]
}

function set<R>(map: Map<string, R>, name: string, record: R | null): void {
  if (record === null) map.delete(name)
  else map.set(name, record)
}

function parsed(value: Uint8Array, topic: string, name: string): Record<string, unknown> {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(value).toString())
  } catch {
    json = null
  }
  // A format that is not known must not be guessed: records would be written in another one.
  if (!isObject(json) || json['v'] !== 1)
    throw new MillraceError('DATA_CORRUPT', `The definition of "${name}" in ${topic} is none of this version of Millrace.`, {
      details: { topic, name },
    })
  return json
}

function topicRecord({ format, topicId }: Record<string, unknown>): TopicRecord {
  return { format: format === 'avro' ? 'avro' : 'json', topicId: typeof topicId === 'string' ? topicId : null }
}

function streamRecord({ topic, table, steps, code }: Record<string, unknown>): StreamRecord {
  return { topic: String(topic), table: String(table), steps: Array.isArray(steps) ? steps.map(String) : [], code: String(code) }
}
