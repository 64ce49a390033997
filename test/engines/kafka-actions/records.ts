import { encodeBatch, offsetForLeaderEpoch, type Compression } from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { AT_MS, batch, create, cut, HOUR_MS, idempotentIds, offsets, OLD_MS, read, send, T, type KafkaAction } from './requests.ts'

/** The same batch twice, in full. */
async function doubled(kafka: RawKafka): Promise<unknown> {
  const { producerId, producerEpoch } = await idempotentIds(kafka)
  const again = send(batch(['x'], 'none', { producerId, producerEpoch, baseSequence: 0 }), { partition: 1 })
  await again(kafka)
  return again(kafka)
}

/** An idempotent producer: what is new, doubled, out of order, of an old epoch; error codes and offsets. */
async function idempotence(kafka: RawKafka): Promise<unknown> {
  const { producerId, producerEpoch } = await idempotentIds(kafka)
  const write = async (ids: { producerId: bigint; producerEpoch: number; baseSequence: number }): Promise<unknown> => {
    const { responses } = await send(batch(['x', 'y'], 'none', ids), { topic: 'idempotent' })(kafka)
    return responses.map(({ partitionResponses }) => partitionResponses.map(({ errorCode, baseOffset }) => ({ errorCode, baseOffset })))
  }
  const numbered = (baseSequence: number, epoch = producerEpoch): Promise<unknown> =>
    write({ producerId, producerEpoch: epoch, baseSequence })
  await create({ name: 'idempotent' })(kafka)
  return {
    first: await numbered(0),
    doubled: await numbered(0),
    next: await numbered(2),
    gap: await numbered(9),
    afterTheGap: await numbered(4),
    newEpoch: await numbered(0, producerEpoch + 1),
    oldEpoch: await numbered(6),
    notFromZero: await write({ producerId: producerId + 99_999n, producerEpoch: 0, baseSequence: 5 }),
    end: await offsets(-1n, { topic: 'idempotent' })(kafka),
  }
}

const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Writing, reading and finding records. */
export const recordActions: readonly KafkaAction[] = [
  ...codecs.map((codec): KafkaAction => ({ name: `produce ${codec}`, run: send(batch(['a', 'b', 'c'], codec)) })),
  { name: 'produce with acks 1', run: send(batch(['d']), { acks: 1 }) },
  { name: 'produce with bad acks', run: send(batch(['d']), { acks: 2 }) },
  { name: 'produce to a missing topic', run: send(batch(['d']), { topic: 'missing' }) },
  { name: 'produce to a missing partition', run: send(batch(['d']), { partition: 9 }) },
  { name: 'produce with a wrong CRC', run: send(cut(batch(['d']), (bytes) => bytes.writeUInt32BE(1, 17))) },
  { name: 'produce a cut batch', run: send(batch(['d']).subarray(0, 40)) },
  { name: 'produce old magic', run: send(cut(batch(['d']), (bytes) => bytes.writeInt8(1, 16))) },
  { name: 'produce two batches at once', run: send(Buffer.concat([batch(['d']), batch(['e'])])) },
  {
    name: 'produce a keyless record to a compacted topic',
    run: send(encodeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: AT_MS }], compression: 'none' }), {
      topic: 'compacted',
    }),
  },
  { name: 'produce too much', run: send(batch(['x'.repeat(1_100_000)])) },
  {
    name: 'produce control records',
    run: send(batch(['x'], 'none', { isControl: true, producerId: 5n, producerEpoch: 0, baseSequence: 0 })),
  },
  {
    name: 'produce within no transaction',
    run: send(batch(['x'], 'none', { isTransactional: true, producerId: 5n, producerEpoch: 0, baseSequence: 0 })),
  },
  { name: 'fetch from the start', run: read(0n) },
  { name: 'fetch from within a batch', run: read(4n) },
  { name: 'fetch little', run: read(0n, { maxBytes: 1 }) },
  { name: 'fetch at the end', run: read(16n) },
  { name: 'fetch beyond the end', run: read(99n) },
  { name: 'fetch before the start', run: read(-5n) },
  { name: 'fetch a missing topic', run: read(0n, { topic: 'missing' }) },
  { name: 'fetch a missing partition', run: read(0n, { partition: 9 }) },
  { name: 'fetch with a leader epoch to come', run: read(0n, { currentLeaderEpoch: 9 }) },
  { name: 'offsets: earliest', run: offsets(-2n) },
  { name: 'offsets: latest', run: offsets(-1n) },
  { name: 'offsets: largest timestamp', run: offsets(-3n) },
  { name: 'offsets: at a time', run: offsets(BigInt(AT_MS + 1)) },
  { name: 'offsets: after all', run: offsets(BigInt(AT_MS + 1_000_000)) },
  { name: 'offsets: of a missing topic', run: offsets(-1n, { topic: 'missing' }) },
  { name: 'offsets: of a missing partition', run: offsets(-1n, { partition: 9 }) },
  {
    name: 'end of a leader epoch',
    run: (kafka) =>
      kafka.ask(offsetForLeaderEpoch, 4, {
        replicaId: -1,
        topics: [{ topic: T, partitions: [0, 7].map((leaderEpoch) => ({ partition: 0, leaderEpoch })) }],
      }),
  },
  { name: 'idempotence', run: idempotence },
  { name: 'produce a batch twice', run: doubled },
  {
    name: 'fetch records with old times',
    run: async (kafka) => {
      const old = encodeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: OLD_MS }], compression: 'none' })
      for (const records of [old, old, old]) await send(records, { partition: 2 })(kafka)
      return read(0n, { partition: 2 })(kafka)
    },
  },
  {
    name: 'produce a record of the far future',
    run: send(
      encodeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: Date.now() + 48 * HOUR_MS }], compression: 'none' }),
      { partition: 2 },
    ),
  },
]
