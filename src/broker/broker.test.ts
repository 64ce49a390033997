import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressionTypes, Kafka, logLevel, Partitioners, type Consumer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { judgedBy, packageTitle } from '../../test/harness/judges.ts'
import { startBroker, startBrokerThread, type BrokerHandle, type BrokerOptions } from './index.ts'

let dataDir = ''
const closers: (() => Promise<unknown>)[] = []

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
})
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(over: Partial<BrokerOptions> = {}): Promise<BrokerHandle> {
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], ...over })
  closers.push(() => broker.close())
  return broker
}

function client(broker: BrokerHandle, sasl?: { username: string; password: string }): Kafka {
  return new Kafka({
    brokers: [broker.address],
    clientId: 'test',
    logLevel: logLevel.NOTHING,
    retry: { retries: 2, initialRetryTime: 50 },
    ...(sasl ? { sasl: { mechanism: 'plain', ...sasl } } : {}),
  })
}

async function produce(kafka: Kafka, topic: string, values: string[], compression = CompressionTypes.None): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, idempotent: true })
  await producer.connect()
  await producer.send({ topic, compression, messages: values.map((value) => ({ key: value, value, headers: { h: value } })) })
  await producer.disconnect()
}

async function consume(
  kafka: Kafka,
  topic: string,
  groupId: string,
): Promise<{ values: string[]; consumer: Consumer; assigned: () => number[] }> {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 100, maxWaitTimeInMs: 50 })
  closers.push(() => consumer.disconnect())
  const values: string[] = []
  let assigned: number[] = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => (assigned = payload.memberAssignment[topic] ?? []))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 50,
    eachMessage: ({ message }) => {
      values.push(String(message.value))
      return Promise.resolve()
    },
  })
  return { values, consumer, assigned: () => assigned }
}

const many = Array.from({ length: 50 }, (_, i) => `value ${i}`)
const soon = { timeout: 60_000, interval: 20 }

describe('the broker, spoken to by kafkajs', judgedBy(packageTitle('kafkajs')), () => {
  it('gives back what was produced, plain and compressed, headers included', async () => {
    const kafka = client(await start())
    await produce(kafka, 'users', many)
    await produce(kafka, 'users', many, CompressionTypes.GZIP)
    const { values } = await consume(kafka, 'users', 'g')
    await vi.waitFor(() => expect(values.toSorted()).toEqual([...many, ...many].toSorted()), soon)
  })

  it('shares the partitions between two members and gives them back when one leaves', async () => {
    const kafka = client(await start({ defaultPartitions: 4 }))
    await produce(kafka, 'users', many)
    const one = await consume(kafka, 'users', 'g')
    const two = await consume(kafka, 'users', 'g')
    await vi.waitFor(() => expect([one.assigned().length, two.assigned().length]).toEqual([2, 2]), soon)
    await two.consumer.disconnect()
    await vi.waitFor(() => expect(one.assigned().length).toBe(4), soon)
    await vi.waitFor(() => expect(new Set([...one.values, ...two.values]).size).toBe(50), soon)
  })

  it('keeps topics, records, offsets and groups over a restart', async () => {
    const first = await start()
    await produce(client(first), 'users', many)
    const admin = client(first).admin()
    await admin.connect()
    await admin.setOffsets({ groupId: 'g', topic: 'users', partitions: [{ partition: 0, offset: '20' }] })
    const topicsBefore = await admin.fetchTopicMetadata({ topics: ['users'] })
    await admin.disconnect()
    await first.close()
    const second = await start()
    expect(second.recovered).toEqual({ topics: 1, records: 50, cutBytes: 0 })
    const { values } = await consume(client(second), 'users', 'g')
    await vi.waitFor(() => expect(values).toEqual(many.slice(20)), soon)
    expect(topicsBefore.topics[0]?.partitions.length).toBe(1)
  })

  it('creates, describes, grows and deletes topics, and says what is wrong with a request', async () => {
    const admin = client(await start({ autoCreateTopics: false })).admin()
    closers.push(() => admin.disconnect())
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'a', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '1000' }] }] })
    await expect(admin.createTopics({ topics: [{ topic: 'b', configEntries: [{ name: 'no.such', value: '1' }] }] })).rejects.toThrow()
    await expect(admin.createTopics({ topics: [{ topic: 'no spaces' }] })).rejects.toThrow()
    const { resources } = await admin.describeConfigs({ resources: [{ type: 2, name: 'a' }], includeSynonyms: true })
    expect(resources[0]?.configEntries).toContainEqual(
      expect.objectContaining({ configName: 'retention.ms', configValue: '1000', configSource: 1 }),
    )
    expect(resources[0]?.configEntries).toContainEqual(
      expect.objectContaining({ configName: 'max.message.bytes', configValue: '1048588', configSource: 5 }),
    )
    await admin.createPartitions({ topicPartitions: [{ topic: 'a', count: 5 }] })
    expect((await admin.fetchTopicOffsets('a')).length).toBe(5)
    await admin.deleteTopics({ topics: ['a'] })
    expect(await admin.listTopics()).toEqual([])
  })

  it('lets in who knows the password, and nobody else (P8)', async () => {
    const credentials = { username: 'alice', password: 'correct horse' }
    const broker = await start({ listeners: [{ host: '127.0.0.1', port: 0, credentials }] })
    await produce(client(broker, credentials), 'users', ['x'])
    await expect(
      client(broker, { ...credentials, password: 'wrong' })
        .admin()
        .connect(),
    ).rejects.toThrow(/username or password/)
    const stranger = client(broker).admin()
    closers.push(() => stranger.disconnect())
    await expect(stranger.connect().then(() => stranger.listTopics())).rejects.toThrow()
  })

  it('does not listen beyond loopback without credentials (P8)', async () => {
    await expect(start({ listeners: [{ host: '0.0.0.0', port: 0 }] })).rejects.toMatchObject({ code: 'CREDENTIALS_REQUIRED' })
  })

  it('runs on a worker thread of its own, and says when that dies', async () => {
    const lines: string[] = []
    const log = { debug: () => {}, info: (line: string) => lines.push(line), warn: () => {}, error: () => {}, child: () => log }
    const broker = await startBrokerThread({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], log })
    await produce(client(broker), 'users', many)
    await broker.close()
    expect(lines).toContain('the broker listens')
    expect((await start()).recovered.records).toBe(50)
    await expect(startBrokerThread({ dataDir: '/dev/null/nowhere', listeners: [{ host: '127.0.0.1', port: 0 }] })).rejects.toMatchObject({
      code: 'DISK_FAILED',
    })
  })
})
