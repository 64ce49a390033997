import { codecOfTopic, openTopicValues, topicMaker } from '../../src/connectors/index.ts'
import { bytesAt, type SchemaDef, type TopicDef } from '../../src/core/index.ts'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { createRegistryClient } from '../../src/registry-client/index.ts'
import { runPython } from './python.ts'

const schema: SchemaDef = {
  name: 'Everything',
  fields: [
    { name: 'id', type: { is: 'uuid' }, nullable: false },
    { name: 'note', type: { is: 'text' }, nullable: true },
    { name: 'ok', type: { is: 'bool' }, nullable: false, default: true },
    { name: 'count', type: { is: 'int32' }, nullable: false },
    { name: 'big', type: { is: 'int64' }, nullable: false },
    { name: 'ratio', type: { is: 'double' }, nullable: false },
    { name: 'bytes', type: { is: 'bytes' }, nullable: false },
    { name: 'day', type: { is: 'date' }, nullable: false },
    { name: 'at', type: { is: 'timestamp', unit: 'ms' }, nullable: false },
    { name: 'exact', type: { is: 'timestamp', unit: 'us' }, nullable: true },
    { name: 'price', type: { is: 'decimal', precision: 12, scale: 2 }, nullable: false },
    { name: 'kind', type: { is: 'enum', symbols: ['NEW', 'OLD'] }, nullable: false },
    { name: 'tags', type: { is: 'list', of: { is: 'text' } }, nullable: false },
    { name: 'sizes', type: { is: 'map', of: { is: 'int64' } }, nullable: false },
    {
      name: 'place',
      type: { is: 'struct', name: 'place', fields: [{ name: 'city', type: { is: 'text' }, nullable: false }] },
      nullable: true,
    },
  ],
}

const value = {
  id: '0460fbdc-1fba-4dcf-9c9a-ae30b1bc84f7',
  note: null,
  ok: false,
  count: -7,
  big: '9007199254740993',
  ratio: 0.5,
  bytes: 'AP8=',
  day: '2024-02-29',
  at: '2026-01-02T03:04:05.678Z',
  exact: '2026-01-02T03:04:05.678901Z',
  price: '-12.30',
  kind: 'OLD',
  tags: ['ä', ''],
  sizes: { a: 1 },
  place: { city: 'Ōsaka' },
}

/** What Python's Avro makes of the value, and we of Python's. */
export const exchanged = {
  theirs: {
    unsent: 0,
    values: [
      {
        ...value,
        big: 9_007_199_254_740_992,
        bytes: '00ff',
        at: '2026-01-02 03:04:05.678000+00:00',
        exact: '2026-01-02 03:04:05.678901+00:00',
      },
    ],
  },
  ours: [
    { key: value.id, value },
    { key: `python-${value.id}`, value: { ...value, note: 'from Python' } },
  ],
}

/** One value written as a source writes, read and written again by Python, and read as a stream reads. */
export async function exchangeValues(servers: string, url: string, name: string): Promise<unknown> {
  await using kafka = await connectKafka({ bootstrapServers: [servers], clientId: 'our-values' })
  const registry = createRegistryClient({ url })
  try {
    const topic: TopicDef = { name, schema: schema.name, key: ['id'], partitions: 1, format: 'avro', configs: {} }
    const { signal } = new AbortController()
    const createTopics = topicMaker(kafka.admin, undefined)
    await createTopics([{ name, partitions: 1, configs: {} }])
    const options = { kafka, registry, policy: undefined, project: 'exchange', topic, schema, createTopics, signal, log: () => undefined }
    const codec = await openTopicValues(options)
    const encoded = codec.encode(value)
    if (!encoded.ok) throw encoded.error
    const producer = kafka.producer({ acks: 'all' })
    await producer.send([{ topic: name, key: value.id, value: encoded.value, timestampMs: Date.now() }])
    await producer.close()
    const theirs = await runPython('confluent-our-values.py', servers, url, name, '1')
    return { theirs, ours: await readAll(kafka, name, codecOfTopic(registry, schema.fields)) }
  } finally {
    registry.close()
  }
}

async function readAll(kafka: KafkaClient, topic: string, codec: ReturnType<typeof codecOfTopic>): Promise<unknown[]> {
  const reader = kafka.reader({ topic, from: 'earliest' })
  const found: unknown[] = []
  do {
    for (const batch of await reader.poll()) {
      await codec.makeReadyFor(batch, new AbortController().signal)
      for (let i = 0; i < batch.count; i++) {
        const decoded = codec.decode(bytesAt(batch, batch.valueAt, i) ?? new Uint8Array())
        const key = Buffer.from(bytesAt(batch, batch.keyAt, i) ?? []).toString()
        found.push({ key, value: decoded.ok ? decoded.value : decoded.error.message })
      }
    }
  } while (!reader.atEnd())
  await reader.close()
  return found
}
