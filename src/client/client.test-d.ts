import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { cassandraTable, schema, topic } from '../authoring/index.ts'
import { connect, type ConsumeContext, type Produced } from './index.ts'

const User = schema('User', { id: z.guid(), visits: z.int32().default(0), note: z.string().nullable() })
const users = topic('users', { value: User, key: 'id' })
const table = cassandraTable('app', 'visits', { row: User, partitionKey: ['id'], clusteringKey: [{ column: 'visits', order: 'desc' }] })
const flat = cassandraTable('app', 'users', { row: User, partitionKey: ['id'] })

await using millrace = await connect({ project: 'shop', kafka: { bootstrapServers: ['k:9092'], tls: true } })

// Producers give the schema's input, one value or several.
expectTypeOf(await millrace.produce(users, { id: 'x', note: null })).toEqualTypeOf<Produced>()
expectTypeOf(await millrace.produce(users, [{ id: 'x', note: null, visits: 1 }])).toEqualTypeOf<Produced[]>()
expectTypeOf(
  await millrace.transaction(async (tx) => {
    void tx.produce(users, { id: 'x', note: null })
    return 5
  }),
).toEqualTypeOf<number>()

// Handlers get its output.
millrace.consume(users, { group: 'mailer', backoff: '1s' }, (user, ctx) => {
  expectTypeOf(user).toEqualTypeOf<{ id: string; visits: number; note: string | null }>()
  expectTypeOf(ctx).toEqualTypeOf<ConsumeContext>()
})

// Rows are read by the columns of their key, and by no others.
type Row = { id: string; visits: number; note: string | null }
expectTypeOf(await millrace.get(table, { id: 'x', visits: 1 })).toEqualTypeOf<Row | null>()
expectTypeOf(await millrace.get(flat, { id: 'x' }, { consistency: 'LOCAL_ONE' })).toEqualTypeOf<Row | null>()
expectTypeOf(await millrace.all(table, { id: 'x' }, { limit: 5 })).toEqualTypeOf<Row[]>()
