import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { decodeWithoutSchema, type DeadLetterPorts } from '../api-server/index.ts'
import { startBroker } from '../broker/index.ts'
import { names, type Project } from '../core/index.ts'
import { connectKafka, type KafkaClient, type OutgoingRecord } from '../kafka-client/index.ts'
import { Releasers } from '../platform/index.ts'
import { createDeadLetters } from './dead-letters.ts'

const releasers = new Releasers()
let kafka: KafkaClient
/** Records that readers of the client were given. */
let recordsRead = 0
let streams = 0
let stream: string
let topic: string
let letters: DeadLetterPorts
let keeping: (most: number) => DeadLetterPorts

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-letters-'))
  releasers.add('folder', () => rmSync(dataDir, { recursive: true, force: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  releasers.add('broker', () => broker.close())
  kafka = counting(await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' }))
  releasers.add('client', () => kafka.close())
})
afterAll(() => releasers.close())

beforeEach(async () => {
  stream = `load${streams++}`
  topic = names.deadLetters('shop', stream)
  await kafka.admin.createTopics([topic, names.retry('shop', stream)].map((name) => ({ name, partitions: 1 })))
  const project: Project = { name: 'shop', schemas: [], topics: [], tables: [], streams: [topologyOf(stream)], dags: [] }
  const values = { makeReadyFor: () => Promise.resolve(), decode: decodeWithoutSchema, encode: () => Promise.resolve(new Uint8Array()) }
  const systems = { kafka: () => Promise.resolve(kafka), cassandra: () => Promise.reject(new Error('none')), values }
  letters = createDeadLetters(systems, () => project)
  keeping = (most) => createDeadLetters(systems, () => project, most)
})

function topologyOf(name: string): Project['streams'][number] {
  return {
    name,
    nodes: [{ id: 'source', is: 'source', topic: 'users', startingOffsets: 'earliest' }],
    edges: [],
    deadLetterLimit: { window: 100, ratio: 1, atLeast: 100 },
    commitIntervalMs: 1_000,
    at: null,
    fn: { module: '', export: '', node: '', digest: '' },
  }
}

function counting(client: KafkaClient): KafkaClient {
  const inner = client.reader.bind(client)
  return Object.assign(client, {
    reader: (options: Parameters<KafkaClient['reader']>[0]) => {
      const reader = inner(options)
      const poll = reader.poll.bind(reader)
      return Object.assign(reader, {
        poll: async (asked?: Parameters<typeof poll>[0]) => {
          const batches = await poll(asked)
          recordsRead += batches.reduce((sum, { count }) => sum + count, 0)
          return batches
        },
      })
    },
  })
}

async function produce(from: number, count: number): Promise<void> {
  await using producer = kafka.producer()
  const header = (key: string, text: string): { key: string; value: Buffer } => ({ key, value: Buffer.from(text) })
  for (let at = from; at < from + count; at += 5_000) {
    const some = Array.from({ length: Math.min(5_000, from + count - at) }, (_, i): OutgoingRecord => {
      const headers = [
        header('__connect.errors.topic', 'users'),
        header('__connect.errors.partition', '0'),
        header('__connect.errors.offset', String(at + i)),
        header('__connect.errors.stage', (at + i) % 100 === 0 ? 'decode' : 'validate'),
      ]
      return { topic, key: `k${at + i}`, value: `poison ${at + i}`, headers }
    })
    await producer.send(some)
  }
}

/** What listing it gives, and how many records were read for that. */
async function list(query: Partial<Parameters<DeadLetterPorts['list']>[1]> = {}): Promise<{ ids: string[]; open: number; read: number }> {
  const before = recordsRead
  const page = await letters.list(stream, { limit: 3, state: 'open', ...query })
  return { ids: page.letters.map(({ id }) => id), open: page.counts.open, read: recordsRead - before }
}

const asked = { by: 'ann', signal: new AbortController().signal }

test('of 100,000 dead letters a second listing reads only what is new', { timeout: 60_000 }, async () => {
  await produce(0, 100_000)
  expect(await list()).toEqual({ ids: ['0:99999', '0:99998', '0:99997'], open: 100_000, read: 100_000 })
  expect(await list()).toEqual({ ids: ['0:99999', '0:99998', '0:99997'], open: 100_000, read: 0 })
  await produce(100_000, 2)
  expect(await list()).toEqual({ ids: ['0:100001', '0:100000', '0:99999'], open: 100_002, read: 2 })
  // Older ones are read where they stand.
  const older = await list({ before: '0:42', reason: 'decode' })
  expect(older).toMatchObject({ ids: ['0:0'], open: 100_002 })
  expect(older.read).toBeLessThan(10_000)
  expect(await letters.one(stream, '0:42')).toMatchObject({ key: 'k42', value: 'poison 42', state: 'open' })
})

test('what became of a letter is told by the next listing', async () => {
  await produce(0, 4)
  expect((await list()).ids).toEqual(['0:3', '0:2', '0:1'])
  await letters.discard(stream, ['0:3'], asked)
  await letters.replay(stream, { ids: ['0:2'], values: new Map([['0:2', 'mended']]), as: 'text' }, asked)
  expect(await list()).toMatchObject({ ids: ['0:1', '0:0'], open: 2 })
  const all = await letters.list(stream, { limit: 10 })
  expect(all.letters.map(({ id, state, settled }) => [id, state, settled?.by])).toEqual([
    ['0:3', 'discarded', 'ann'],
    ['0:2', 'replayed', 'ann'],
    ['0:1', 'open', undefined],
    ['0:0', 'open', undefined],
  ])
  expect(await letters.one(stream, '0:2')).toMatchObject({ state: 'replayed', landed: 'waiting' })
})

test('listings at once give the same, each as of when it was asked', async () => {
  await produce(0, 3)
  const settled = letters.discard(stream, ['0:0'], asked)
  const [one, other] = await Promise.all([list(), list(), settled])
  expect(one.ids.slice(0, 2)).toEqual(other.ids.slice(0, 2))
  expect(await list()).toMatchObject({ ids: ['0:2', '0:1'], open: 2 })
})

test('letters that were deleted are listed no more', async () => {
  await produce(0, 10)
  await list()
  await kafka.admin.deleteRecords([{ topic, partition: 0, offset: 8n }])
  expect(await list()).toMatchObject({ ids: ['0:9', '0:8'], open: 2 })
  expect(await letters.one(stream, '0:3')).toBeNull()
})

test('a topic that was made anew is read anew, and one that is gone has none', async () => {
  await produce(0, 3)
  await list()
  await kafka.admin.deleteTopics([topic])
  expect(await list()).toMatchObject({ ids: [], open: 0 })
  await kafka.admin.createTopics([{ name: topic, partitions: 1 }])
  await produce(500, 5)
  const { letters: found } = await letters.list(stream, { limit: 2 })
  expect(found.map(({ id, key }) => `${id} ${key}`)).toEqual(['0:4 k504', '0:3 k503'])
})

test('of more letters than may be kept none are, and the answers are the same', async () => {
  await produce(0, 4)
  const kept = await list()
  letters = keeping(3)
  expect(await list()).toEqual({ ...kept, read: 4 })
  expect(await list()).toEqual({ ...kept, read: 4 })
})
