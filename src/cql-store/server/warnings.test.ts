import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'
import { plain, RawClient } from './raw-client.fixture.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'cql-warnings-'))
let store: CqlStoreHandle
beforeAll(async () => {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  using client = await RawClient.started(store.port)
  await client.query("CREATE KEYSPACE w WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await client.query('CREATE TABLE w.t (a int PRIMARY KEY, v int)')
})
afterAll(async () => {
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const warningsOf = async (query: string, version = 4): Promise<string[]> => {
  using client = await RawClient.started(store.port, [], version)
  const { response, warnings } = await client.answerTo({ opcode: 'QUERY', query, parameters: plain })
  expect(response.opcode).toBe('RESULT')
  return warnings
}
const batchOf = (kind: string, count: number): string =>
  `BEGIN ${kind} BATCH ${Array.from({ length: count }, (_, a) => `INSERT INTO w.t (a, v) VALUES (${a}, 1);`).join(' ')} APPLY BATCH`

describe('a client is warned, as by Cassandra,', () => {
  it.each([
    ['SELECT count(*) FROM w.t', 'Aggregation query used without partition key'],
    ['SELECT a, max(v) FROM w.t GROUP BY a', 'Aggregation query used without partition key'],
    ['SELECT sum(v) FROM w.t WHERE a IN (1, 2)', 'Aggregation query used on multiple partition keys (IN restriction)'],
  ])('of %s', async (query, warning) => expect(await warningsOf(query)).toEqual([warning]))

  it('of an unlogged batch over more than ten partitions', async () => {
    expect(await warningsOf(batchOf('UNLOGGED', 11))).toEqual([
      expect.stringMatching(/^Unlogged batch covering 11 partitions detected against table \[w\.t\]/),
    ])
  })

  it.each(['SELECT * FROM w.t', 'SELECT count(*) FROM w.t WHERE a = 1', batchOf('UNLOGGED', 10), batchOf('', 11)])(
    'and not of %s',
    async (query) => expect(await warningsOf(query)).toEqual([]),
  )

  it('but not in version 3, which has no room for it', async () => expect(await warningsOf('SELECT count(*) FROM w.t', 3)).toEqual([]))
})
