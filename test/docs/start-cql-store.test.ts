import { Client } from 'cassandra-driver'
import { startCqlStore } from 'millrace/testing'
import { expect, test } from 'vitest'

test('an order is written although the store is busy once', async () => {
  await using store = await startCqlStore({
    schema: [
      `CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      'CREATE TABLE shop.orders (id text PRIMARY KEY, total int)',
    ],
  })
  const client = new Client({ contactPoints: [store.contactPoint], localDataCenter: store.localDataCenter })
  await client.connect()

  store.failNext('EXECUTE', { error: 'OVERLOADED', statement: 'shop.orders' })
  const put = () => client.execute('INSERT INTO shop.orders (id, total) VALUES (?, ?)', ['a', 7], { prepare: true })
  await expect(put()).rejects.toThrow('OVERLOADED')
  await put()
  await client.shutdown()

  expect(await store.rows('SELECT * FROM shop.orders')).toEqual([{ id: 'a', total: 7 }])
})
