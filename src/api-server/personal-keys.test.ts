import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Field, Project } from '../core/index.ts'
import { connectCassandra, type CassandraSession } from '../cql-client/index.ts'
import { startCqlStore, type TestCqlStore } from '../testing/index.ts'
import type { Role } from './access/roles.ts'
import { startScriptedApi, type ScriptedApi } from './testing/scripted-api.ts'

const email: Field = { name: 'email', type: { is: 'text' }, nullable: false, pii: true }
const city: Field = { name: 'city', type: { is: 'text' }, nullable: false }
/** The personal field is the key, of the topic and of the table. */
const project: Project = {
  name: 'users',
  schemas: [{ name: 'User', fields: [email, city] }],
  topics: [{ name: 'users', schema: 'User', key: ['email'], partitions: 1, configs: {} }],
  tables: [
    { kind: 'cassandra', keyspace: 'k', name: 'users', schema: 'User', columns: [email, city], partitionKey: ['email'], clusteringKey: [] },
  ],
  streams: [
    {
      name: 'load',
      nodes: [
        { is: 'source', id: 'in', topic: 'users', startingOffsets: 'earliest' },
        { is: 'sink', id: 'out', table: 'k.users', autoCreate: false, autoEvolve: 'off' },
      ],
      edges: [],
      deadLetterLimit: { window: 100, ratio: 1, atLeast: 100 },
      commitIntervalMs: 1_000,
      at: null,
      fn: { module: '', export: '', node: '', digest: '' },
    },
  ],
  dags: [],
}

let store: TestCqlStore
let session: CassandraSession
let api: ScriptedApi

beforeAll(async () => {
  store = await startCqlStore()
  session = await connectCassandra({
    contactPoints: [store.contactPoint],
    localDataCenter: store.localDataCenter,
    consistency: 'LOCAL_ONE',
  })
  await session.changeSchema("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await session.changeSchema('CREATE TABLE k.users (email text PRIMARY KEY, city text)')
  await session.query("INSERT INTO k.users (email, city) VALUES ('a@b.example', 'Rome')")
  api = await startScriptedApi()
  api.state.project = project
  api.state.cassandra = () => Promise.resolve(session)
}, 120_000)
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await session.close()
  await store.close()
})

async function asked(role: Role, path: string): Promise<unknown> {
  const { cookie } = await api.signIn(role)
  return (await fetch(`${api.url}/api/v1${path}`, { headers: { cookie } })).json()
}

test('a viewer who knows an address does not learn whose the other columns are', async () => {
  const byKey = `/tables/k/users/rows?key=${encodeURIComponent('["a@b.example"]')}`
  expect(await asked('viewer', '/tables/k/users/rows')).toMatchObject({ rows: [{ email: '•••', city: 'Rome' }] })
  expect(await asked('viewer', byKey)).toMatchObject({ code: 'FORBIDDEN' })
  expect(await asked('viewer', '/follow?key=a@b.example')).toMatchObject([
    { topic: 'users', found: 0, versions: [], row: null, rowError: expect.stringContaining('The key of users is personal') },
  ])
  expect(await asked('operator', byKey)).toMatchObject({ rows: [{ email: 'a@b.example', city: 'Rome' }] })
})

test('keyspaces of Cassandra, which have statements in them, are for operators', async () => {
  expect(await asked('viewer', '/tables/system/local/rows')).toMatchObject({ code: 'FORBIDDEN' })
  expect(await asked('operator', '/tables/system/local/rows')).toMatchObject({ rows: [{ key: 'local' }] })
})
