import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  encodeBatch,
  endTxn,
  errorCodes,
  initProducerId,
  listOffsets,
  listTransactions,
  metadata,
  offsetFetch,
  produce,
  txnOffsetCommit,
  type InitProducerIdResponse,
} from '../../kafka-wire/index.ts'
import { startBroker, type BrokerHandle } from '../index.ts'
import { connectTo, type Asking } from '../testing/ask.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { readCommitted } from '../testing/transactional-client.ts'

let dataDir = ''
let broker: BrokerHandle
let client: Asking
let clock: ManualClock | undefined

async function start(): Promise<void> {
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], ...(clock ? { clock } : {}) })
  client = await connectTo(broker.address)
  await client.ask(metadata, 9, { topics: ['t', 'u'].map((name) => ({ name, topicId: noId })), allowAutoTopicCreation: true })
}
async function stop(): Promise<void> {
  client[Symbol.dispose]()
  await broker.close()
}
const noId = '00000000-0000-0000-0000-000000000000'

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
  clock = undefined
})
afterEach(async () => {
  await stop()
  rmSync(dataDir, { recursive: true, force: true })
})

interface Ids {
  producerId: bigint
  producerEpoch: number
}

const initialise = (over: Partial<Ids> = {}, transactionalId = 'x'): Promise<InitProducerIdResponse> =>
  client.ask(initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000, ...over })

const addTopic = async ({ producerId, producerEpoch }: Ids, topic = 't'): Promise<number | undefined> => {
  const { resultsByTopicV3AndBelow } = await client.ask(addPartitionsToTxn, 3, {
    v3AndBelowTransactionalId: 'x',
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: topic, partitions: [0] }],
  })
  return resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode
}

const write = async (
  ids: Ids | null,
  baseSequence: number,
  value: string,
  { version = 9, topic = 't' } = {},
): Promise<number | undefined> => {
  const records = encodeBatch({
    records: [{ key: Buffer.from('k'), value: Buffer.from(value), timestampMs: Date.now() }],
    compression: 'none',
    ...(ids ? { producerId: ids.producerId, producerEpoch: ids.producerEpoch, baseSequence, isTransactional: true } : {}),
  })
  const { responses } = await client.ask(produce, version, {
    transactionalId: ids ? 'x' : null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  return responses[0]?.partitionResponses[0]?.errorCode
}

const end = (ids: Ids, committed: boolean, version = 4) => client.ask(endTxn, version, { transactionalId: 'x', ...ids, committed })

const committedValues = async (topic = 't'): Promise<string[]> => (await readCommitted(client, topic)).values

const endOffset = async (isolationLevel: number): Promise<bigint | undefined> => {
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1n }] }]
  return (await client.ask(listOffsets, 5, { replicaId: -1, isolationLevel, topics })).topics[0]?.partitions[0]?.offset
}

const stateOf = async (): Promise<string | undefined> =>
  (await client.ask(describeTransactions, 0, { transactionalIds: ['x'] })).transactionStates[0]?.transactionState

