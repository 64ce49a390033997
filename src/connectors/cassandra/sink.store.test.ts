import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectCassandra } from '../../cql-client/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../../cql-store/index.ts'
import type { Endpoints, Field, TableDef } from '../../core/index.ts'
import { Releasers } from '../../platform/index.ts'
import { sinkConformance, type SinkUnderTest } from '../conformance/sink.ts'
import { ensureTable } from './ensure-table.ts'
import { openCassandraSink } from './sink.ts'

const field = (name: string, type: Field['type'], nullable = false): Field => ({ name, type, nullable })
function tableNamed(name: string): TableDef {
  return {
    kind: 'cassandra',
    keyspace: 'sink_test',
    name,
    schema: 'User',
    columns: [
      field('id', { is: 'uuid' }),
      field('version', { is: 'int32' }),
      field('at', { is: 'timestamp', unit: 'ms' }),
      field('order', { is: 'text' }, true),
    ],
    partitionKey: ['id'],
    clusteringKey: [],
  }
}

const parts = new Releasers()
let shared: CqlStoreHandle
let tablesMade = 0

async function startStore(): Promise<CqlStoreHandle> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-sink-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true }))
  const store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0 })
  parts.add('store', () => store.close())
  return store
}

function endpointOf(store: CqlStoreHandle): Endpoints['cassandra'] {
  return { contactPoints: [`127.0.0.1:${store.port}`], localDataCenter: 'datacenter1', consistency: 'LOCAL_QUORUM' }
}

beforeAll(async () => {
  shared = await startStore()
})
afterAll(() => parts.close())

async function openUnderTest(): Promise<SinkUnderTest> {
  let store = shared
  const table = tableNamed(`t${++tablesMade}`)
  const endpoint = endpointOf(store)
  await ensureTable({ endpoint, table, autoCreate: true, autoEvolve: 'off' })
  const sink = await openCassandraSink({ table, endpoint })
  const session = await connectCassandra(endpoint)
  return {
    sink,
    read: async (id) =>
      (await session.query(`SELECT id, version, at, "order" FROM sink_test.${table.name} WHERE id = ${id}`)).rows[0] ?? null,
    takeAway: () => store.close(),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([sink.close(), session.close()])
    },
  }
}

const row = (id: string, version: number) => ({ id, version, at: '2026-01-01T00:00:00.000Z', order: `order ${version}` })

// A test that takes the store away leaves a new one to the next.
sinkConformance(
  {
    test: (name, body) => test(`Cassandra sink on the table store: ${name}`, body),
    assert: { deepEqual: (actual, expected) => expect(actual).toEqual(expected) },
  },
  {
    open: async () => {
      if (tablesMade > 0 && !(await isUp(shared))) shared = await startStore()
      return openUnderTest()
    },
    row,
    refusedRow: (id) => ({ ...row(id, 1), version: 'one' }),
    ids: [1, 2, 3, 4].map((n) => `00000000-0000-4000-8000-00000000000${n}`),
  },
)

async function isUp(store: CqlStoreHandle): Promise<boolean> {
  try {
    await (await connectCassandra(endpointOf(store))).close()
    return true
  } catch {
    return false
  }
}

test('a table is made once, evolved by columns, and refused when its key differs', async () => {
  const store = await startStore()
  const endpoint = endpointOf(store)
  const table = tableNamed('evolving')
  const ensure = (of: TableDef) => ensureTable({ endpoint, table: of, autoCreate: true, autoEvolve: 'add-columns' })
  expect(await ensure(table)).toEqual({ created: true, added: [] })
  expect(await ensure(table)).toEqual({ created: false, added: [] })
  const wider = { ...table, columns: [...table.columns, field('token', { is: 'text' }, true)] }
  expect(await ensure(wider)).toEqual({ created: false, added: ['token'] })
  await expect(ensure({ ...table, clusteringKey: [{ column: 'version', order: 'desc' as const }] })).rejects.toMatchObject({
    code: 'TABLE_MISMATCH',
  })
})

test('a sink on a table that is not there says so', async () => {
  const store = await startStore()
  await expect(openCassandraSink({ table: tableNamed('nowhere'), endpoint: endpointOf(store) })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
})
