import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileTail, generator, httpPoll, kafkaRecords, randomUser, schema, secret, topic, webhook, type BoundFlow } from 'millrace'
import { startKafka, type TestKafka } from 'millrace/testing'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { startRandomUserStandIn } from '../../src/connectors/index.ts'
import { listenTcp } from '../../src/platform/index.ts'
import { runFlow, type RunFlow } from '../harness/run-flow.ts'

const Order = schema('Order', { id: z.string(), total: z.number(), country: z.string().default('NO') })
const orders = topic('orders', { value: Order, key: 'id' })

const folder = mkdtempSync(join(tmpdir(), 'millrace-sources-'))
let kafka: TestKafka
beforeAll(async () => {
  kafka = await startKafka({ topics: [{ name: 'orders' }] })
})
afterAll(async () => {
  await kafka.close()
  rmSync(folder, { recursive: true })
})
afterEach(() => vi.unstubAllEnvs())

let read = 0
const run = (flow: BoundFlow, more: Partial<RunFlow> = {}) =>
  runFlow(flow, { bootstrapServers: kafka.bootstrapServers, projectDir: folder, ...more })
/** What came into the topic since the last time. */
async function orderRecords(): Promise<{ key: string | null; value: unknown }[]> {
  const all = await kafka.records('orders')
  const found = all.slice(read).map(({ key, text }): { key: string | null; value: unknown } => ({ key, value: JSON.parse(text ?? 'null') }))
  read = all.length
  return found
}

test('httpPoll', async () => {
  const pages = [[{ id: 'a', total: 1 }], [{ id: 'b', total: 2 }], []]
  const server = createServer((request, response) => {
    const page = Number(new URL(request.url ?? '/', 'http://api').searchParams.get('page'))
    const isKnown = request.headers.authorization === 'Bearer it is a secret'
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify({ data: pages[page - 1] ?? [] }))
  })
  const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(Object(server.address()).port)))
  vi.stubEnv('SHOP_API', `http://127.0.0.1:${String(port)}`)
  vi.stubEnv('SHOP_TOKEN', 'it is a secret')

  const pollOrders = () =>
    httpPoll<{ id: string; total: number }>({
      name: 'polled_orders',
      url: `${process.env['SHOP_API']}/orders`,
      every: '500ms',
      pages: 2,
      headers: { authorization: { env: 'SHOP_TOKEN', prefix: 'Bearer ' } },
      records: 'data',
      pagination: { is: 'page' },
      rateLimit: { requests: 60, per: '1m' },
    }).to(orders)

  await run(pollOrders())
  expect((await orderRecords()).map(({ key }) => key)).toEqual(['a', 'b'])
  await new Promise((resolve) => server.close(resolve).closeAllConnections())
})

test('randomUser', async () => {
  const people = topic('people', { value: schema('Person', { id: z.guid(), name: z.string() }), key: 'id' })
  await kafka.createTopic('people')
  await using standIn = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })

  const readPeople = () =>
    randomUser({ every: '100ms', pages: 3, results: 10, nat: ['NO'] })
      .map((user) => ({ id: user.login.uuid, name: `${user.name.first} ${user.name.last}` }))
      .to(people)

  expect(await run(readPeople(), { randomUserUrl: standIn.url })).toMatchObject({ pages: 3, produced: 30 })
})

test('generator', async () => {
  const makeOrders = () =>
    generator({
      name: 'made_orders',
      every: '10ms',
      pages: 5,
      records: 20,
      make: (n, random) => ({ id: `order-${n}`, total: random.between(1, 500), country: random.pick(['NO', 'SE', 'DK']) }),
    })
      .filter((order) => order.total > 10)
      .to(orders)

  const { fetched, produced } = await run(makeOrders())
  const records = await orderRecords()
  expect([fetched, records.length]).toEqual([100, produced])
})

test('fileTail', async () => {
  writeFileSync(join(folder, '2026-01.csv'), 'id,total,note\r\nc1,12.5,"two\r\nlines"\r\nc2,x,\r\nc3\r\n')

  const readFiles = () =>
    fileTail({
      name: 'order_files',
      path: '*.csv',
      format: 'csv',
      onBadLine: ({ file, line, text }) => ({ id: `${file}:${line}`, total: '0', note: text }),
    })
      .map((row) => ({ id: row['id'] ?? '', total: Number(row['total']) }))
      .filter((order) => !Number.isNaN(order.total))
      .to(orders)

  await run(readFiles())
  expect(await orderRecords()).toMatchObject([
    { key: 'c1', value: { total: 12.5 } },
    { key: '2026-01.csv:5', value: { total: 0 } },
  ])
})

test('kafkaRecords', async () => {
  await kafka.produce('legacy_orders', [
    { key: 'k1', value: { total: 7 } },
    { key: 'k2', value: null },
  ])

  const copyOrders = () =>
    kafkaRecords<{ total: number } | null>({ name: 'legacy_orders', topic: 'legacy_orders', keys: 'text', values: 'json' })
      .filter((record) => record.value !== null)
      .map(({ key, value, timestamp }) => ({ id: key ?? `at ${timestamp}`, total: value?.total ?? 0 }))
      .to(orders)

  await run(copyOrders())
  expect(await orderRecords()).toEqual([{ key: 'k1', value: { id: 'k1', total: 7, country: 'NO' } }])
})

test('webhook', async () => {
  const free = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => {} })
  await free.close()
  vi.stubEnv('WEBHOOK_PORT', String(free.port))
  vi.stubEnv('WEBHOOK_TOKEN', 'it is a secret')

  const takeOrders = () =>
    webhook<{ delivery: string; total: number }>({
      name: 'sent_orders',
      port: Number(process.env['WEBHOOK_PORT'] ?? 8090),
      path: '/orders',
      for: '1h',
      credentials: { token: secret.env('WEBHOOK_TOKEN') },
      idempotency: { header: 'Idempotency-Key', field: 'delivery' },
    })
      .map(({ delivery, total }) => ({ id: delivery, total }))
      .to(orders)

  const stop = new AbortController()
  const listening = Promise.withResolvers<void>()
  const ended = run(takeOrders(), { signal: stop.signal, onLine: (line) => line.startsWith('listens at') && listening.resolve() })
  await listening.promise
  const send = async (key: string, body: unknown) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer it is a secret', 'idempotency-key': key }
    return (await fetch(`http://127.0.0.1:${free.port}/orders`, { method: 'POST', headers, body: JSON.stringify(body) })).status
  }
  // The second is the first again, of a sender that does not know whether it was heard.
  expect([await send('w1', { total: 3 }), await send('w1', { total: 3 }), await send('w2', { total: 'much' })]).toEqual([200, 200, 422])
  expect((await orderRecords()).map(({ key }) => key)).toEqual(['w1'])
  stop.abort()
  await expect(ended).rejects.toMatchObject({ code: 'CANCELLED' })
})
