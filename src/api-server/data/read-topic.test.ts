import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connectKafka, type KafkaClient } from '../../kafka-client/index.ts'
import { startKafka, type TestKafka } from '../../testing/index.ts'
import { mostBytes } from './last-records.ts'
import { decodeWithoutSchema } from './payload.ts'
import { newestRecords, readUpTo, tailTopic, type ReadOptions } from './read-topic.ts'

let broker: TestKafka
let kafka: KafkaClient

beforeAll(async () => {
  broker = await startKafka()
  kafka = await connectKafka({ bootstrapServers: [broker.bootstrapServers], clientId: 'test' })
}, 60_000)
afterAll(async () => {
  await kafka.close()
  await broker.close()
})

/** Of each partition as many records of that size, whose keys are their numbers. */
async function topicOf(partitions: number, count: number, bytes: number): Promise<ReadOptions> {
  const topic = `t-${randomUUID()}`
  await kafka.admin.createTopics([{ name: topic, partitions }])
  const producer = kafka.producer()
  for (let i = 0; i < count; i++) {
    const value = randomBytes(bytes)
    await producer.send(
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition, key: String(i), value, timestampMs: 1_000 + i })),
    )
  }
  await producer.close()
  return {
    kafka,
    values: { makeReadyFor: () => Promise.resolve(), decode: decodeWithoutSchema, encode: () => Promise.reject(new Error('only read')) },
    topic,
    partitions: Array.from({ length: partitions }, (_, i) => i),
    masking: null,
    signal: new AbortController().signal,
  }
}

const keysOf = (records: Awaited<ReturnType<typeof readUpTo>>): string[] => records.map(({ key }) => key?.text ?? '')

test('of small records as many are given as are asked for, the newest or from a place on', async () => {
  const options = await topicOf(2, 20, 10)
  expect(keysOf(await newestRecords(options, 5))).toEqual(['19', '19', '18', '18', '17'])
  expect(keysOf(await newestRecords({ ...options, partitions: [1] }, 3))).toEqual(['19', '18', '17'])
  expect(await newestRecords(options, 1_000)).toHaveLength(40)
  expect(keysOf(await readUpTo({ ...options, partitions: [0] }, { offset: 4n }, 3))).toEqual(['4', '5', '6'])
}, 120_000)

test('of large ones no more are held and given than 8 MiB', async () => {
  const size = 700_000
  const fit = Math.floor(mostBytes / size)
  const options = await topicOf(2, fit, size)
  const newest = keysOf(await newestRecords(options, 1_000))
  expect(newest).toHaveLength(fit)
  expect(newest.slice(0, 3)).toEqual([fit - 1, fit - 1, fit - 2].map(String))
  // The one that goes beyond is the last.
  expect(await readUpTo(options, 'earliest', 1_000)).toHaveLength(fit + 1)
}, 120_000)

test('a reader that names a partition a thousand times where it stopped gets one reader', async () => {
  const options = await topicOf(1, 3, 10)
  const opened = vi.spyOn(kafka, 'reader')
  for await (const { event } of tailTopic(options, Array.from({ length: 1_000 }, () => '0:1').join(','))) {
    expect(event).toBe('records')
    break
  }
  expect(opened).toHaveBeenCalledTimes(1)
}, 120_000)
