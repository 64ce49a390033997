import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connect, RecordInvalidError } from 'millrace/client'
import { startCqlStore, startKafka, startSchemaRegistry, type TestCqlStore, type TestKafka } from 'millrace/testing'
import { invoices, orders, ordersByCustomer } from './orders.pipeline.ts'

/** What a service finds by `connect()` alone. */
let kafka: TestKafka
let store: TestCqlStore
let registry: Awaited<ReturnType<typeof startSchemaRegistry>>
let dataDir: string

beforeAll(async () => {
  kafka = await startKafka({ autoCreateTopics: false })
  registry = await startSchemaRegistry({ kafka })
  store = await startCqlStore({
    schema: [
      "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      'CREATE TABLE shop.orders_by_customer (customer text, id text, email text, total double, country text, PRIMARY KEY ((customer), id))',
      "INSERT INTO shop.orders_by_customer (customer, id, email, total, country) VALUES ('ada', 'o-1', 'ada@example.org', 12.5, 'NO')",
    ],
  })
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-docs-client-'))
  vi.stubEnv('MILLRACE_DATA_DIR', dataDir)
  vi.stubEnv('MILLRACE_KAFKA_BOOTSTRAP_SERVERS', kafka.bootstrapServers)
  vi.stubEnv('MILLRACE_REGISTRY_URL', registry.url)
  vi.stubEnv('MILLRACE_CASSANDRA_CONTACT_POINTS', store.contactPoint)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await store.close()
  await registry.close()
  await kafka.close()
  rmSync(dataDir, { recursive: true, force: true })
})

test('a service produces, consumes and reads rows by the definitions of a pipeline', async () => {
  await using millrace = await connect()
  const order = { id: 'o-1', customer: 'ada', email: 'ada@example.org', total: 12.5 }
  const { topic, partition, offset } = await millrace.produce(orders, order, { headers: { from: 'web shop' } })
  console.log(`${topic}/${partition} ${offset}`)

  expect(await kafka.records('orders')).toMatchObject([{ key: 'o-1', partition, offset, headers: { from: 'web shop' } }])

  const answer = await millrace
    .produce(orders, { id: 'o-2', customer: 'bob', email: 'bob', total: -1 })
    .catch((error: unknown) => (error instanceof RecordInvalidError ? { status: 400, problems: error.problems } : Promise.reject(error)))

  expect(answer).toMatchObject({
    status: 400,
    problems: [
      { index: 0, path: 'email' },
      { index: 0, path: 'total' },
    ],
  })

  await millrace.transaction(async (tx) => {
    await tx.produce(orders, { ...order, id: 'o-3' })
    await tx.produce(invoices, { ...order, id: 'o-3' })
  })

  await vi.waitFor(async () => expect((await kafka.records('invoices')).map(({ key }) => key)).toEqual(['o-3']))

  const mails: string[] = []
  const send = async (to: string, text: string, { signal }: { signal: AbortSignal }): Promise<void> => {
    signal.throwIfAborted()
    mails.push(`${to}: ${text}`)
  }
  const mailer = millrace.consume(orders, { group: 'mailer', retries: 3, timeout: '30s', deadLetters: true }, async (order, ctx) => {
    await send(order.email, `Order ${order.id} over ${order.total}`, { signal: ctx.signal })
  })
  await vi.waitFor(() => expect(mailer.counts).toEqual({ handled: 2, deadLetters: 0 }), { timeout: 30_000 })
  expect(mails.toSorted()).toEqual(['ada@example.org: Order o-1 over 12.5', 'ada@example.org: Order o-3 over 12.5'])

  const found = await millrace.get(ordersByCustomer, { customer: 'ada', id: 'o-1' })
  const newest = await millrace.all(ordersByCustomer, { customer: 'ada' }, { limit: 10, consistency: 'LOCAL_ONE' })

  expect([found, newest]).toEqual([{ ...order, country: 'NO' }, [{ ...order, country: 'NO' }]])

  setImmediate(() => void process.emit('SIGTERM'))
  process.once('SIGTERM', () => void millrace.close())
  await mailer.done
})
