import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test, vi } from 'vitest'
import { startKafka, type TestKafka } from './index.ts'

const clientOf = (kafka: TestKafka, retries = 5): Kafka =>
  new Kafka({
    clientId: 'shop',
    brokers: [kafka.bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 10, maxRetryTime: 50, retries },
  })

/** Sends one record by kafkajs. */
async function send(kafka: TestKafka, topic: string, value: string, retries?: number): Promise<void> {
  const producer = clientOf(kafka, retries).producer({ createPartitioner: () => () => 0 })
  await producer.connect()
  try {
    await producer.send({ topic, messages: [{ key: 'k', value, headers: { from: 'kafkajs' } }] })
  } finally {
    await producer.disconnect()
  }
}

test('what another client writes is read, and what is produced reaches another client', { timeout: 60_000 }, async () => {
  await using kafka = await startKafka({ topics: [{ name: 'orders', partitions: 2 }] })
  await send(kafka, 'orders', 'paid')
  const [record] = await kafka.records('orders')
  expect(record).toMatchObject({ partition: 0, offset: 0n, key: 'k', text: 'paid', headers: { from: 'kafkajs' } })
  await kafka.produce('replies', [{ key: 'a', value: { ok: true }, headers: { h: '1' }, timestampMs: 5_000 }, { value: null }])
  expect(await kafka.records('replies')).toMatchObject([
    { key: 'a', text: '{"ok":true}', headers: { h: '1' }, timestampMs: 5_000 },
    { key: null, value: null, text: null },
  ])
  const consumer = clientOf(kafka).consumer({ groupId: 'g' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'replies', fromBeginning: true })
  const seen: string[] = []
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
  await expect.poll(() => seen, { timeout: 60_000 }).toEqual(['{"ok":true}', 'null'])
  await consumer.disconnect()
})

test('a topic that nobody made has no records, and one that is there stays as it is', async () => {
  await using kafka = await startKafka({ defaultPartitions: 3 })
  expect(await kafka.records('nobody')).toEqual([])
  await kafka.createTopic('made')
  await kafka.createTopic({ name: 'made', partitions: 1 })
  const admin = clientOf(kafka).admin()
  await admin.connect()
  expect((await admin.fetchTopicMetadata({ topics: ['made'] })).topics[0]?.partitions).toHaveLength(3)
  await admin.disconnect()
})

test('a failed Produce is met by the next producer, as often as asked, and a client that tries again gets through', async () => {
  await using kafka = await startKafka({ topics: [{ name: 'orders' }] })
  kafka.failNext('Produce', { error: 'NOT_LEADER_OR_FOLLOWER', times: 2 })
  await send(kafka, 'orders', 'paid')
  expect(kafka.failuresLeft).toBe(0)
  expect(await kafka.records('orders')).toHaveLength(1)
})

test('an error that no client tries again reaches its caller, and nothing is written', async () => {
  await using kafka = await startKafka({ topics: [{ name: 'orders' }] })
  kafka.failNext('Produce', { error: 'MESSAGE_TOO_LARGE' })
  await expect(send(kafka, 'orders', 'paid')).rejects.toThrow(/message/i)
  expect(await kafka.records('orders')).toEqual([])
})

test('a failure of one topic lets the others pass, and the kit itself never meets one', async () => {
  await using kafka = await startKafka({ topics: [{ name: 'orders' }, { name: 'others' }] })
  kafka.failNext('Produce', { error: 'TOPIC_AUTHORIZATION_FAILED', topic: 'orders' })
  await kafka.produce('orders', [{ value: 'by the kit' }])
  await send(kafka, 'others', 'passes')
  expect(kafka.failuresLeft).toBe(1)
  await expect(send(kafka, 'orders', 'fails')).rejects.toThrow(/not authorized/i)
  expect((await kafka.records('orders')).map(({ text }) => text)).toEqual(['by the kit'])
})

test('a lost connection and a late answer are survived; failures can be taken back', async () => {
  await using kafka = await startKafka({ topics: [{ name: 'orders' }] })
  kafka.failNext('Produce', { disconnect: true })
  await send(kafka, 'orders', 'first')
  kafka.failNext('Produce', { delayMs: 120 })
  const before = performance.now()
  await send(kafka, 'orders', 'second')
  expect(performance.now() - before).toBeGreaterThanOrEqual(119)
  kafka.failNext('Produce', { error: 'MESSAGE_TOO_LARGE' })
  kafka.clearFailures()
  await send(kafka, 'orders', 'third')
  expect((await kafka.records('orders')).map(({ text }) => text)).toEqual(['first', 'second', 'third'])
})

test.each(['Metadata', 'FindCoordinator', 'JoinGroup', 'SyncGroup', 'OffsetFetch', 'ListOffsets', 'Fetch', 'InitProducerId'])(
  'a client gets over a failed %s',
  { timeout: 60_000 },
  async (request) => {
    await using kafka = await startKafka({ topics: [{ name: 'orders' }] })
    await kafka.produce('orders', [{ key: 'k', value: 'paid' }])
    const ofGroup = ['FindCoordinator', 'JoinGroup', 'SyncGroup', 'OffsetFetch']
    const errors: Record<
      string,
      'NOT_COORDINATOR' | 'LEADER_NOT_AVAILABLE' | 'COORDINATOR_LOAD_IN_PROGRESS' | 'COORDINATOR_NOT_AVAILABLE' | 'NOT_LEADER_OR_FOLLOWER'
    > = {
      Metadata: 'LEADER_NOT_AVAILABLE',
      InitProducerId: 'COORDINATOR_LOAD_IN_PROGRESS',
      FindCoordinator: 'COORDINATOR_NOT_AVAILABLE',
    }
    kafka.failNext(request, { error: errors[request] ?? (ofGroup.includes(request) ? 'NOT_COORDINATOR' : 'NOT_LEADER_OR_FOLLOWER') })
    const client = clientOf(kafka, 10)
    const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ key: 'k', value: 'sent' }] })
    const consumer = client.consumer({ groupId: 'g', maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    const seen: string[] = []
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
    await expect.poll(() => seen, { timeout: 60_000 }).toEqual(['paid', 'sent'])
    expect(kafka.failuresLeft).toBe(0)
    await Promise.all([consumer.disconnect(), producer.disconnect()])
  },
)

test('a request whose answer has no place for an error says so at once', async () => {
  await using kafka = await startKafka()
  expect(() => kafka.failNext('ApiVersions', { error: 'UNKNOWN_SERVER_ERROR' })).toThrow(/use disconnect or delayMs/)
  expect(() => kafka.failNext('Produce', { error: 'UNKNOWN_SERVER_ERROR', times: 0 })).toThrow(/times is 0/)
})

test('twenty stand beside each other, and their folders go with them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-left-'))
  vi.stubEnv('TMPDIR', folder)
  const ports = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await using kafka = await startKafka()
      await kafka.produce('t', [{ value: `of ${i}` }])
      expect((await kafka.records('t')).map(({ text }) => text)).toEqual([`of ${i}`])
      return kafka.bootstrapServers
    }),
  )
  expect(new Set(ports).size).toBe(20)
  vi.unstubAllEnvs()
  expect(readdirSync(folder)).toEqual([])
  rmdirSync(folder)
})
