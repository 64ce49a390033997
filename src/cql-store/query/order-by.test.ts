import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'
import { plain, RawClient } from '../server/raw-client.fixture.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'cql-order-by-'))
let store: CqlStoreHandle
let client: RawClient

beforeAll(async () => {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  client = await RawClient.started(store.port)
  await client.query("CREATE KEYSPACE o WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  for (const [table, order] of [
    ['o.rising', 'ASC'],
    ['o.falling', 'DESC'],
  ]) {
    await client.query(`CREATE TABLE ${table} (a tinyint, b int, s int static, PRIMARY KEY (a, b)) WITH CLUSTERING ORDER BY (b ${order})`)
    for (const written of ['(a, s) VALUES (1, 1)', '(a, b) VALUES (2, 2)', '(a, b) VALUES (3, 1)'])
      await client.query(`INSERT INTO ${table} ${written}`)
  }
})
afterAll(async () => {
  client[Symbol.dispose]()
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

describe('a partition of static columns alone', () => {
  it.each([
    ['rising', 'ASC', [1, 3, 2]],
    ['rising', 'DESC', [2, 3, 1]],
    ['falling', 'ASC', [3, 2, 1]],
    ['falling', 'DESC', [1, 2, 3]],
  ])('of a %s table stands first in its order and last in the other, as in Cassandra: %s', async (table, by, order) => {
    const query = `SELECT a FROM o.${table} WHERE a IN (1, 2, 3) ORDER BY b ${by}`
    const answer = await client.ask({ opcode: 'QUERY', query, parameters: plain })
    expect(answer).toMatchObject({ rows: order.map((a) => [Buffer.of(a)]) })
  })
})
