import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { Releasers } from '../platform/index.ts'
import { type Batch, type Compression, connectKafka, type GroupConsumer, type KafkaClient, type TopicReader } from './index.ts'

/** On the embedded broker, or on the real one that this names: the same tests. */
const realServers = process.env['MILLRACE_KAFKA_BOOTSTRAP_SERVERS']
const releasers = new Releasers()
let kafka: KafkaClient

beforeAll(async () => {
  let address = realServers
  if (!address) {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kafka-client-'))
    releasers.add('data', () => rmSync(dataDir, { recursive: true }))
    const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], autoCreateTopics: false })
    releasers.add('broker', () => broker.close())
    address = broker.address
  }
  const client = await connectKafka({ bootstrapServers: address.split(','), clientId: 'test' })
  releasers.add('client', () => client.close())
  kafka = client
})
afterAll(() => releasers.close())

async function newTopic(partitions: number, configs: Record<string, string> = {}): Promise<string> {
  const name = `test-${randomUUID()}`
  await kafka.admin.createTopics([{ name, partitions, configs }])
  return name
}

function valuesOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ bytes, valueAt, count }) =>
    Array.from({ length: count }, (_, i) => Buffer.from(bytes.subarray(valueAt[2 * i], valueAt[2 * i + 1])).toString()),
  )
}

async function readAll(reader: TopicReader): Promise<Batch[]> {
  const batches: Batch[] = []
  do batches.push(...(await reader.poll()))
  while (!reader.atEnd())
  await reader.close()
  return batches
}

async function pollUntil(consumer: GroupConsumer, count: number): Promise<Batch[]> {
  const batches: Batch[] = []
  while (batches.reduce((sum, batch) => sum + batch.count, 0) < count) batches.push(...(await consumer.poll()))
  return batches
}

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => String(from + i))
const ends = (batches: readonly Batch[]) =>
  batches.map(({ topic, partition, nextOffset, leaderEpoch }) => ({ topic, partition, offset: nextOffset, leaderEpoch, metadata: 'm' }))

describe('records', () => {
  it.each<Compression>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('sent with %s are read as they were', async (compression) => {
    const topic = await newTopic(1)
    await using producer = kafka.producer({ compression })
    await producer.send([
      {
        topic,
        key: 'k',
        value: 'v',
        headers: [
          { key: 'a', value: Buffer.from('1') },
          { key: 'none', value: null },
        ],
        timestampMs: 1_700_000_000_123,
      },
      { topic, key: null, value: null },
      ...numbers(500).map((value) => ({ topic, key: null, value })),
    ])
    const [first, ...rest] = await readAll(kafka.reader({ topic, from: 'earliest' }))
    if (!first) throw new Error('nothing was read')
    expect(Buffer.from(first.bytes.subarray(first.keyAt[0], first.keyAt[1])).toString()).toBe('k')
    expect([...first.keyAt.subarray(2, 3), ...first.valueAt.subarray(2, 3)]).toEqual([-1, -1])
    expect(first.timestampMs[0]).toBe(1_700_000_000_123)
    expect(first.headers(0)).toMatchObject([{ key: 'a' }, { key: 'none', value: null }])
    expect(valuesOf([first, ...rest]).slice(2)).toEqual(numbers(500))
  })

  it('are found from an offset, from a time, and from the end on', async () => {
    const topic = await newTopic(1)
    await using producer = kafka.producer()
    for (const timestampMs of [1_000, 2_000, 3_000]) await producer.send([{ topic, key: null, value: String(timestampMs), timestampMs }])
    expect(valuesOf(await readAll(kafka.reader({ topic, from: { offset: 1n } })))).toEqual(['2000', '3000'])
    expect(valuesOf(await readAll(kafka.reader({ topic, from: { timestampMs: 2_500 } })))).toEqual(['3000'])
    expect(await readAll(kafka.reader({ topic, from: 'latest' }))).toEqual([])
  })

  it('from the middle of a batch leave out those before', async () => {
    const topic = await newTopic(1)
    await using producer = kafka.producer({ compression: 'none' })
    await producer.send(numbers(100).map((value) => ({ topic, key: null, value })))
    const [batch] = await readAll(kafka.reader({ topic, from: { offset: 42n } }))
    expect([batch?.offsets[0], batch?.count]).toEqual([42n, 58])
  })

  it('larger than a whole fetch are still read', async () => {
    const topic = await newTopic(1)
    await using producer = kafka.producer({ compression: 'none' })
    await producer.send([{ topic, key: null, value: Buffer.alloc(600_000, 1) }])
    await producer.send([{ topic, key: null, value: 'after' }])
    const batches = await readAll(kafka.reader({ topic, from: 'earliest', maxBytes: 10_000 }))
    expect(batches.map(({ count, valueAt }) => [count, (valueAt[1] ?? 0) - (valueAt[0] ?? 0)])).toEqual([
      [1, 600_000],
      [1, 5],
    ])
  })

  it('too large for the topic are refused', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '2000' })
    await using producer = kafka.producer({ compression: 'none' })
    await expect(producer.send([{ topic, key: null, value: Buffer.alloc(5_000) }])).rejects.toMatchObject({
      details: { errorName: 'MESSAGE_TOO_LARGE' },
    })
    // Together too large, each small enough: split.
    expect(await producer.send(numbers(100).map((value) => ({ topic, key: null, value: value.padEnd(100) })))).toHaveLength(100)
    expect(valuesOf(await readAll(kafka.reader({ topic, from: 'earliest' }))).map((value) => value.trim())).toEqual(numbers(100))
  })

  it('past the end of the log are not made up: the reader says what there is', async () => {
    const topic = await newTopic(1)
    await using reader = kafka.reader({ topic, from: { offset: 10n } })
    const expected = { code: 'OFFSET_OUT_OF_RANGE', details: { topic, partition: 0, offset: '10', logStartOffset: '0' } }
    await expect(reader.poll()).rejects.toMatchObject(expected)
    await expect(reader.poll()).rejects.toMatchObject(expected)
  })
})

