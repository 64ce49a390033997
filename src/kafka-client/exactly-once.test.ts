import { describe, expect, it } from 'vitest'
import {
  encodeBatch,
  errorCodes,
  fetch,
  type FetchRequest,
  findCoordinator,
  listOffsets,
  offsetFetch,
  type OffsetFetchRequest,
  patchBatch,
} from '../kafka-wire/index.ts'
import { connectKafka } from './client.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'
import { startScriptedTransactions } from './scripted-transactions.ts'

/** What another client of Node gets wrong (reference/kafka.md); read_committed's list of aborts is held in aborted-transactions.test.ts. */
describe('for exactly-once, the client', () => {
  const options = { transactionalId: 'x' }
  const record = { topic: 't', partition: 0, key: null, value: 'value' }

  it('asks for a fresh producer epoch by (−1, −1), also when the answer was lost', async () => {
    await using world = await startScriptedTransactions(2, { verdicts: { InitProducerId: ['cut'] } })
    await world.kafka.transactionalProducer(options).init()
    expect(world.asked.filter((words) => words.startsWith('InitProducerId'))).toEqual(['InitProducerId -1/-1', 'InitProducerId -1/-1'])
  })

  it('reads committed offsets only when no transaction holds others (requireStable), and waits for it', async () => {
    const asked: OffsetFetchRequest[] = []
    await using broker = await startScriptedBroker((port) => [
      onMetadata(port, { t: 1 }),
      on(findCoordinator, () => ({
        coordinators: [{ key: 'g', nodeId: 1, host: '127.0.0.1', port: port(), errorCode: 0, errorMessage: null }],
      })),
      on(offsetFetch, (request) => {
        asked.push(request)
        const errorCode = asked.length < 3 ? errorCodes.UNSTABLE_OFFSET_COMMIT : errorCodes.NONE
        const partitions = [{ partitionIndex: 0, committedOffset: 5n, metadata: '', errorCode }]
        return { groups: [{ groupId: 'g', topics: [{ name: 't', partitions }] }] }
      }),
    ])
    await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
    expect(await kafka.admin.committedOffsets('g', ['t'])).toMatchObject([{ offset: 5n }])
    expect(asked.map(({ requireStable }) => requireStable)).toEqual([true, true, true])
    // Asked for all, Kafka 3.9 leaves out a partition whose first commit is still being ended.
    expect(asked[0]?.groups[0]?.topics).toMatchObject([{ name: 't', partitionIndexes: [0] }])
  })

  it('lets a transaction take its own time, not that of a request', async () => {
    await using world = await startScriptedTransactions(1, { requestTimeoutMs: 500 })
    await world.kafka.transactionalProducer(options).init()
    await world.kafka.transactionalProducer({ ...options, transactionTimeoutMs: 7_000 }).init()
    expect(world.timeoutsMs).toEqual([60_000, 7_000])
  })

  it('commits all offsets of a call in one request', async () => {
    await using world = await startScriptedTransactions(2)
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    const offsets = Array.from({ length: 500 }, (_, partition) => ({ topic: 'wide', partition, offset: 1n, leaderEpoch: 0, metadata: '' }))
    await producer.sendOffsets(offsets, { groupId: 'g' })
    await producer.commit()
    expect(world.asked.filter((words) => words.startsWith('TxnOffsetCommit'))).toEqual(['TxnOffsetCommit v5 7/0 g @-1 ×500'])
  })

  it('adds partitions by version 3, though the broker offers those between brokers', async () => {
    await using world = await startScriptedTransactions(1)
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await producer.commit()
    expect(world.asked.filter((words) => words.startsWith('AddPartitions'))).toEqual(['AddPartitionsToTxn v3 7/0 t-0'])
  })

  it.each([1, 2] as const)('does not take a commit without an answer for failed, nor for done (version %i)', async (version) => {
    const lost = Array.from({ length: 200 }, () => 'cut' as const)
    await using world = await startScriptedTransactions(version, { verdicts: { EndTxn: lost } })
    await using producer = world.kafka.transactionalProducer({ ...options, deliveryTimeoutMs: 3_000 })
    await producer.begin()
    await producer.send([record])
    const unknown = { code: 'TIMED_OUT', details: { outcome: 'unknown', transactionalId: 'x' } }
    await expect(producer.commit()).rejects.toMatchObject(unknown)
    expect(producer.state).toMatchObject({ is: 'in doubt' })
    await expect(producer.abort()).rejects.toMatchObject(unknown)
    await expect(producer.begin()).rejects.toMatchObject(unknown)
    world.verdicts.EndTxn = []
    await producer.commit()
    expect(producer.state).toEqual({ is: 'ready' })
  })
})

describe('a reader of what is committed', () => {
  /** Two records, of which the second is in an open transaction. */
  const startLog = async (asked: FetchRequest[], levels: number[]) =>
    startScriptedBroker((port) => [
      onMetadata(port, { t: 1 }),
      on(listOffsets, ({ isolationLevel, topics }) => {
        levels.push(isolationLevel)
        const end = isolationLevel === 1 ? 1n : 2n
        const answer = (timestamp: bigint): { partitionIndex: number; errorCode: number; offset: bigint } => ({
          partitionIndex: 0,
          errorCode: 0,
          offset: timestamp === -2n ? 0n : end,
        })
        return {
          topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ timestamp }) => answer(timestamp)) })),
        }
      }),
      on(
        fetch,
        (request) => {
          asked.push(request)
          const fetchOffset = request.topics[0]?.partitions[0]?.fetchOffset ?? 0n
          const bytes = encodeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: 1 }], compression: 'none' })
          patchBatch(bytes, 0, { baseOffset: fetchOffset, partitionLeaderEpoch: 0 })
          const isThere = fetchOffset < (request.isolationLevel === 1 ? 1n : 2n)
          const said = { partitionIndex: 0, errorCode: 0, highWatermark: 2n, lastStableOffset: 1n, abortedTransactions: null }
          return { responses: [{ topic: 't', partitions: [{ ...said, records: isThere ? bytes : null }] }] }
        },
        12,
      ),
    ])

  it.each([
    ['read_committed', 1, 1],
    ['read_uncommitted', 0, 2],
  ] as const)('is at its end where the broker says that it is (%s), and fetches 1 MiB at a time', async (isolationLevel, level, count) => {
    const asked: FetchRequest[] = []
    const levels: number[] = []
    await using broker = await startLog(asked, levels)
    await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
    await using reader = kafka.reader({ topic: 't', from: 'earliest', isolationLevel, maxWaitMs: 50 })
    let rows = 0
    do for (const batch of await reader.poll()) rows += batch.count
    while (!reader.atEnd())
    expect(rows).toBe(count)
    expect(reader.positions()).toEqual([{ topic: 't', partition: 0, offset: BigInt(count), highWatermark: BigInt(count) }])
    expect(new Set(levels)).toEqual(new Set([level]))
    expect(asked.every((request) => request.isolationLevel === level && request.maxBytes === 1024 * 1024)).toBe(true)
    expect(asked[0]?.topics[0]?.partitions[0]?.partitionMaxBytes).toBe(1024 * 1024)
  })
})