describe('a transaction', () => {
  it('is seen when it is committed, not before, and never when it is aborted', async () => {
    await start()
    const ids = await initialise()
    expect(await addTopic(ids)).toBe(errorCodes.NONE)
    expect(await write(ids, 0, 'aborted')).toBe(errorCodes.NONE)
    await write(null, 0, 'plain')
    expect([await committedValues(), await endOffset(1), await endOffset(0)]).toEqual([[], 0n, 2n])
    expect(await end(ids, false)).toMatchObject({ errorCode: errorCodes.NONE })
    expect(await committedValues()).toEqual(['plain'])
    await addTopic(ids)
    await write(ids, 1, 'committed')
    expect(await committedValues()).toEqual(['plain'])
    await end(ids, true)
    expect([await committedValues(), await stateOf(), await endOffset(1)]).toEqual([['plain', 'committed'], 'CompleteCommit', 5n])
  })

  it('keeps out records that come outside of it, and requests that do not fit its state', async () => {
    await start()
    const ids = await initialise()
    expect(await write(ids, 0, 'before')).toBe(errorCodes.INVALID_TXN_STATE)
    expect(await write(ids, 0, 'before', { version: 11 })).toBe(errorCodes.TRANSACTION_ABORTABLE)
    expect(await end(ids, true)).toMatchObject({ errorCode: errorCodes.INVALID_TXN_STATE })
    await addTopic(ids)
    await write(ids, 0, 'in time')
    await end(ids, true)
    expect(await write(ids, 1, 'late')).toBe(errorCodes.INVALID_TXN_STATE)
    expect(await end(ids, true)).toMatchObject({ errorCode: errorCodes.NONE })
    expect(await end(ids, false)).toMatchObject({ errorCode: errorCodes.INVALID_TXN_STATE })
    expect(await addTopic({ ...ids, producerId: 99n })).toBe(errorCodes.INVALID_PRODUCER_ID_MAPPING)
    expect(await addTopic(ids, 'missing')).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await committedValues()).toEqual(['in time'])
  })

  it('of a producer that is replaced is aborted, and the old one is fenced', async () => {
    await start()
    const old = await initialise()
    await addTopic(old)
    await write(old, 0, 'zombie')
    expect(await initialise()).toMatchObject({ errorCode: errorCodes.CONCURRENT_TRANSACTIONS })
    // As Kafka 4: from here until the new one has its epoch, the old one seems to ask again for an end, but for another one.
    expect(await end(old, true, 5)).toMatchObject({ errorCode: errorCodes.INVALID_TXN_STATE })
    const fresh = await initialise()
    expect(fresh.producerEpoch).toBeGreaterThan(old.producerEpoch)
    expect(await write(old, 1, 'zombie')).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
    expect(await end(old, true)).toMatchObject({ errorCode: errorCodes.PRODUCER_FENCED })
    const next = await initialise(fresh)
    expect(await end(fresh, true, 5)).toMatchObject({ errorCode: errorCodes.PRODUCER_FENCED })
    await addTopic(next)
    expect(await write(next, 0, 'fresh')).toBe(errorCodes.NONE)
    await end(next, true)
    expect(await committedValues()).toEqual(['fresh'])
  })

  it('is begun anew under an id that nobody knows, whatever producer its client speaks of: some clients say 0 for none', async () => {
    await start()
    for (const [id, old] of Object.entries({
      zeros: { producerId: 0n, producerEpoch: 0 },
      gone: { producerId: 4711n, producerEpoch: 7 },
    })) {
      const fresh = await initialise(old, id)
      expect([fresh.errorCode, fresh.producerEpoch]).toEqual([errorCodes.NONE, 0])
      expect((await initialise({ producerId: 4712n, producerEpoch: 0 }, id)).errorCode).toBe(errorCodes.PRODUCER_FENCED)
    }
  })

  it('that takes too long is aborted', async () => {
    clock = new ManualClock()
    await start()
    const ids = await initialise()
    await addTopic(ids)
    await write(ids, 0, 'slow')
    clock.advance(60_001)
    await vi.waitFor(async () => expect(await stateOf()).toBe('CompleteAbort'))
    expect(await end(ids, true)).toMatchObject({ errorCode: errorCodes.PRODUCER_FENCED })
    expect(await committedValues()).toEqual([])
  })

  it('raises its epoch when it ends, and adds what it writes to by itself (KIP-890)', async () => {
    await start()
    const ids = await initialise()
    expect(await write(ids, 0, 'one', { version: 12 })).toBe(errorCodes.NONE)
    expect(await write(ids, 1, 'two', { version: 12 })).toBe(errorCodes.NONE)
    const committed = await end(ids, true, 5)
    expect(committed).toMatchObject({ errorCode: errorCodes.NONE, producerEpoch: ids.producerEpoch + 1 })
    // The answer was lost: the same again.
    expect(await end(ids, true, 5)).toEqual(committed)
    expect(await write(ids, 2, 'late', { version: 12 })).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
    expect(await write(committed, 0, 'three', { version: 12 })).toBe(errorCodes.NONE)
    const aborted = await end(committed, false, 5)
    expect(await end(aborted, false, 5)).toMatchObject({ errorCode: errorCodes.NONE, producerEpoch: aborted.producerEpoch + 1 })
    expect(await committedValues()).toEqual(['one', 'two'])
  })

  it('keeps the order of batches that are sent without waiting for answers (KIP-890)', async () => {
    await start()
    const ids = await initialise()
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => write(ids, i >> 1, `${i}`, { version: 12, topic: i % 2 === 0 ? 't' : 'u' })),
    )
    expect(new Set(codes)).toEqual(new Set([errorCodes.NONE]))
    await end(ids, true, 5)
    expect(await committedValues('u')).toEqual(['1', '3', '5', '7', '9', '11', '13', '15', '17', '19'])
  })

  it('is listed and described, as are its producers', async () => {
    await start()
    const ids = await initialise()
    await addTopic(ids)
    await write(ids, 0, 'open')
    const listed = await client.ask(listTransactions, 2, {
      stateFilters: ['Ongoing', 'Odd'],
      producerIdFilters: [],
      transactionalIdPattern: 'x|y',
    })
    expect(listed).toMatchObject({
      unknownStateFilters: ['Odd'],
      transactionStates: [{ transactionalId: 'x', transactionState: 'Ongoing' }],
    })
    const described = await client.ask(describeTransactions, 0, { transactionalIds: ['x', 'none'] })
    expect(described.transactionStates).toMatchObject([
      { errorCode: 0, transactionTimeoutMs: 60_000, topics: [{ topic: 't', partitions: [0] }] },
      { errorCode: errorCodes.TRANSACTIONAL_ID_NOT_FOUND },
    ])
    const { topics } = await client.ask(describeProducers, 0, { topics: [{ name: 't', partitionIndexes: [0] }] })
    expect(topics[0]?.partitions[0]?.activeProducers).toMatchObject([{ producerId: ids.producerId, currentTxnStartOffset: 0n }])
  })
})

