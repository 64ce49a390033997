import { pbkdf2Sync } from 'node:crypto'
import type { KafkaClient } from '../../src/kafka-client/index.ts'
import { alterUserScramCredentials, deleteRecords } from '../../src/kafka-wire/index.ts'
import { connectRawKafka } from './raw-kafka.ts'
import { rowsOf, writeKeys } from './transaction-copier.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const keysFrom = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
export const storedUser = { username: 'stored', password: 'a password of this test' }
export const group = 'readers'

/** Leaves something of each kind in a broker: every codec, transactions that ended either way and an open one, deletions, offsets, a user. */
export async function writeHistory(kafka: KafkaClient, bootstrapServers: string): Promise<void> {
  await kafka.admin.createTopics([
    { name: 'codecs', partitions: 3, configs: { 'segment.bytes': String(1 << 20), 'index.interval.bytes': '64', 'retention.ms': '-1' } },
    { name: 'visible', partitions: 1 },
    { name: 'cut', partitions: 1 },
    {
      name: 'latest-of.each',
      partitions: 1,
      configs: { 'cleanup.policy': 'compact', 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0.01' },
    },
    { name: 'gone', partitions: 2 },
  ])
  for (const compression of codecs) {
    await using producer = kafka.producer({ compression, idempotent: true })
    for (let round = 0; round < 4; round++) {
      await producer.send(keysFrom(`${compression}-${round}`, 300).map((key) => ({ topic: 'codecs', key, value: `${key} `.repeat(40) })))
    }
  }
  await writeLatest(kafka)
  await using producer = kafka.transactionalProducer({ transactionalId: 'history' })
  await writeKeys(producer, 'visible', keysFrom('committed', 20), 'commit')
  await writeKeys(producer, 'visible', keysFrom('aborted', 20), 'abort')
  await producer.begin()
  await producer.send([{ topic: 'visible', partition: 0, key: 'with offsets', value: 'x' }])
  const offsets = [0, 1, 2].map((partition) => ({
    topic: 'codecs',
    partition,
    offset: BigInt(partition + 5),
    leaderEpoch: 0,
    metadata: `note ${partition}`,
  }))
  await producer.sendOffsets(offsets, { groupId: group, generationId: -1, memberId: '', groupInstanceId: null })
  await producer.commit()
  await kafka.producer().send(keysFrom('cut', 10).map((key) => ({ topic: 'cut', key, value: 'x' })))
  await kafka.admin.deleteTopics(['gone'])
  using raw = await connectRawKafka(bootstrapServers)
  await raw.ask(deleteRecords, 2, { topics: [{ name: 'cut', partitions: [{ partitionIndex: 0, offset: 4n }] }], timeoutMs: 10_000 })
  const salt = Buffer.from('salted by a test')
  const saltedPassword = pbkdf2Sync(storedUser.password, salt, 4_096, 64, 'sha512')
  const upsertions = [{ name: storedUser.username, mechanism: 2, iterations: 4_096, salt, saltedPassword }]
  await raw.ask(alterUserScramCredentials, 0, { deletions: [], upsertions })
}

/** Versions of few keys, and a tombstone: what compaction works on. */
async function writeLatest(kafka: KafkaClient): Promise<void> {
  await using producer = kafka.producer({ compression: 'lz4', idempotent: true })
  for (let version = 0; version < 20; version++) {
    await producer.send(keysFrom('key', 5).map((key) => ({ topic: 'latest-of.each', key, value: `version ${version}` })))
  }
  await producer.send([{ topic: 'latest-of.each', key: 'key-0', value: null }])
  await producer.send([{ topic: 'latest-of.each', key: 'last', value: 'x' }])
}

/** All that clients can see: topics with their ids and own configs, records at their offsets, both ways, and committed offsets. */
export async function seenIn(kafka: KafkaClient): Promise<unknown> {
  const { topics } = await kafka.admin.metadata()
  const shown = topics.filter(({ name }) => !name.startsWith('__')).toSorted((a, b) => a.name.localeCompare(b.name))
  const content = []
  for (const { name, topicId, partitions } of shown) {
    const all = partitions.map(({ partition }) => ({ topic: name, partition }))
    const configs = Object.entries(await kafka.admin.describeConfigs(name)).filter(([, { source }]) => source === 'DYNAMIC_TOPIC_CONFIG')
    content.push({
      name,
      topicId,
      configs: Object.fromEntries(configs.map(([config, { value }]) => [config, value])),
      earliest: await kafka.admin.listOffsets(all, 'earliest').then(offsetsOf),
      latest: await kafka.admin.listOffsets(all, 'latest').then(offsetsOf),
      written: await recordsIn(kafka, name, 'read_uncommitted'),
      committed: await recordsIn(kafka, name, 'read_committed'),
    })
  }
  const committed = (await kafka.admin.committedOffsets(group)).map(({ topic, partition, offset, metadata }) => ({
    topic,
    partition,
    offset,
    metadata,
  }))
  return { content, committed: committed.toSorted((a, b) => a.partition - b.partition) }
}

const offsetsOf = (listed: readonly { partition: number; offset: bigint }[]): bigint[] =>
  listed.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)

/** `offset key value` of each record, by partition. */
async function recordsIn(kafka: KafkaClient, topic: string, isolationLevel: 'read_committed' | 'read_uncommitted'): Promise<string[][]> {
  await using reader = kafka.reader({ topic, from: 'earliest', isolationLevel, maxWaitMs: 100 })
  const found: string[][] = []
  do {
    for (const batch of await reader.poll())
      (found[batch.partition] ??= []).push(...rowsOf(batch).map(({ key, value }, i) => `${batch.offsets[i]} ${key} ${value.slice(0, 40)}`))
  } while (!reader.atEnd())
  return found
}
