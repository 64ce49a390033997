import { decodeBatch, fetch, readBatchHeader, type ProduceResponse } from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { alter, batch, create, describe, replaceConfigs, send, T, type KafkaAction } from './requests.ts'

/** With ZooKeeper a new setting reaches the log a little later: it is awaited on another partition. */
async function tooLarge(kafka: RawKafka): Promise<unknown> {
  const large = (partition: number): Promise<ProduceResponse> => send(batch(['x'.repeat(300)]), { topic: 'second', partition })(kafka)
  let awaited = await large(1)
  while (awaited.responses[0]?.partitionResponses[0]?.errorCode === 0) awaited = await large(1)
  return large(0)
}

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Batches of every codec in a topic of this `compression.type`: the codecs in which they are stored, and their values. */
const storedBy =
  (type: string): KafkaAction['run'] =>
  async (kafka) => {
    const topic = `stored-${type}`
    await create({ name: topic, configs: [{ name: 'compression.type', value: type }] })(kafka)
    for (const codec of codecs) await send(batch(['x'.repeat(100), codec], codec), { topic })(kafka)
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_048_576 }]
    const { responses } = await kafka.ask(fetch, 12, { maxWaitMs: 100, minBytes: 0, topics: [{ topic, partitions }] })
    const records = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
    const stored = []
    for (let at = 0, header = readBatchHeader(records, 0); header; at += header.sizeBytes, header = readBatchHeader(records, at)) {
      const decoded = decodeBatch(records, at, header)
      stored.push([header.compression, decoded.ok ? decoded.records.map(({ offset, value }) => [offset, value]) : decoded.reason])
    }
    return stored
  }

/** Settings of topics and what they do. */
export const configActions: readonly KafkaAction[] = [
  { name: 'configs of a topic', run: describe('defaults') },
  { name: 'configs of a compacted topic', run: describe('compacted') },
  { name: 'configs of a missing topic', run: describe('missing') },
  { name: 'set a config', run: alter(T, 'retention.ms', 0, '1000000') },
  { name: 'set a bad config', run: alter(T, 'retention.ms', 0, 'soon') },
  { name: 'set an unknown config', run: alter(T, 'no.such', 0, '1') },
  { name: 'append to a config', run: alter(T, 'cleanup.policy', 2, 'compact') },
  { name: 'append to a config that is no list', run: alter(T, 'retention.ms', 2, '5') },
  { name: 'configs after the change', run: describe(T) },
  { name: 'delete a config', run: alter(T, 'retention.ms', 1, null) },
  { name: 'set a config of a missing topic', run: alter('missing', 'retention.ms', 0, '1') },
  { name: 'subtract from a config', run: alter('both', 'cleanup.policy', 3, 'delete') },
  { name: 'configs after the subtraction', run: describe('both') },
  { name: 'subtract the last policy', run: alter('both', 'cleanup.policy', 3, 'compact') },
  { name: 'set a negative config', run: alter(T, 'retention.ms', 0, '-2') },
  { name: 'set a config to nothing', run: alter(T, 'retention.ms', 0, null) },
  { name: 'change a config in no known way', run: alter(T, 'retention.ms', 7, '1') },
  { name: 'set the largest record', run: alter('second', 'max.message.bytes', 0, '200') },
  { name: 'produce more than the largest record', run: tooLarge },
  { name: 'produce less than the largest record', run: send(batch(['x']), { topic: 'second' }) },
  { name: 'replace all configs', run: replaceConfigs('second', { 'message.timestamp.type': 'LogAppendTime' }) },
  { name: 'configs after the replacement', run: describe('second') },
  { name: 'replace by an unknown config', run: replaceConfigs('second', { 'no.such': '1' }) },
  { name: 'replace by a null config', run: replaceConfigs('second', { 'retention.ms': null }) },
  { name: 'replace the configs of a missing topic', run: replaceConfigs('missing', {}) },
  {
    name: 'produce with the time of the append',
    run: async (kafka) => {
      const { responses } = await send(batch(['x']), { topic: 'second' })(kafka)
      // The time itself differs.
      return responses.map(({ partitionResponses }) =>
        partitionResponses.map((one) => ({ ...one, logAppendTimeMs: one.logAppendTimeMs > 0n })),
      )
    },
  },
  ...['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd', 'producer'].map((type) => ({ name: `store by ${type}`, run: storedBy(type) })),
  { name: 'configs of a topic with a codec', run: describe('stored-zstd') },
  { name: 'set a codec that there is not', run: alter(T, 'compression.type', 0, 'none') },
  { name: 'throttle replicas', run: alter('stored-zstd', 'leader.replication.throttled.replicas', 0, '0:1,1:1') },
  { name: 'throttle all replicas', run: alter('stored-zstd', 'follower.replication.throttled.replicas', 0, '*') },
  { name: 'throttle no such replicas', run: alter('stored-zstd', 'follower.replication.throttled.replicas', 0, 'some') },
  { name: 'configs of a throttled topic', run: describe('stored-zstd') },
  {
    name: 'produce records that are too old',
    run: async (kafka) => {
      await create({ name: 'recent', configs: [{ name: 'message.timestamp.before.max.ms', value: '1000' }] })(kafka)
      return send(batch(['x', 'y']), { topic: 'recent' })(kafka)
    },
  },
]
