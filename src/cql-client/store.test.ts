import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCqlStore, type CqlStoreHandle } from '../cql-store/index.ts'
import { connectCassandra, type CassandraSession, type RowWriter } from './index.ts'

let folder = ''
let store: CqlStoreHandle
let session: CassandraSession
const never = new AbortController().signal
const columns = [
  { name: 'id', type: { is: 'uuid' } },
  { name: 'name', type: { is: 'text' } },
] as const

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cql-client-'))
  store = await startCqlStore({ dataDir: folder, host: '127.0.0.1', port: 0 })
  session = await connectCassandra({ contactPoints: [store.address], localDataCenter: 'datacenter1' })
  await session.changeSchema("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await session.changeSchema('CREATE TABLE ks.users (id uuid PRIMARY KEY, name text)')
})

afterAll(async () => {
  await session?.close()
  await store?.close()
  await rm(folder, { recursive: true, force: true })
})

function open(): Promise<RowWriter> {
  return session.writer({ keyspace: 'ks', table: 'users', columns })
}

test('the embedded store tells its tables as Cassandra does', async () => {
  expect(await session.keyspaces()).toContain('ks')
  expect(await session.table('ks', 'users')).toEqual({
    keyspace: 'ks',
    name: 'users',
    columns: [
      { name: 'id', type: 'uuid' },
      { name: 'name', type: 'text' },
    ],
    partitionKey: ['id'],
    clusteringKey: [],
  })
  expect(await session.table('ks', 'nix')).toBeNull()
})

test('rows written to the embedded store are read back by the npm driver, and an older write time does not win (P2)', async () => {
  const writer = await open()
  const rows = Array.from({ length: 3000 }, (_, i) => [randomUUID(), `user ${i}`])
  const result = await writer.write(rows, new BigInt64Array(rows.length).fill(2000n), never)
  expect(result.is === 'done' && result.outcomes.every(({ is }) => is === 'written')).toBe(true)
  const id = rows[0]?.[0] ?? ''
  await writer.write([[id, 'older']], BigInt64Array.of(1000n), never)
  const found = await session.query('SELECT name, writetime(name) FROM ks.users WHERE id = ?', { params: [id] })
  expect(found.rows).toEqual([{ name: 'user 0', 'writetime(name)': '2000' }])
  expect((await session.query('SELECT count(*) FROM ks.users')).rows).toEqual([{ count: '3000' }])
})

test('a row without a key is refused by the embedded store, the others are written', async () => {
  const writer = await open()
  const rows = [
    [null, 'nobody'],
    [randomUUID(), 'somebody'],
  ]
  expect(await writer.write(rows, BigInt64Array.of(1n, 2n), never)).toMatchObject({ outcomes: [{ is: 'refused' }, { is: 'written' }] })
})

test('a table dropped from the embedded store under a writer is NOT_FOUND, no row is blamed', async () => {
  await session.changeSchema('CREATE TABLE ks.gone (id uuid PRIMARY KEY, name text)')
  const writer = await session.writer({ keyspace: 'ks', table: 'gone', columns })
  await session.changeSchema('DROP TABLE ks.gone')
  expect(await writer.write([[randomUUID(), 'x']], BigInt64Array.of(1n), never)).toMatchObject({
    is: 'unavailable',
    error: { code: 'NOT_FOUND' },
  })
})
