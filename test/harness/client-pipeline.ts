import { z } from 'zod'
import { cassandraTable, schema, topic } from '../../src/authoring/index.ts'

/** What the suite of `millrace/client` writes and reads, as a project's pipeline file defines it. */
export const User = schema('User', {
  id: z.string().min(1),
  version: z.int32(),
  email: z.email().meta({ pii: true }),
  visits: z.bigint().default(0n),
  note: z.string().optional(),
  at: z.iso.datetime().optional(),
})

export const users = topic('users', { value: User, key: 'id', partitions: 3 })

const Order = schema('Order', { id: z.string(), total: z.number() })
export const orders = topic('orders', { value: Order, key: 'id', format: 'json', partitions: 2 })
export const audits = topic('audits', { value: Order, format: 'json' })

const Visit = schema('Visit', {
  who: z.string(),
  day: z.iso.date(),
  at: z.iso.datetime(),
  price: z.string().meta({ decimal: { precision: 9, scale: 2 } }),
  count: z.bigint(),
  ratio: z.number(),
  picture: z.base64(),
  tags: z.array(z.string()),
  seen: z.record(z.string(), z.int32()),
  kind: z.enum(['web', 'app']),
  note: z.string().nullable(),
  hint: z.string().optional(),
})
export const visits = cassandraTable('client_suite', 'visits', {
  row: Visit,
  partitionKey: ['who', 'day'],
  clusteringKey: [{ column: 'at', order: 'desc' }],
})
