import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BrokerHandle, startBroker } from '../broker/index.ts'
import { connectKafka, type GroupConsumer, type KafkaClient } from './index.ts'

let dataDir: string
let broker: BrokerHandle
let kafka: KafkaClient

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-changed-topic-'))
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
})
afterAll(async () => {
  await kafka.close()
  await broker.close()
  rmSync(dataDir, { recursive: true })
})

async function make(topic: string, partitions = 1): Promise<void> {
  await kafka.admin.createTopics([{ name: topic, partitions }])
}

async function valuesOf(topic: string): Promise<string[]> {
  await using reader = kafka.reader({ topic, from: 'earliest' })
  const values: string[] = []
  do {
    for (const { bytes, valueAt, count } of await reader.poll())
      for (let i = 0; i < count; i++) values.push(Buffer.from(bytes.subarray(valueAt[2 * i], valueAt[2 * i + 1])).toString())
  } while (!reader.atEnd())
  return values
}

const record = (topic: string, value: string) => ({ topic, partition: 0, key: null, value })

it('a producer goes on in a topic that was deleted and made again, with what was sent in between', async () => {
  await make('again')
  await using producer = kafka.producer()
  for (const value of ['old 1', 'old 2']) await producer.send([record('again', value)])
  await kafka.admin.deleteTopics(['again'])
  const between = producer.send([record('again', 'new 1')])
  await make('again')
  expect(await between).toEqual([{ topic: 'again', partition: 0, offset: 0n }])
  expect(await producer.send([record('again', 'new 2')])).toEqual([{ topic: 'again', partition: 0, offset: 1n }])
  expect(await valuesOf('again')).toEqual(['new 1', 'new 2'])
})

it('a consumer that joins on a client which knew the topic before reads the one that is there', async () => {
  await make('joined')
  await using producer = kafka.producer()
  await producer.send([record('joined', 'old')])
  await kafka.admin.deleteTopics(['joined'])
  await make('joined')
  await using other = await connectKafka({ bootstrapServers: [broker.address], clientId: 'other' })
  await using writer = other.producer()
  await writer.send([record('joined', 'new'), record('joined', 'new')])
  await using consumer = kafka.consumer({ groupId: 'joined', topics: ['joined'], startingOffsets: 'earliest', maxWaitMs: 50 })
  await readUntil(consumer, 2)
})

it('a transaction over the end of its topic is aborted, and the next one is written to the topic that is there', async () => {
  await make('transactions')
  await using producer = kafka.transactionalProducer({ transactionalId: 'changed', deliveryTimeoutMs: 2_000 })
  await producer.begin()
  await producer.send([record('transactions', 'lost')])
  await kafka.admin.deleteTopics(['transactions'])
  await producer.send([record('transactions', 'late')]).catch(() => undefined)
  await producer.abort()
  await make('transactions')
  await producer.begin()
  await producer.send([record('transactions', 'kept')])
  await producer.commit()
  await using reader = kafka.reader({ topic: 'transactions', from: 'earliest', isolationLevel: 'read_committed' })
  let count = 0
  do for (const batch of await reader.poll()) count += batch.count
  while (!reader.atEnd())
  expect(count).toBe(1)
})

it('a consumer whose paused partition retention has passed is told when it resumes, with what is there; the others are read', async () => {
  await make('paused', 2)
  await using producer = kafka.producer()
  await producer.send([record('paused', '0'), { ...record('paused', '0'), partition: 1 }])
  await using consumer = kafka.consumer({ groupId: 'paused', topics: ['paused'], startingOffsets: 'earliest', maxWaitMs: 50 })
  await readUntil(consumer, 2)
  const zero = { topic: 'paused', partition: 0 }
  consumer.pause([zero])
  // The fetch that was on its way may still have it; the next one does not.
  await producer.send([{ ...record('paused', '1'), partition: 1 }])
  await readUntil(consumer, 1)
  await producer.send(Array.from({ length: 5 }, (_, i) => record('paused', String(i))))
  await kafka.admin.deleteRecords([{ ...zero, offset: 4n }])
  await producer.send([{ ...record('paused', '2'), partition: 1 }])
  await readUntil(consumer, 1)
  consumer.resume([zero])
  const failing = (async () => {
    for (;;) await consumer.poll()
  })()
  await expect(failing).rejects.toMatchObject({
    code: 'OFFSET_OUT_OF_RANGE',
    details: { ...zero, offset: '1', logStartOffset: '4' },
  })
  consumer.seek(zero, 4n)
  await readUntil(consumer, 2)
})

async function readUntil(consumer: GroupConsumer, count: number): Promise<void> {
  for (let read = 0; read < count;) for (const batch of await consumer.poll()) read += batch.count
}
