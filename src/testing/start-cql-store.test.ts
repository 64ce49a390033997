import { Client, policies, types } from 'cassandra-driver'
import { expect, test } from 'vitest'
import { startCqlStore, type TestCqlStore } from './index.ts'

const schema = [
  `CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  'CREATE TABLE shop.orders (id text PRIMARY KEY, total int)',
]
const insert = 'INSERT INTO shop.orders (id, total) VALUES (?, ?)'

/** Does something with the npm driver, connected. */
async function withDriver<T>(store: TestCqlStore, act: (client: Client) => Promise<T>): Promise<T> {
  const { contactPoint, localDataCenter } = store
  const client = new Client({
    contactPoints: [contactPoint],
    localDataCenter,
    policies: { reconnection: new policies.reconnection.ConstantReconnectionPolicy(10) },
  })
  try {
    await client.connect()
    return await act(client)
  } finally {
    await client.shutdown()
  }
}

const put = (client: Client, id: string, isIdempotent = false) => client.execute(insert, [id, 7], { prepare: true, isIdempotent })

test('what a driver writes is read, and the other way round', async () => {
  await using store = await startCqlStore({ schema })
  await withDriver(store, async (client) => {
    await put(client, 'a')
    expect(await store.rows('SELECT * FROM shop.orders')).toEqual([{ id: 'a', total: 7 }])
    await store.rows('UPDATE shop.orders SET total = ? WHERE id = ?', [8, 'a'])
    const { rows } = await client.execute('SELECT total FROM shop.orders')
    expect(rows.map((row) => Number(row.get('total')))).toEqual([8])
  })
})

const { responseErrorCodes: codes } = types

test.each([
  ['OVERLOADED', codes.overloaded],
  ['UNAVAILABLE', codes.unavailableException],
  ['WRITE_TIMEOUT', codes.writeTimeout],
  ['WRITE_FAILURE', codes.writeFailure],
  ['INVALID', codes.invalid],
  ['SERVER_ERROR', codes.serverError],
] as const)('a driver is told %s, and nothing is written', async (error, code) => {
  await using store = await startCqlStore({ schema })
  await withDriver(store, async (client) => {
    store.failNext('EXECUTE', { error, times: 3 })
    const told: unknown = await put(client, 'a').then(() => 'written', innermost)
    expect(told).toMatchObject({ code })
    store.clearFailures()
    expect(await store.rows('SELECT * FROM shop.orders')).toEqual([])
  })
})

/** The server's own answer: the driver tells those after which it looks for another host in an error of its own. */
function innermost(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('innerErrors' in error)) return error
  return Object.values(error.innerErrors ?? {})[0]
}

test('a statement that is not known any more is prepared again by the driver', async () => {
  await using store = await startCqlStore({ schema })
  await withDriver(store, async (client) => {
    await put(client, 'a')
    store.failNext('EXECUTE', { error: 'UNPREPARED' })
    await put(client, 'b')
    expect(store.failuresLeft).toBe(0)
    expect(await store.rows('SELECT id FROM shop.orders')).toHaveLength(2)
  })
})

test('a failure of one statement lets the others pass; what drivers and the kit ask by themselves passes too', async () => {
  await using store = await startCqlStore({ schema })
  store.failNext('QUERY', { error: 'READ_TIMEOUT', statement: /total/, times: 2 })
  await withDriver(store, async (client) => {
    expect(await store.rows('SELECT total FROM shop.orders')).toEqual([])
    await client.execute('SELECT id FROM shop.orders')
    expect(store.failuresLeft).toBe(2)
    await expect(client.execute('SELECT total FROM shop.orders')).rejects.toMatchObject({ code: types.responseErrorCodes.readTimeout })
  })
})

test('a lost connection and a late answer reach the driver', async () => {
  await using store = await startCqlStore({ schema })
  await withDriver(store, async (client) => {
    store.failNext('EXECUTE', { disconnect: true })
    await expect(put(client, 'a')).rejects.toThrow()
    store.failNext('EXECUTE', { delayMs: 120 })
    const before = performance.now()
    await expect.poll(() => put(client, 'b', true).then(() => 'written', String)).toBe('written')
    expect(performance.now() - before).toBeGreaterThanOrEqual(119)
    expect(await store.rows('SELECT id FROM shop.orders')).toEqual([{ id: 'b' }])
  })
})

test('twenty stand beside each other', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await using store = await startCqlStore({ schema })
      await store.rows(insert, [`of ${i}`, i])
      return (await store.rows('SELECT id FROM shop.orders')).map(({ id }) => id)
    }),
  )
  expect(ids).toEqual(Array.from({ length: 20 }, (_, i) => [`of ${i}`]))
})
