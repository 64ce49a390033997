import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { Releasers } from '../platform/index.ts'
import { connectKafka, type KafkaClient } from './client.ts'

const parts = new Releasers()
let kafka: KafkaClient

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-counter-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  parts.add('broker', () => broker.close())
  kafka = await connectKafka({ bootstrapServers: [`127.0.0.1:${broker.listeners[0]?.port}`], clientId: 'counter-test' })
  parts.add('kafka', () => kafka.close())
})
afterAll(() => parts.close())

const records = (topic: string, count: number) => Array.from({ length: count }, (_, i) => ({ topic, key: `k${i}`, value: 'v' }))

test('markers and aborted records are no records, wherever counting stopped before', async () => {
  await kafka.admin.createTopics([{ name: 't', partitions: 3 }])
  await using counter = kafka.recordCounter('t')
  const count = () => counter.count({ withinMs: 5_000 })
  expect(await count()).toEqual({ records: 0, isExact: true })
  await using writer = kafka.transactionalProducer({ transactionalId: 'x' })
  let expected = 0
  for (const [size, outcome] of [
    [10, 'commit'],
    [7, 'abort'],
    [1, 'commit'],
    [3, 'abort'],
    [20, 'commit'],
  ] as const) {
    await writer.begin()
    await writer.send(records('t', size))
    await writer[outcome]()
    if (outcome === 'commit') expected += size
    expect(await count()).toEqual({ records: expected, isExact: true })
  }
  await using plain = kafka.producer()
  await plain.send(records('t', 5))
  expect(await count()).toEqual({ records: expected + 5, isExact: true })
  await using fresh = kafka.recordCounter('t')
  expect(await fresh.count({ withinMs: 5_000 })).toEqual({ records: expected + 5, isExact: true })
})

test('what is too much to read counts by its offsets, and says so', async () => {
  await kafka.admin.createTopics([{ name: 'large', partitions: 1 }])
  await using writer = kafka.transactionalProducer({ transactionalId: 'y' })
  await writer.begin()
  await writer.send(records('large', 10))
  await writer.commit()
  await using counter = kafka.recordCounter('large')
  expect(await counter.count({ withinMs: 5_000, mostOffsets: 5 })).toEqual({ records: 11, isExact: false })
  expect(await counter.count({ withinMs: 5_000 })).toEqual({ records: 10, isExact: true })
})

test('a part of a partition is counted from its first offset to before its last, in the middle of batches too', async () => {
  await kafka.admin.createTopics([{ name: 'part', partitions: 1 }])
  await using writer = kafka.transactionalProducer({ transactionalId: 'z' })
  for (const outcome of ['commit', 'abort', 'commit'] as const) {
    await writer.begin()
    await writer.send(records('part', 10))
    await writer[outcome]()
  }
  await using counter = kafka.recordCounter('part')
  const range = (from: bigint, to: bigint) => ({ partition: 0, from, to })
  // Ten, a marker, ten aborted ones, a marker, ten, a marker.
  const ranges = [range(0n, 33n), range(3n, 7n), range(5n, 25n), range(11n, 22n), range(4n, 4n)]
  const counts = await counter.between(ranges, { withinMs: 5_000 })
  expect(counts.map((count) => count.records)).toEqual([20, 4, 8, 0, 0])
  expect(counts.every(({ isExact }) => isExact)).toBe(true)
  expect(await counter.between([range(0n, 33n)], { withinMs: 5_000, mostOffsets: 5 })).toEqual([{ records: 33, isExact: false }])
})
