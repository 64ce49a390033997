import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errors } from '../../cql-wire/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'
import { plain, RawClient } from './raw-client.fixture.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'cql-warnings-'))
let store: CqlStoreHandle
beforeAll(async () => {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  using client = await RawClient.started(store.port)
  await client.query("CREATE KEYSPACE w WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await client.query('CREATE TABLE w.t (a int PRIMARY KEY, v int)')
  await client.query('CREATE TABLE w.l (a int PRIMARY KEY, v text)')
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

const inserted = (a: number, length: number): string => `INSERT INTO w.l (a, v) VALUES (${a}, '${'x'.repeat(length)}');`
const sized = (kind: string, ...lengths: number[]): string =>
  `BEGIN ${kind} BATCH ${lengths.map((length, a) => inserted(a, length)).join(' ')} APPLY BATCH`

describe.each(['', 'UNLOGGED'])('a batch over 50 KiB on more than one partition: %s', (kind) => {
  it('is refused, and nothing of it is written', async () => {
    using client = await RawClient.started(store.port)
    const rowsOf = async (): Promise<unknown> => {
      const answer = await client.query('SELECT a FROM w.l WHERE a IN (0, 1)')
      return answer.opcode === 'RESULT' && answer.kind === 'rows' ? answer.rows.length : answer
    }
    await client.query('TRUNCATE w.l')
    expect(await client.query(sized(kind, 30_000, 21_061))).toMatchObject({ code: errors.INVALID, message: 'Batch too large' })
    expect(await rowsOf()).toBe(0)
    expect(await client.query(sized(kind, 30_000, 21_060))).toMatchObject({ opcode: 'RESULT' })
    expect(await rowsOf()).toBe(2)
  })
})

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

  it('of a batch over 5 KiB on more than one partition, with the size that Cassandra counts', async () => {
    expect(await warningsOf(sized('', 3_000, 3_000))).toEqual([
      'Batch for [w.l] is of size 6140, exceeding specified threshold of 5120 by 1020.',
    ])
    expect(await warningsOf(sized('UNLOGGED', 2_490, 2_490))).toEqual([])
    expect(await warningsOf(`BEGIN BATCH ${inserted(1, 60_000)} ${inserted(1, 60_000)} APPLY BATCH`)).toEqual([])
  })

  it('but not in version 3, which has no room for it', async () => expect(await warningsOf('SELECT count(*) FROM w.t', 3)).toEqual([]))
})
