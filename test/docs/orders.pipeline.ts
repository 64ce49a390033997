import { cassandraTable, schema, topic } from 'millrace'
import { z } from 'zod'

const Order = schema('Order', {
  id: z.string(),
  customer: z.string(),
  email: z.email().meta({ pii: true }),
  total: z.number().positive(),
  country: z.string().default('NO'),
})
export const orders = topic('orders', { value: Order, key: 'id', partitions: 6 })
export const invoices = topic('invoices', { value: Order, key: 'id' })
export const ordersByCustomer = cassandraTable('shop', 'orders_by_customer', {
  row: Order,
  partitionKey: ['customer'],
  clusteringKey: ['id'],
})
