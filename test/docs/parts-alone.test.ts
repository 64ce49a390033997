import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from 'millrace/broker'
import { startCqlStore } from 'millrace/cql-store'
import { startRegistry } from 'millrace/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-alone-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('docs/broker.md', async () => {
  await using broker = await startBroker({
    dataDir: join(folder, 'kafka'),
    listeners: [{ host: '127.0.0.1', port: 0 }],
    config: { 'offsets.retention.minutes': '1440' },
  })
  console.log(`Kafka clients connect to ${broker.address}`)
  expect(broker.address).toMatch(/^127\.0\.0\.1:\d+$/)
})

test('docs/cql-store.md', async () => {
  await using store = await startCqlStore({ dataDir: join(folder, 'tables'), host: '127.0.0.1', port: 0 })
  console.log(`Cassandra drivers connect to ${store.address}, data centre datacenter1`)
  expect(store.address).toMatch(/^127\.0\.0\.1:\d+$/)
})

test('docs/registry.md', async () => {
  await using broker = await startBroker({ dataDir: join(folder, 'schemas'), listeners: [{ host: '127.0.0.1', port: 0 }] })
  await using registry = await startRegistry({
    host: '127.0.0.1',
    port: 0,
    kafka: { bootstrapServers: [broker.address], clientId: 'registry' },
  })
  const response = await fetch(`${registry.address}/subjects`)
  expect(await response.json()).toEqual([])
})
