import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from '../../broker/index.ts'
import { bytesAt, type LoadedFlow } from '../../core/index.ts'
import { connectKafka, type KafkaClient } from '../../kafka-client/index.ts'
import { Releasers } from '../../platform/index.ts'
import { atPath } from '../http/json-path.ts'
import { randomUserSpec } from '../random-user/spec.ts'
import { startRandomUserStandIn } from '../random-user/stand-in/start.ts'
import { runSource } from './run-source.ts'

const parts = new Releasers()
let kafka: KafkaClient
let url = ''

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-source-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  parts.add('broker', () => broker.close())
  kafka = await connectKafka({ bootstrapServers: [`127.0.0.1:${broker.listeners[0]?.port}`], clientId: 'source-test' })
  parts.add('kafka', () => kafka.close())
  const standIn = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  parts.add('stand-in', () => standIn.close())
  url = standIn.url
})
afterAll(() => parts.close())

function flowInto(topic: string): LoadedFlow {
  return {
    source: randomUserSpec({ name: topic, every: '1ms', pages: 3, results: 100 }),
    sourceFunctions: {},
    steps: [{ is: 'map', fn: (user) => ({ id: atPath(user, 'login.uuid'), email: atPath(user, 'email') }) }],
    topic: { name: topic, schema: 'User', key: ['id'], partitions: 3, format: 'json', configs: {} },
    parse: (value) => ({ ok: true, value }),
  }
}

function run(topic: string, signal: AbortSignal, progress: () => void = () => {}) {
  return runSource({
    flow: flowInto(topic),
    project: 'demo',
    endpoints: { kafka: { bootstrapServers: [] }, registry: null, randomUser: { url, is: 'local', why: 'a test', seed: 's' } },
    connectKafka: () => Promise.resolve(kafka),
    run: { dagId: 'users', runId: 'run-1', attempt: 1 },
    kafka,
    signal,
    log: () => {},
    progress,
  })
}

async function keysIn(topic: string): Promise<string[]> {
  const reader = kafka.reader({ topic, from: 'earliest', maxWaitMs: 50 })
  const keys: string[] = []
  while (!reader.atEnd()) {
    for (const batch of await reader.poll()) {
      for (let i = 0; i < batch.count; i++) keys.push(Buffer.from(bytesAt(batch, batch.keyAt, i) ?? []).toString())
    }
  }
  await reader.close()
  return keys
}

test('on a real broker two runs give six pages of different users, and the cursor is found again', async () => {
  await kafka.admin.createTopics([{ name: 'users', partitions: 3 }])
  const signal = new AbortController().signal
  expect(await run('users', signal)).toEqual({ pages: 3, fetched: 300, produced: 300, filtered: 0 })
  await run('users', signal)
  const keys = await keysIn('users')
  expect(keys).toHaveLength(600)
  expect(new Set(keys).size).toBe(600)
})

test('a run that is stopped leaves a cursor from which the next goes on without a gap', async () => {
  await kafka.admin.createTopics([{ name: 'stopped', partitions: 3 }])
  const stop = new AbortController()
  await expect(run('stopped', stop.signal, () => stop.abort())).rejects.toMatchObject({ code: 'CANCELLED' })
  await run('stopped', new AbortController().signal)
  expect(new Set(await keysIn('stopped')).size).toBe(400)
})
