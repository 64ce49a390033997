import { cassandraTable, schema, stream, topic } from 'millrace'
import { testStream } from 'millrace/testing'
import { expect, test } from 'vitest'
import { z } from 'zod'

const Order = schema('Order', { id: z.string(), total: z.number(), country: z.string().default('NO') })
const orders = topic('orders', { value: Order, key: 'id' })
const ordersTable = cassandraTable('shop', 'orders', { row: Order, partitionKey: ['id'] })

const loadOrders = stream('load_orders')
  .from(orders)
  .validate((order) => order.total >= 0, { name: 'not-negative' })
  .to(ordersTable)

test('an order becomes a row, a poisonous one a dead letter', async () => {
  await using run = await testStream(loadOrders)
  await run.push([{ value: { id: 'a', total: 12.5 } }, { value: { id: 'b', total: -1 } }, { raw: '{ no json' }])

  expect(run.rows()).toEqual([{ id: 'a', total: 12.5, country: 'NO' }])
  expect(run.deadLetters().map(({ reason, step }) => `${reason} at ${step}`)).toEqual(['validate at not-negative', 'decode at source'])
})

test('a table that is away loses nothing', async () => {
  await using run = await testStream(loadOrders)
  run.failSink(2)
  await run.push([{ value: { id: 'a', total: 1 } }])
  expect([run.rows().length, run.state.is]).toEqual([0, 'retrying'])

  await run.clock.advance(5_000)
  expect([run.rows().length, run.state.is]).toEqual([1, 'running'])
})
