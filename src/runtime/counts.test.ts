import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { names } from '../core/index.ts'
import { connectKafka } from '../kafka-client/index.ts'
import { silentLogger } from '../platform/index.ts'
import { createClients } from './clients.ts'
import { createObserver } from './counts.ts'

test('records fetched are counted again after the broker was away', { timeout: 60_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-counts-'))
  const listen = (port: number): ReturnType<typeof startBroker> => startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port }] })
  let broker = await listen(0)
  const { port } = broker.listeners[0] ?? { port: 0 }
  const kafka = { bootstrapServers: [`127.0.0.1:${port}`] }
  const cassandra = { contactPoints: ['127.0.0.1:1'], localDataCenter: 'datacenter1', consistency: 'ONE' } as const
  await using clients = createClients(
    { kafka, cassandra: { ...cassandra, contactPoints: [...cassandra.contactPoints] } },
    { owner: dataDir, onLine: () => undefined },
  )
  const observer = createObserver('p', clients, silentLogger)
  try {
    expect(await observer.fetched()).toBe(0)
    await using client = await connectKafka({ ...kafka, clientId: 'test' })
    const topic = names.cursors('p')
    await client.admin.createTopics([{ name: topic, partitions: 1 }])
    await client.producer().send([{ topic, key: 'random_user', value: JSON.stringify({ v: 1, cursor: { page: 8 }, fetched: 7 }) }])
    expect(await Promise.all([observer.fetched(), observer.fetched()])).toEqual([7, 7])
    await broker.close()
    expect(await observer.fetched()).toBeNull()
    broker = await listen(port)
    await vi.waitFor(async () => expect(await observer.fetched()).toBe(7), { timeout: 30_000, interval: 50 })
  } finally {
    await observer.close()
    await broker.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
