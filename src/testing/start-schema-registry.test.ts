import { expect, test } from 'vitest'
import { startKafka, startSchemaRegistry } from './index.ts'

const schema = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] })

async function register(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}/subjects/orders-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('schemas are registered and got by id; they lie in a Kafka of its own, or in one that is given', async () => {
  await using kafka = await startKafka()
  await using registry = await startSchemaRegistry({ kafka })
  expect(await register(registry.url)).toEqual({ status: 200, body: { id: 1 } })
  const found = await fetch(`${registry.url}/schemas/ids/1`)
  expect(await found.json()).toMatchObject({ schema })
  expect((await kafka.records('_schemas')).some(({ text }) => text?.includes('Order'))).toBe(true)
  await using alone = await startSchemaRegistry()
  expect(await (await fetch(`${alone.url}/subjects`)).json()).toEqual([])
  expect(alone.kafka.bootstrapServers).not.toBe(kafka.bootstrapServers)
})

test('the next request of a kind fails as asked, and those after it are answered', async () => {
  await using registry = await startSchemaRegistry()
  registry.failNext('POST', { status: 503, errorCode: 50003, message: 'the leader moved', times: 2 })
  expect((await fetch(`${registry.url}/subjects`)).status).toBe(200)
  expect(await register(registry.url)).toEqual({ status: 503, body: { error_code: 50003, message: 'the leader moved' } })
  expect((await register(registry.url)).status).toBe(503)
  expect(registry.failuresLeft).toBe(0)
  expect((await register(registry.url)).status).toBe(200)
})

test('one path, a lost connection, a late answer', async () => {
  await using registry = await startSchemaRegistry()
  registry.failNext('GET', { disconnect: true, path: '/subjects' })
  expect((await fetch(`${registry.url}/config`)).status).toBe(200)
  await expect(fetch(`${registry.url}/subjects`)).rejects.toThrow()
  registry.failNext('GET', { delayMs: 120 })
  const before = performance.now()
  expect((await fetch(`${registry.url}/subjects`)).status).toBe(200)
  expect(performance.now() - before).toBeGreaterThanOrEqual(119)
  registry.failNext('GET', { status: 500 })
  registry.clearFailures()
  expect((await fetch(`${registry.url}/subjects`)).status).toBe(200)
})

test('twenty stand beside each other', { timeout: 60_000 }, async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await using registry = await startSchemaRegistry()
      return await register(registry.url)
    }),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
})