describe('a consumer group', () => {
  it('goes on where it committed, with the metadata of the commit', async () => {
    const topic = await newTopic(1)
    await using producer = kafka.producer()
    await producer.send(numbers(10).map((value) => ({ topic, key: null, value })))
    const groupId = `g-${topic}`
    const first = kafka.consumer({ groupId, topics: [topic], startingOffsets: 'earliest' })
    await first.commit(ends(await pollUntil(first, 10)))
    await first.close()
    await producer.send(numbers(5, 10).map((value) => ({ topic, key: null, value })))
    const given: unknown[] = []
    await using second = kafka.consumer({
      groupId,
      topics: [topic],
      startingOffsets: 'earliest',
      onAssigned: (partitions) => void given.push(...partitions),
    })
    expect(valuesOf(await pollUntil(second, 5))).toEqual(numbers(5, 10))
    expect(given).toEqual([
      { topic, partition: 0, committed: { offset: 10n, leaderEpoch: expect.any(Number), metadata: 'm' }, position: 10n },
    ])
  })

  it('shares the partitions among its members, and takes over those of one that leaves; none is read twice', async () => {
    const topic = await newTopic(4)
    await using producer = kafka.producer()
    const groupId = `g-${topic}`
    const read: string[] = []
    const revoked: string[] = []
    const member = (name: string): GroupConsumer =>
      kafka.consumer({
        groupId,
        topics: [topic],
        startingOffsets: 'earliest',
        maxWaitMs: 50,
        heartbeatIntervalMs: 100,
        onRevoked: (partitions) => void revoked.push(`${name} ${partitions.length}`),
      })
    const step = async (consumer: GroupConsumer): Promise<void> => {
      const batches = await consumer.poll()
      await consumer.commit(ends(batches))
      read.push(...valuesOf(batches))
    }
    const a = member('a')
    await producer.send(numbers(100).map((value) => ({ topic, key: value, value })))
    while (read.length < 100) await step(a)
    const b = member('b')
    while (a.assignment().length !== 2 || b.assignment().length !== 2) await Promise.all([step(a), step(b)])
    await producer.send(numbers(100, 100).map((value) => ({ topic, key: value, value })))
    while (read.length < 200) await Promise.all([step(a), step(b)])
    await b.close()
    while (a.assignment().length !== 4) await step(a)
    await producer.send(numbers(100, 200).map((value) => ({ topic, key: value, value })))
    while (read.length < 300) await step(a)
    await a.close()
    expect(read.toSorted((x, y) => Number(x) - Number(y))).toEqual(numbers(300))
    expect(revoked).toEqual(['a 4', 'b 2', 'a 2', 'a 4'])
  })

  it('refuses the commit of a member that it went on without', async () => {
    const topic = await newTopic(1)
    const groupId = `g-${topic}`
    await using old = kafka.consumer({ groupId, topics: [topic], startingOffsets: 'earliest', groupInstanceId: 'same' })
    await old.poll()
    await using fresh = kafka.consumer({ groupId, topics: [topic], startingOffsets: 'earliest', groupInstanceId: 'same' })
    await fresh.poll()
    const commit = old.commit([{ topic, partition: 0, offset: 0n, leaderEpoch: -1, metadata: '' }])
    await expect(commit).rejects.toMatchObject({ code: 'KAFKA', retriable: false, details: { errorName: 'FENCED_INSTANCE_ID' } })
    await expect(old.poll()).rejects.toMatchObject({ details: { errorName: 'FENCED_INSTANCE_ID' } })
  })

  it('refuses the commit of a partition that this member does not have', async () => {
    const topic = await newTopic(1)
    await using consumer = kafka.consumer({ groupId: `g-${topic}`, topics: [topic], startingOffsets: 'earliest' })
    await consumer.poll()
    const commit = consumer.commit([{ topic, partition: 5, offset: 0n, leaderEpoch: -1, metadata: '' }])
    await expect(commit).rejects.toMatchObject({ code: 'KAFKA', details: { errorName: 'ILLEGAL_GENERATION' } })
  })

  it('loses a member that does not poll, and has it back when it does', async () => {
    const topic = await newTopic(1)
    const events: string[] = []
    await using consumer = kafka.consumer({
      groupId: `g-${topic}`,
      topics: [topic],
      startingOffsets: 'earliest',
      maxWaitMs: 20,
      maxPollIntervalMs: 50,
      heartbeatIntervalMs: 100,
      sessionTimeoutMs: 6_000,
      onAssigned: () => void events.push('assigned'),
      onRevoked: () => void events.push('revoked'),
      onLost: () => void events.push('lost'),
    })
    while (events.length === 0) await consumer.poll()
    await expect.poll(async () => (await kafka.admin.describeGroups([`g-${topic}`]))[0]?.state, { timeout: 60_000 }).toBe('Empty')
    while (events.length < 3) await consumer.poll()
    expect(events).toEqual(['assigned', 'lost', 'assigned'])
  })

  it('reads only what is not paused, and anew after a seek', async () => {
    const topic = await newTopic(2)
    await using producer = kafka.producer()
    await producer.send([0, 1].map((partition) => ({ topic, partition, key: null, value: `p${partition}` })))
    await using consumer = kafka.consumer({ groupId: `g-${topic}`, topics: [topic], startingOffsets: 'earliest', maxWaitMs: 100 })
    expect(valuesOf(await pollUntil(consumer, 2)).toSorted()).toEqual(['p0', 'p1'])
    consumer.pause([{ topic, partition: 0 }])
    consumer.seek({ topic, partition: 0 }, 0n)
    consumer.seek({ topic, partition: 1 }, 0n)
    expect(valuesOf(await pollUntil(consumer, 1))).toEqual(['p1'])
    expect(await consumer.poll()).toEqual([])
    consumer.resume([{ topic, partition: 0 }])
    expect(valuesOf(await pollUntil(consumer, 1))).toEqual(['p0'])
    expect(() => consumer.seek({ topic, partition: 9 }, 0n)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  })

  it('is told when its committed offset is not in the log, until it says where to go on', async () => {
    const topic = await newTopic(1)
    await using producer = kafka.producer()
    await producer.send([{ topic, key: null, value: 'v' }])
    await using consumer = kafka.consumer({
      groupId: `g-${topic}`,
      topics: [topic],
      startingOffsets: 'latest',
      onAssigned: () => consumer.seek({ topic, partition: 0 }, 99n),
    })
    await expect(consumer.poll()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      details: { topic, partition: 0, offset: '99', logStartOffset: '0' },
    })
    consumer.seek({ topic, partition: 0 }, 0n)
    expect(valuesOf(await pollUntil(consumer, 1))).toEqual(['v'])
  })

  it('waits for a topic that does not exist yet', async () => {
    const topic = `test-${randomUUID()}`
    await using consumer = kafka.consumer({ groupId: `g-${topic}`, topics: [topic], startingOffsets: 'earliest', maxWaitMs: 50 })
    expect(await consumer.poll()).toEqual([])
    await kafka.admin.createTopics([{ name: topic, partitions: 1 }])
    await using producer = kafka.producer()
    await producer.send([{ topic, key: null, value: 'v' }])
    expect(valuesOf(await pollUntil(consumer, 1))).toEqual(['v'])
  })

  it('ends its poll when it is cancelled or closed', async () => {
    const topic = await newTopic(1)
    const consumer = kafka.consumer({ groupId: `g-${topic}`, topics: [topic], startingOffsets: 'earliest', maxWaitMs: 60_000 })
    const controller = new AbortController()
    const cancelled = expect(consumer.poll({ signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' })
    controller.abort()
    await cancelled
    const closed = expect(consumer.poll()).rejects.toMatchObject({ code: 'CLOSED' })
    await consumer.close()
    await closed
  })
})

describe('the admin', () => {
  it('makes topics once, tells of them, widens and deletes them', async () => {
    const name = await newTopic(2, { 'cleanup.policy': 'compact' })
    expect(await kafka.admin.createTopics([{ name, partitions: 2 }])).toEqual([{ name, created: false }])
    expect((await kafka.admin.describeConfigs(name))['cleanup.policy']).toEqual({
      value: 'compact',
      source: 'DYNAMIC_TOPIC_CONFIG',
      isDefault: false,
    })
    await kafka.admin.createPartitions([{ name, partitions: 3 }])
    expect((await kafka.admin.metadata([name])).topics[0]).toMatchObject({
      name,
      internal: false,
      error: null,
      partitions: [{ partition: 0 }, { partition: 1 }, { partition: 2 }],
    })
    expect(await kafka.admin.deleteTopics([name])).toEqual([{ name, deleted: true }])
    expect(await kafka.admin.deleteTopics([name])).toEqual([{ name, deleted: false }])
  })

  it('describes and deletes groups', async () => {
    const topic = await newTopic(1)
    const groupId = `g-${topic}`
    const consumer = kafka.consumer({ groupId, topics: [topic], startingOffsets: 'earliest' })
    await consumer.poll()
    expect(await kafka.admin.describeGroups([groupId, 'no-such-group'])).toMatchObject([
      {
        groupId,
        state: 'Stable',
        protocolType: 'consumer',
        protocol: 'range',
        members: [{ clientId: 'test', assignment: { partitions: [{ topic, partitions: [0] }] } }],
      },
      { groupId: 'no-such-group', state: 'Dead' },
    ])
    expect(await kafka.admin.listGroups()).toContainEqual({ groupId, protocolType: 'consumer', state: 'Stable' })
    await consumer.commit([{ topic, partition: 0, offset: 0n, leaderEpoch: -1, metadata: 'kept' }])
    expect(await kafka.admin.committedOffsets(groupId)).toEqual([{ topic, partition: 0, offset: 0n, leaderEpoch: -1, metadata: 'kept' }])
    await expect(kafka.admin.deleteGroups([groupId])).rejects.toMatchObject({ details: { errorName: 'NON_EMPTY_GROUP' } })
    await consumer.close()
    expect(await kafka.admin.deleteGroups([groupId])).toEqual([{ groupId, deleted: true }])
  })
})
