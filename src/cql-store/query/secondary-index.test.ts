import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'cassandra-driver'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../platform/index.ts'
import { checkCqlStore, startCqlStore, type CqlStoreHandle } from '../index.ts'

/** The same writes go to two tables, one with indexes: both must find the same, the one by its indexes, the other by looking at all rows. */
const columns = 'a int, b int, s int static, v int, d decimal, l list<int>, g set<int>, m map<text, int>, PRIMARY KEY (a, b)'
const indexed = ['b', 's', 'v', 'd', 'l', 'g', 'keys(m)', 'values(m)', 'entries(m)']
const conditions = (
  'b = 1;b = 2;s = 1;s = 2;v = 1;v = 2;d = 1.0;d = 2;l CONTAINS 1;g CONTAINS 2;' +
  "m CONTAINS KEY 'x';m CONTAINS 1;m['x'] = 1;v = 1 AND token(a) > 0;v = 2 AND token(a) <= 0;" +
  'a = 1 AND v = 1;a = 2 AND v = 2;a = 1 AND s = 2;a = 3 AND g CONTAINS 2;a = 1 AND v = 1 AND token(a) > 0'
).split(';')

const small = fc.integer({ min: 1, max: 2 })
const key = fc.record({ a: fc.integer({ min: 0, max: 3 }), b: small, at: fc.integer({ min: 1, max: 9 }) })
const write = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constantFrom('insert', 'update'), key, v: small, d: fc.constantFrom('1.0', '1.00', '2') }) },
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constantFrom('list', 'set', 'map', 'static'), key, v: small, name: fc.constantFrom('x', 'y') }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constantFrom('row', 'partition', 'cell', 'nothing', 'entry'), key }) },
)
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never

function statementOf(table: string, each: Write): string {
  const { a, b, at } = each.key
  const row = `WHERE a = ${a} AND b = ${b}`
  const update = (set: string, where = row): string => `UPDATE ${table} USING TIMESTAMP ${at} SET ${set} ${where}`
  if ('d' in each) {
    if (each.is === 'insert') return `INSERT INTO ${table} (a, b, v, d) VALUES (${a}, ${b}, ${each.v}, ${each.d}) USING TIMESTAMP ${at}`
    return update(`v = ${each.v}, d = ${each.d}`)
  }
  if ('name' in each) {
    if (each.is === 'static') return update(`s = ${each.v}`, `WHERE a = ${a}`)
    if (each.is === 'map') return update(`m['${each.name}'] = ${each.v}`)
    return update(each.is === 'list' ? `l = [${each.v}, 3]` : `g = g + {${each.v}}`)
  }
  if (each.is === 'nothing') return update('v = null, l = null')
  const what = each.is === 'cell' ? 'v, g' : each.is === 'entry' ? "m['x']" : ''
  return `DELETE ${what} FROM ${table} USING TIMESTAMP ${at} ${each.is === 'partition' ? `WHERE a = ${a}` : row}`
}

const dataDir = mkdtempSync(join(tmpdir(), 'cql-index-'))
let store: CqlStoreHandle
let client: Client

let skewMs = 0
let sweep: (() => void) | null = null
/** A clock that can be put on, and whose sweep comes when it is called for. */
const clock: Clock = {
  ...systemClock,
  nowMs: () => systemClock.nowMs() + skewMs,
  after: (ms, callback) => {
    if (ms < 600_000) return systemClock.after(ms, callback)
    sweep = callback
    return () => {}
  },
}

async function connect(): Promise<void> {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os', clock })
  client = new Client({ contactPoints: [`127.0.0.1:${store.port}`], localDataCenter: 'datacenter1' })
  await client.connect()
}
async function disconnect(): Promise<void> {
  await client.shutdown()
  await store.close()
}

async function rows(query: string, fetchSize = 5_000): Promise<unknown[]> {
  const found: unknown[] = []
  let pageState: string | undefined
  do {
    const page = await client.execute(query, [], { fetchSize, ...(pageState === undefined ? {} : { pageState }) })
    found.push(...page.rows.map((row) => Object.values(Object(row)).map(String)))
    pageState = page.pageState
  } while (pageState)
  return found
}

