import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Response } from '../../cql-wire/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'
import { plain, RawClient } from '../server/raw-client.fixture.ts'

/** What is expected here is what Cassandra 5.0 answers. */
const dataDir = mkdtempSync(join(tmpdir(), 'cql-conditional-batch-'))
let store: CqlStoreHandle
let client: RawClient

beforeAll(async () => {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  client = await RawClient.started(store.port)
  await client.query("CREATE KEYSPACE c WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await client.query('CREATE TABLE c.t (a int, b int, s int static, t int static, v int, PRIMARY KEY (a, b))')
})
afterAll(async () => {
  client[Symbol.dispose]()
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})
beforeEach(() => client.query('TRUNCATE c.t'))

const ask = (query: string): Promise<Response> => client.ask({ opcode: 'QUERY', query, parameters: plain })
async function numbersOf(query: string): Promise<(number | null)[]> {
  const answer = await ask(query)
  if (answer.opcode !== 'RESULT' || answer.kind !== 'rows') throw new Error(JSON.stringify(answer))
  return answer.rows.map(([value]) => (value ? Buffer.from(value).readIntBE(0, value.length) : null))
}
const batch = (...statements: string[]): string => `BEGIN BATCH ${statements.join('; ')}; APPLY BATCH`

const where = 'WHERE a = 1 AND b = 1'
const deleted = `DELETE FROM c.t ${where} IF EXISTS`
const notExists = 'INSERT INTO c.t (a, b, v) VALUES (1, 1, 2) IF NOT EXISTS'
const staticsNotExist = 'INSERT INTO c.t (a, s) VALUES (1, 2) IF NOT EXISTS'
const ifStatic = `UPDATE c.t SET v = 1 ${where} IF s = null`
const ifBoth = `UPDATE c.t SET v = 1 ${where} IF s = null AND v = null`

describe('a batch with conditions', () => {
  it.each([
    [`UPDATE c.t SET v = 1 ${where}`, deleted],
    [deleted, `UPDATE c.t SET v = 1 ${where}`],
    [deleted, 'INSERT INTO c.t (a, b, v) VALUES (1, 1, 2)'],
  ])('that deletes a row leaves nothing of it: %s, %s', async (...statements) => {
    await client.query('INSERT INTO c.t (a, b, v) VALUES (1, 1, 9)')
    expect(await numbersOf(batch(...statements))).toEqual([1])
    expect(await numbersOf('SELECT v FROM c.t')).toEqual([])
    await client.query('INSERT INTO c.t (a, b, v) VALUES (1, 1, 3)')
    expect(await numbersOf('SELECT v FROM c.t')).toEqual([3])
  })

  it('that deletes a range of rows keeps what it writes there', async () => {
    const statements = [
      'DELETE FROM c.t WHERE a = 1 AND b >= 1',
      'INSERT INTO c.t (a, b, v) VALUES (1, 1, 2)',
      `UPDATE c.t SET v = 4 WHERE a = 1 AND b = 2 IF v = null`,
    ]
    expect(await numbersOf(batch(...statements))).toEqual([1])
    expect(await numbersOf('SELECT v FROM c.t')).toEqual([2, 4])
  })

  it.each([
    [ifStatic, notExists],
    [notExists, ifStatic],
    [notExists, staticsNotExist],
  ])('may ask about a row and its static columns in different ways: %s, %s', async (...statements) =>
    expect(await numbersOf(batch(...statements))).toEqual([1]),
  )

  it.each([
    [ifStatic, staticsNotExist],
    [staticsNotExist, ifStatic],
    [ifBoth, staticsNotExist],
    [ifBoth, notExists],
  ])('may not ask about the same in different ways: %s, %s', async (...statements) =>
    expect(await ask(batch(...statements))).toMatchObject({ message: 'Cannot mix IF conditions and IF NOT EXISTS for the same row' }),
  )
})