describe('offsets in a transaction', () => {
  const commit = (ids: Ids, offset: bigint, version = 5) =>
    client.ask(txnOffsetCommit, version, {
      transactionalId: 'x',
      groupId: 'g',
      ...ids,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: `at ${offset}` }] }],
    })
  const committed = async () => {
    const topics = [{ name: 't', partitionIndexes: [0] }]
    const answer = await client.ask(offsetFetch, 7, { groupId: 'g', topics, requireStable: true })
    const { committedOffset, metadata: text, errorCode } = answer.topics[0]?.partitions[0] ?? {}
    return [errorCode, committedOffset, text]
  }

  it('count from its commit on, and are unstable until then; also over a restart', async () => {
    await start()
    let ids: Ids = await initialise()
    expect((await commit(ids, 5n, 4)).topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.TRANSACTION_ABORTABLE)
    expect((await commit(ids, 5n)).topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.NONE)
    expect(await committed()).toEqual([errorCodes.UNSTABLE_OFFSET_COMMIT, -1n, ''])
    await stop()
    await start()
    expect(await committed()).toEqual([errorCodes.UNSTABLE_OFFSET_COMMIT, -1n, ''])
    ids = await end(ids, true, 5)
    expect(await committed()).toEqual([errorCodes.NONE, 5n, 'at 5'])
    await commit(ids, 9n)
    ids = await end(ids, false, 5)
    expect(await committed()).toEqual([errorCodes.NONE, 5n, 'at 5'])
    await stop()
    await start()
    expect(await committed()).toEqual([errorCodes.NONE, 5n, 'at 5'])
  })
})

describe('transactions of kafkajs', () => {
  it('copy records with their offsets, exactly once', async () => {
    await start()
    const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING, retry: { retries: 3, initialRetryTime: 20 } })
    const producer: Producer = kafka.producer({
      transactionalId: 'copier',
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    for (let i = 0; i < 6; i++) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 't', messages: [{ value: `${i}` }, { value: `${i}'` }] })
      await transaction.sendOffsets({ consumerGroupId: 'g', topics: [{ topic: 'u', partitions: [{ partition: 0, offset: String(i) }] }] })
      await (i % 3 === 2 ? transaction.abort() : transaction.commit())
    }
    await producer.disconnect()
    expect(await committedValues()).toEqual(['0', "0'", '1', "1'", '3', "3'", '4', "4'"])
    const admin = kafka.admin()
    await admin.connect()
    expect((await admin.fetchOffsets({ groupId: 'g', topics: ['u'] }))[0]?.partitions[0]?.offset).toBe('4')
    await admin.disconnect()
  })
})