beforeAll(async () => {
  await connect()
  await client.execute("CREATE KEYSPACE i WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
})
afterAll(async () => {
  await disconnect()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Garbage is taken out once, when the time of all that is deleted has come. */
async function swept(): Promise<void> {
  // Everything is in the sorted store then.
  await disconnect()
  await connect()
  skewMs += 10_000
  const begin = sweep
  sweep = null
  begin?.()
  await expect.poll(() => sweep).not.toBeNull()
}

async function expectSame(): Promise<void> {
  for (const condition of conditions) {
    const all = await rows(`SELECT * FROM i.plain WHERE ${condition} ALLOW FILTERING`)
    expect({ condition, rows: await rows(`SELECT * FROM i.indexed WHERE ${condition}`) }).toEqual({ condition, rows: all })
    expect({ condition, paged: await rows(`SELECT * FROM i.indexed WHERE ${condition}`, 1) }).toEqual({ condition, paged: all })
  }
}

describe('a secondary index', () => {
  it(
    'finds the rows that looking at all of them finds, whatever was written before and after it was made',
    { timeout: 60_000 },
    async () => {
      const run = async (before: Write[], after: Write[]): Promise<void> => {
        for (const table of ['i.plain', 'i.indexed']) {
          await client.execute(`DROP TABLE IF EXISTS ${table}`)
          await client.execute(`CREATE TABLE ${table} (${columns}) WITH gc_grace_seconds = 0`)
          for (const each of before) await client.execute(statementOf(table, each))
        }
        for (const target of indexed) await client.execute(`CREATE INDEX ON i.indexed (${target})`)
        for (const table of ['i.plain', 'i.indexed']) for (const each of after) await client.execute(statementOf(table, each))
        await expectSame()
        await swept()
        await expectSame()
      }
      const writes = fc.array(write, { maxLength: 20 })
      await fc.assert(fc.asyncProperty(writes, writes, run), { numRuns: 8 })
    },
  )

  it('forgets the values that no row holds any more when garbage is taken out, and no others', async () => {
    const entries = async (): Promise<number> => (await checkCqlStore({ dataDir })).otherRecords
    for (const table of ['plain', 'indexed']) await client.execute(`DROP TABLE IF EXISTS i.${table}`)
    await expect.poll(entries, { timeout: 60_000 }).toBe(0)
    await client.execute('CREATE TABLE i.changing (a int, b int, v int, s set<int>, PRIMARY KEY (a, b)) WITH gc_grace_seconds = 0')
    for (const target of ['v', 's', 'b']) await client.execute(`CREATE INDEX ON i.changing (${target})`)
    for (let b = 0; b < 30; b++) await client.execute(`INSERT INTO i.changing (a, b, v, s) VALUES (1, ${b}, 1, {1, 2})`)
    await swept()
    expect(await entries()).toBe(30 * 4)
    for (let b = 0; b < 20; b++) await client.execute(`UPDATE i.changing SET v = 2, s = s - {1} WHERE a = 1 AND b = ${b}`)
    await client.execute('DELETE FROM i.changing WHERE a = 1 AND b < 10')
    await swept()
    expect(await entries()).toBe(10 * 3 + 10 * 4)
    expect(await rows('SELECT b FROM i.changing WHERE v = 2')).toHaveLength(10)
    expect(await rows('SELECT b FROM i.changing WHERE s CONTAINS 1')).toHaveLength(10)
    await client.execute('DELETE FROM i.changing WHERE a = 1')
    await swept()
    expect(await entries()).toBe(0)
  })

  it('finds a row whose token ends the range, whatever its partition key begins with', async () => {
    await client.execute('CREATE TABLE i.negative (a int PRIMARY KEY, v int)')
    await client.execute('CREATE INDEX ON i.negative (v)')
    await client.execute('INSERT INTO i.negative (a, v) VALUES (-1, 1)')
    expect(await rows('SELECT a FROM i.negative WHERE v = 1 AND token(a) = token(-1)')).toEqual([['-1']])
    expect(await rows('SELECT a FROM i.negative WHERE v = 1 AND token(a) <= token(-1)')).toEqual([['-1']])
    expect(await rows('SELECT a FROM i.negative WHERE v = 1 AND token(a) < token(-1)')).toEqual([])
  })

  it('is there after a restart, and built', async () => {
    await client.execute('CREATE TABLE i.kept (a int PRIMARY KEY, v int)')
    for (let a = 0; a < 40; a++) await client.execute(`INSERT INTO i.kept (a, v) VALUES (${a}, ${a % 4})`)
    await client.execute('CREATE INDEX by_v ON i.kept (v)')
    const found = await rows('SELECT a FROM i.kept WHERE v = 3')
    expect(found).toHaveLength(10)
    await disconnect()
    await connect()
    expect(await rows('SELECT a FROM i.kept WHERE v = 3')).toEqual(found)
    expect(await rows("SELECT index_name FROM system.\"IndexInfo\" WHERE table_name = 'i' AND index_name = 'by_v'")).toEqual([['by_v']])
  })

  it('finds nothing after TRUNCATE, and refuses what it does not answer after DROP INDEX', async () => {
    await client.execute('CREATE TABLE i.emptied (a int PRIMARY KEY, v int)')
    await client.execute('CREATE INDEX ON i.emptied (v)')
    await client.execute('INSERT INTO i.emptied (a, v) VALUES (1, 1)')
    await client.execute('TRUNCATE i.emptied')
    expect(await rows('SELECT a FROM i.emptied WHERE v = 1')).toEqual([])
    await client.execute('INSERT INTO i.emptied (a, v) VALUES (2, 1)')
    expect(await rows('SELECT a FROM i.emptied WHERE v = 1')).toEqual([['2']])
    await client.execute('DROP INDEX i.emptied_v_idx')
    await expect(rows('SELECT a FROM i.emptied WHERE v = 1')).rejects.toThrow('ALLOW FILTERING')
  })
})
