import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  alterConfigs,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeConfigs,
  describeLogDirs,
  describeProducers,
  encodeBatch,
  errorCodes,
  fetch,
  initProducerId,
  joinGroup,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  produce,
} from '../../kafka-wire/index.ts'
import { startBroker, type BrokerHandle } from '../index.ts'
import { connectTo, type Asking } from '../testing/ask.ts'

let dataDir = ''
let broker: BrokerHandle
let client: Asking

async function start(): Promise<void> {
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  client = await connectTo(broker.address)
}
async function stop(): Promise<void> {
  client[Symbol.dispose]()
  await broker.close()
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
  await start()
  await client.ask(createTopics, 7, {
    topics: [
      { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name: 'retention.ms', value: '-1' }] },
      { name: 'c', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name: 'cleanup.policy', value: 'compact' }] },
    ],
    timeoutMs: 1000,
    validateOnly: false,
  })
})
afterEach(async () => {
  await stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const write = (count: number, ids: { producerId?: bigint; producerEpoch?: number; baseSequence?: number } = {}) => {
  const records = Array.from({ length: count }, (_, i) => ({ key: Buffer.from(`k${i}`), value: Buffer.from('v'), timestampMs: Date.now() }))
  return client.ask(produce, 9, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records: encodeBatch({ records, compression: 'none', ...ids }) }] }],
  })
}

const deleteBefore = async (offset: bigint, name = 't') => {
  const { topics } = await client.ask(deleteRecords, 2, {
    topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }],
    timeoutMs: 1000,
  })
  return topics[0]?.partitions[0]
}

const fetchFrom = async (fetchOffset: bigint) => {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 10_000 }]
  const { responses } = await client.ask(fetch, 11, { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions }] })
  return responses[0]?.partitions[0]
}

describe('deleted records', () => {
  it('are out of range for readers, also after a restart', async () => {
    await write(10)
    await write(10)
    expect(await deleteBefore(12n)).toMatchObject({ errorCode: errorCodes.NONE, lowWatermark: 12n })
    expect(await fetchFrom(11n)).toMatchObject({ errorCode: errorCodes.OFFSET_OUT_OF_RANGE })
    await stop()
    await start()
    expect(await fetchFrom(11n)).toMatchObject({ errorCode: errorCodes.OFFSET_OUT_OF_RANGE })
    expect(await fetchFrom(12n)).toMatchObject({ errorCode: errorCodes.NONE, logStartOffset: 12n })
    expect(await deleteBefore(-1n)).toMatchObject({ lowWatermark: 20n })
  })

  it('are not told of a topic that is made again under the same name', async () => {
    await write(10)
    await deleteBefore(8n)
    await client.ask(deleteTopics, 5, { topicNames: ['t'], timeoutMs: 1000 })
    await client.ask(createTopics, 7, {
      topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 1000,
      validateOnly: false,
    })
    await write(3)
    await stop()
    await start()
    const found = await fetchFrom(0n)
    expect(found).toMatchObject({ errorCode: errorCodes.NONE, logStartOffset: 0n, highWatermark: 3n })
    expect(found?.records?.length).toBeGreaterThan(0)
  })

  it('lie below the high watermark, in a topic that deletes', async () => {
    await write(3)
    expect(await deleteBefore(4n)).toMatchObject({ errorCode: errorCodes.OFFSET_OUT_OF_RANGE, lowWatermark: -1n })
    expect(await deleteBefore(0n, 'c')).toMatchObject({ errorCode: errorCodes.POLICY_VIOLATION })
    expect(await deleteBefore(0n, 'missing')).toMatchObject({ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION })
  })
})

describe('an administrator', () => {
  it('replaces all settings of a topic', async () => {
    const configs = [{ name: 'max.message.bytes', value: '5000' }]
    const resources = [{ resourceType: 2, resourceName: 't', configs }]
    expect((await client.ask(alterConfigs, 2, { resources, validateOnly: false })).responses).toMatchObject([
      { errorCode: errorCodes.NONE },
    ])
    const wanted = [{ resourceType: 2, resourceName: 't', configurationKeys: ['retention.ms', 'max.message.bytes'] }]
    const { results } = await client.ask(describeConfigs, 4, { resources: wanted })
    expect(Object.fromEntries(results[0]?.configs.map(({ name, value }) => [name, value]) ?? [])).toEqual({
      'retention.ms': '604800000',
      'max.message.bytes': '5000',
    })
  })

  it('sees the sizes of partitions and the producers that write to them', async () => {
    const { producerId } = await client.ask(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 })
    await write(3, { producerId, producerEpoch: 0, baseSequence: 0 })
    const { results } = await client.ask(describeLogDirs, 3, { topics: [{ topic: 't', partitions: [0, 4] }] })
    expect(results).toMatchObject([{ logDir: dataDir, topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] }])
    expect(results[0]?.topics[0]?.partitions[0]?.partitionSize).toBeGreaterThan(60n)
    const { topics } = await client.ask(describeProducers, 0, { topics: [{ name: 't', partitionIndexes: [0, 9] }] })
    expect(topics[0]?.partitions).toMatchObject([
      { errorCode: errorCodes.NONE, activeProducers: [{ producerId, lastSequence: 2, currentTxnStartOffset: -1n }] },
      { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
    ])
  })

  it('deletes single offsets of a group, but none that a member reads', async () => {
    const commitTo = (name: string, memberId = '', generation = -1) =>
      client.ask(offsetCommit, 8, {
        groupId: 'g',
        memberId,
        generationIdOrMemberEpoch: generation,
        topics: [{ name, partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }] }],
      })
    const forget = (name: string) => client.ask(offsetDelete, 0, { groupId: 'g', topics: [{ name, partitions: [{ partitionIndex: 0 }] }] })
    await commitTo('t')
    await commitTo('c')
    expect(await forget('t')).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ errorCode: 0 }] }] })
    // A subscription to "c": version, one topic, no user data.
    const metadata = Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x63, 0xff, 0xff, 0xff, 0xff])
    await client.ask(joinGroup, 2, {
      groupId: 'g',
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 6000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata }],
    })
    expect(await forget('c')).toMatchObject({ topics: [{ partitions: [{ errorCode: errorCodes.GROUP_SUBSCRIBED_TO_TOPIC }] }] })
    const left = await client.ask(offsetFetch, 7, { groupId: 'g', topics: null })
    expect(left.topics.map(({ name }) => name)).toEqual(['c'])
    expect(await client.ask(offsetDelete, 0, { groupId: 'none', topics: [] })).toMatchObject({ errorCode: errorCodes.GROUP_ID_NOT_FOUND })
  })
})
