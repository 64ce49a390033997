import {
  describeCluster,
  describeLogDirs,
  describeProducers,
  encodeBatch,
  fetch,
  listOffsets,
  metadata,
  produce,
} from '../../../src/kafka-wire/index.ts'
import { AT_MS, batch, create, cut, deleteBefore, noId, offsets, read, send, T, TIMEOUT_MS, type KafkaAction } from './requests.ts'

const M = 'more'
const values = Array.from({ length: 10 }, (_, i) => `value ${i}`)

/** Batches at the edges of what is taken, every place a fetch can begin, records deleted, and what the cluster says of itself. */
export const moreRecordActions: readonly KafkaAction[] = [
  { name: 'create a topic for more records', run: create({ name: M, numPartitions: 2 }) },
  ...[3, 5, 7, 8, 9, 10, 11].map((version): KafkaAction => ({
    name: `produce in version ${version}`,
    run: (kafka) =>
      kafka.ask(produce, version, {
        acks: -1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name: M, partitionData: [0, 7].map((index) => ({ index, records: batch(values) })) }],
      }),
  })),
  { name: 'produce no bytes', run: send(Buffer.alloc(0), { topic: M }) },
  { name: 'produce a few bytes', run: send(batch(['d']).subarray(0, 10), { topic: M }) },
  {
    name: 'produce magic 0',
    run: send(
      cut(batch(['d']), (bytes) => bytes.writeInt8(0, 16)),
      { topic: M },
    ),
  },
  {
    name: 'produce magic 3',
    run: send(
      cut(batch(['d']), (bytes) => bytes.writeInt8(3, 16)),
      { topic: M },
    ),
  },
  { name: 'produce a cut body', run: send(batch(['dddddddddd']).subarray(0, -3), { topic: M }) },
  {
    name: 'produce a short length',
    run: send(
      cut(batch(['d']), (bytes) => bytes.writeInt32BE(3, 8)),
      { topic: M },
    ),
  },
  { name: 'produce with an idempotent id and no sequence', run: send(batch(['x'], 'none', { producerId: 5n }), { topic: M }) },
  {
    name: 'produce records without keys and values',
    run: send(encodeBatch({ records: [{ key: null, value: null, timestampMs: AT_MS }], compression: 'none' }), { topic: M, partition: 1 }),
  },
  {
    name: 'produce records without times',
    run: send(encodeBatch({ records: [{ key: null, value: null, timestampMs: -1 }], compression: 'none' }), { topic: M, partition: 1 }),
  },
  {
    name: 'produce records whose times fall',
    run: send(
      encodeBatch({
        records: [5, 3, 4].map((ms) => ({ key: null, value: Buffer.from(String(ms)), timestampMs: AT_MS + ms })),
        compression: 'gzip',
      }),
      { topic: M, partition: 1 },
    ),
  },
  { name: 'fetch what has no times', run: read(0n, { topic: M, partition: 1 }) },
  { name: 'fetch committed records', run: read(0n, { topic: M, isolationLevel: 1 }) },
  { name: 'fetch little of several', run: read(12n, { topic: M, allBytes: 10 }) },
  { name: 'fetch with bytes for two batches', run: read(0n, { topic: M, maxBytes: 700 }) },
  { name: 'fetch no bytes', run: read(0n, { topic: M, maxBytes: 0 }) },
  { name: 'fetch and wait for more than there is', run: read(60n, { topic: M, minBytes: 1_000_000 }) },
  ...[0n, 1n, 9n, 10n, 35n, 69n].map((offset): KafkaAction => ({ name: `fetch from ${offset}`, run: read(offset, { topic: M }) })),
  {
    name: 'fetch two partitions into few bytes',
    run: (kafka) =>
      kafka.ask(fetch, 11, {
        maxWaitMs: 100,
        minBytes: 1,
        maxBytes: 300,
        topics: [{ topic: M, partitions: [0, 1].map((partition) => ({ partition, fetchOffset: 0n, partitionMaxBytes: 1000 })) }],
      }),
  },
  ...[4, 5, 7, 8, 9, 10, 11].map((version): KafkaAction => ({
    name: `fetch in version ${version}`,
    run: (kafka) =>
      kafka.ask(fetch, version, {
        maxWaitMs: 100,
        minBytes: 1,
        topics: [{ topic: M, partitions: [{ partition: 0, fetchOffset: 65n, partitionMaxBytes: 10_000 }] }],
      }),
  })),
  {
    name: 'fetch by topic id',
    run: async (kafka) => {
      const { topics } = await kafka.ask(metadata, 12, { topics: [{ topicId: noId, name: M }], allowAutoTopicCreation: false })
      const partitions = [{ partition: 0, fetchOffset: 69n, partitionMaxBytes: 10_000 }]
      return kafka.ask(fetch, 16, { maxWaitMs: 100, minBytes: 1, topics: [{ topicId: topics[0]?.topicId ?? noId, partitions }] })
    },
  },
  {
    name: 'fetch by an unknown topic id',
    run: (kafka) =>
      kafka.ask(fetch, 16, {
        maxWaitMs: 100,
        minBytes: 1,
        topics: [
          { topicId: '00000000-0000-0000-0000-000000000009', partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 100 }] },
        ],
      }),
  },
  {
    name: 'fetch in an unknown session',
    run: (kafka) => kafka.ask(fetch, 12, { maxWaitMs: 100, minBytes: 1, sessionId: 77, sessionEpoch: 3, topics: [] }),
  },
  ...[-1n, -2n, -3n, -4n].flatMap((at) =>
    [0, 1].map((partition): KafkaAction => ({ name: `offset at ${at} of ${partition}`, run: offsets(at, { topic: M, partition }) })),
  ),
  ...[3, 4, 5, 6].map((ms): KafkaAction => ({
    name: `offset of the time ${ms} where times fall`,
    run: offsets(BigInt(AT_MS + ms), { topic: M, partition: 1 }),
  })),
  { name: 'offset of the end of committed records', run: offsets(-1n, { topic: M, isolationLevel: 1 }) },
  ...[1, 2, 4, 5, 6].map((version): KafkaAction => ({
    name: `offsets in version ${version}`,
    run: (kafka) =>
      kafka.ask(listOffsets, version, {
        replicaId: -1,
        topics: [{ name: M, partitions: [-1n, BigInt(AT_MS)].map((timestamp) => ({ partitionIndex: 0, timestamp })).slice(0, 1) }],
      }),
  })),
  { name: 'delete records within a batch', run: deleteBefore(15n, { topic: M }) },
  { name: 'fetch deleted records', run: read(10n, { topic: M }) },
  { name: 'fetch from the first that is left', run: read(15n, { topic: M, maxBytes: 1 }) },
  { name: 'the earliest offset that is left', run: offsets(-2n, { topic: M }) },
  { name: 'delete fewer records', run: deleteBefore(3n, { topic: M }) },
  { name: 'delete beyond the end', run: deleteBefore(1000n, { topic: M }) },
  { name: 'delete to a negative offset', run: deleteBefore(-7n, { topic: M }) },
  { name: 'delete all records', run: deleteBefore(-1n, { topic: M }) },
  { name: 'fetch where nothing is left', run: read(70n, { topic: M }) },
  { name: 'delete records of a missing topic', run: deleteBefore(1n, { topic: 'missing' }) },
  { name: 'delete records of a compacted topic', run: deleteBefore(0n, { topic: 'compacted' }) },
  { name: 'the cluster', run: (kafka) => kafka.ask(describeCluster, 1, { includeClusterAuthorizedOperations: false }) },
  {
    name: 'the size of a topic',
    run: async (kafka) => {
      const { results } = await kafka.ask(describeLogDirs, 4, { topics: [{ topic: T, partitions: [0, 1, 9] }] })
      return results
    },
  },
  {
    name: 'the size of a missing topic',
    run: (kafka) => kafka.ask(describeLogDirs, 4, { topics: [{ topic: 'missing', partitions: [0] }] }),
  },
  {
    name: 'the producers of a partition',
    run: async (kafka) => {
      const { topics } = await kafka.ask(describeProducers, 0, { topics: [{ name: 'idempotent', partitionIndexes: [0, 9] }] })
      for (const { partitions } of topics)
        for (const { activeProducers } of partitions) activeProducers.sort((a, b) => a.lastSequence - b.lastSequence)
      return topics
    },
  },
]
