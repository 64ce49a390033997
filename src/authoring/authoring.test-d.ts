import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  cassandraTable,
  dag,
  defineConfig,
  fileTail,
  generator,
  kafkaRecords,
  randomUser,
  schema,
  secret,
  stream,
  topic,
  type InputOf,
  type OutputOf,
  type RandomUser,
  type SecretReference,
} from './index.ts'

const User = schema('User', { id: z.guid(), visits: z.int32().default(0), note: z.string().nullable() })
const users = topic('users', { value: User, key: 'id' })
const table = cassandraTable('app', 'users', { row: User, partitionKey: ['id'] })

// Producers take the schema's input type, handlers its output.
expectTypeOf<InputOf<typeof User.shape>>().toEqualTypeOf<{ id: string; visits?: number | undefined; note: string | null }>()
expectTypeOf<OutputOf<typeof User.shape>>().toEqualTypeOf<{ id: string; visits: number; note: string | null }>()

randomUser({ every: '1s', for: '60s' })
  .map((user) => {
    expectTypeOf(user).toEqualTypeOf<RandomUser>()
    return { id: user.login.uuid, note: null }
  })
  .to(users)

stream('load')
  .from(users)
  .filter((user) => user.visits > 0)
  .map(async (user) => ({ ...user, visits: user.visits + 1 }))
  .to(table)

const d = dag('d', { schedule: '@daily' })
const fetched = d.task('fetch', () =>
  randomUser({ every: '1s' })
    .map((user) => ({ id: user.login.uuid, note: null }))
    .to(users),
)
const report = d.task('report', (_ctx, flow: { produced: number }) => `${flow.produced} users`)
expectTypeOf(report(fetched()).result).toEqualTypeOf<string | undefined>()

// A config refers to its secrets; a password by itself is a text too.
expectTypeOf(secret.env('KAFKA_PASSWORD')).toExtend<SecretReference>()
defineConfig({
  name: 'users',
  kafka: {
    bootstrapServers: ['k:9092'],
    tls: { ca: secret.file('./ca.pem') },
    sasl: { mechanism: 'OAUTHBEARER', token: async () => ({ value: 't', expiresAtMs: 1 }), extensions: { a: 'b' } },
  },
  cassandra: { contactPoints: ['c'], tls: true, credentials: { username: 'u', password: secret.env('P') }, readConsistency: 'LOCAL_ONE' },
  metadata: { url: secret.env('METADATA_URL') },
})

// What a source gives is what its author says, or what the source makes.
generator({ name: 'made', make: (n, random) => ({ id: random.uuid(), visits: n, note: null }) }).to(users)
kafkaRecords<{ id: string }>({ name: 'read', topic: 'old' }).map((record) => {
  expectTypeOf(record.value).toEqualTypeOf<{ id: string }>()
  expectTypeOf(record.key).toEqualTypeOf<string | null>()
  return { id: record.value.id, note: null }
})
fileTail({ name: 'rows', path: '*.csv', format: 'csv' }).map((row) => {
  expectTypeOf(row).toEqualTypeOf<Record<string, string | null>>()
  return row
})
fileTail<{ id: string }>({ name: 'lines', path: '*.ndjson', format: 'ndjson', onBadLine: ({ text }) => ({ id: text }) })
