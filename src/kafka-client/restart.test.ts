import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type BrokerHandle, startBroker } from '../broker/index.ts'
import { type Batch, connectKafka, type GroupConsumer, type KafkaClient } from './index.ts'

let dataDir: string
let broker: BrokerHandle
let kafka: KafkaClient

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-kafka-client-'))
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
  await kafka.admin.createTopics([{ name: 't', partitions: 3 }])
})
afterEach(async () => {
  await kafka.close()
  await broker.close()
  rmSync(dataDir, { recursive: true })
})

async function restart(): Promise<void> {
  const port = broker.listeners[0]?.port ?? 0
  await broker.close()
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port }] })
}

function valuesOf({ bytes, valueAt, count }: Batch): number[] {
  return Array.from({ length: count }, (_, i) => Number(Buffer.from(bytes.subarray(valueAt[2 * i], valueAt[2 * i + 1])).toString()))
}

async function readAll(): Promise<number[]> {
  const reader = kafka.reader({ topic: 't', from: 'earliest' })
  const values: number[] = []
  do for (const batch of await reader.poll()) values.push(...valuesOf(batch))
  while (!reader.atEnd())
  await reader.close()
  return values
}

it('nothing acknowledged is lost and nothing is written twice when the broker restarts while records are sent and read', async () => {
  const producer = kafka.producer({ lingerMs: 1 })
  const consumer = kafka.consumer({ groupId: 'g', topics: ['t'], startingOffsets: 'earliest', maxWaitMs: 50 })
  const read: number[] = []
  const acknowledged: number[] = []
  const stop = new AbortController()
  const allSent = new AbortController()
  let sent = 0
  const sending = (async () => {
    while (!stop.signal.aborted) {
      const values = Array.from({ length: 10 }, () => sent++)
      await producer.send(values.map((value) => ({ topic: 't', key: String(value % 7), value: String(value) })))
      acknowledged.push(...values)
    }
  })()
  const reading = (async () => {
    while (!allSent.signal.aborted || read.length < acknowledged.length) await step(consumer, read)
  })()
  for (let i = 0; i < 3; i++) {
    const before = acknowledged.length
    await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(before + 100)
    await restart()
  }
  const before = acknowledged.length
  await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(before)
  stop.abort()
  await sending
  allSent.abort()
  await reading
  await consumer.close()
  const inOrder = acknowledged.toSorted((a, b) => a - b)
  expect((await readAll()).toSorted((a, b) => a - b)).toEqual(inOrder)
  expect(read.toSorted((a, b) => a - b)).toEqual(inOrder)
}, 240_000)

async function step(consumer: GroupConsumer, read: number[]): Promise<void> {
  const batches = await consumer.poll()
  const offsets = batches.map(({ topic, partition, nextOffset, leaderEpoch }) => ({
    topic,
    partition,
    offset: nextOffset,
    leaderEpoch,
    metadata: '',
  }))
  await consumer.commit(offsets)
  for (const batch of batches) read.push(...valuesOf(batch))
}

it('a call made while the broker is away succeeds when it is back', async () => {
  const port = broker.listeners[0]?.port ?? 0
  const producer = kafka.producer()
  await producer.send([{ topic: 't', key: null, value: '0' }])
  await broker.close()
  const sending = producer.send([{ topic: 't', key: null, value: '1' }])
  const asking = kafka.admin.metadata(['t'])
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port }] })
  expect(await sending).toHaveLength(1)
  expect((await asking).topics[0]?.error).toBeNull()
  expect((await readAll()).toSorted((a, b) => a - b)).toEqual([0, 1])
})

it('a consumer says so when its topic was deleted and made again, rather than read other records under its offsets', async () => {
  const producer = kafka.producer()
  await producer.send([0, 1, 2].map((partition) => ({ topic: 't', partition, key: null, value: '1' })))
  const consumer = kafka.consumer({ groupId: 'g', topics: ['t'], startingOffsets: 'earliest' })
  for (let count = 0; count < 3;) for (const batch of await consumer.poll()) count += batch.count
  await kafka.admin.deleteTopics(['t'])
  await kafka.admin.createTopics([{ name: 't', partitions: 3 }])
  const until = (async () => {
    for (;;) await consumer.poll()
  })()
  await expect(until).rejects.toMatchObject({ code: 'KAFKA', details: { errorName: 'UNKNOWN_TOPIC_ID' } })
})
