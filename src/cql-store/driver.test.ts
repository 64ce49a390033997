import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, errors, types } from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judgedBy, packageTitle } from '../../test/harness/judges.ts'
import { startCqlStore, type CqlStoreHandle } from './index.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'cql-driver-'))
let store: CqlStoreHandle
let client: Client

async function connect(): Promise<void> {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0 })
  client = new Client({ contactPoints: [`127.0.0.1:${store.port}`], localDataCenter: 'datacenter1' })
  await client.connect()
}

beforeAll(async () => {
  await connect()
  await client.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await client.execute('CREATE TABLE ks.users (id uuid PRIMARY KEY, name text, age int, tags set<text>, seen timestamp)')
  await client.execute(
    'CREATE TABLE ks.events (a int, b text, c int, d text, s text static, PRIMARY KEY (a, b, c)) WITH CLUSTERING ORDER BY (b DESC, c ASC)',
  )
  for (const [b, c] of [['x', 1], ['x', 2], ['y', 1], ['z', 3]] as const) await client.execute('INSERT INTO ks.events (a, b, c, d) VALUES (1, ?, ?, ?)', [b, c, `${b}${c}`], { prepare: true }) // prettier-ignore
})
afterAll(async () => {
  await client.shutdown()
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function rows(query: string, parameters: unknown[] = []): Promise<unknown[][]> {
  const result = await client.execute(query, parameters, { prepare: parameters.length > 0 })
  return result.rows.map((row) => row.values())
}

async function refusal(query: string): Promise<{ code: number; message: string }> {
  try {
    await client.execute(query)
  } catch (error) {
    if (error instanceof errors.ResponseError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error(`${query} was accepted`)
}

describe('a table store, as cassandra-driver sees it', judgedBy(packageTitle('cassandra-driver')), () => {
  it('gives back over many pages what prepared inserts wrote', async () => {
    const ids = Array.from({ length: 120 }, () => types.Uuid.random())
    await Promise.all(
      ids.map((id, i) =>
        client.execute(
          'INSERT INTO ks.users (id, name, age, tags, seen) VALUES (?, ?, ?, ?, ?)',
          [id, `n${i}`, i, ['b', 'a'], new Date(i)],
          { prepare: true },
        ),
      ),
    )
    const found: types.Row[] = []
    let pages = 0
    let pageState: string | undefined
    do {
      const page = await client.execute('SELECT * FROM ks.users', [], { prepare: true, fetchSize: 25, ...(pageState ? { pageState } : {}) })
      found.push(...page.rows)
      pages++
      pageState = page.pageState ?? undefined
    } while (pageState)
    expect(pages).toBe(5)
    expect(new Set(found.map((row) => String(row['id'])))).toEqual(new Set(ids.map(String)))
    expect(found.find((row) => row['age'] === 7)).toMatchObject({ name: 'n7', tags: ['a', 'b'], seen: new Date(7) })
    const tokens = (await rows('SELECT token(id) FROM ks.users')).map(([token]) => BigInt(String(token)))
    expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)))
  })

  it('finds rows by clustering ranges, in either order', async () => {
    expect(await rows('SELECT b, c FROM ks.events WHERE a = 1')).toEqual([['z', 3], ['y', 1], ['x', 1], ['x', 2]]) // prettier-ignore
    expect(await rows('SELECT b, c FROM ks.events WHERE a = 1 ORDER BY b ASC, c DESC')).toEqual([['x', 2], ['x', 1], ['y', 1], ['z', 3]]) // prettier-ignore
    expect(await rows("SELECT b FROM ks.events WHERE a = 1 AND b > 'x' AND b <= 'z'")).toEqual([['z'], ['y']])
    expect(await rows("SELECT c FROM ks.events WHERE a = 1 AND b = 'x' AND c >= ?", [2])).toEqual([[2]])
    expect(await rows("SELECT d FROM ks.events WHERE a = 1 AND b IN ('z', 'x') LIMIT 2")).toEqual([['z3'], ['x1']])
    expect(await rows("SELECT d FROM ks.events WHERE d = 'y1' ALLOW FILTERING")).toEqual([['y1']])
  })

  it('pages through one partition, forwards and backwards, without losing or repeating a row', async () => {
    for (const order of ['DESC', 'ASC']) {
      const seen: string[] = []
      let pageState: string | undefined
      do {
        const page = await client.execute(`SELECT d FROM ks.events WHERE a = 1 ORDER BY b ${order}`, [], {
          fetchSize: 1,
          ...(pageState ? { pageState } : {}),
        })
        seen.push(...page.rows.map((row) => String(row['d'])))
        pageState = page.pageState ?? undefined
      } while (pageState)
      expect(seen).toEqual(order === 'DESC' ? ['z3', 'y1', 'x1', 'x2'] : ['x2', 'x1', 'y1', 'z3'])
    }
  })

  it('shows static columns with every row, and alone where there is none', async () => {
    await client.execute("UPDATE ks.events SET s = 'one' WHERE a = 1")
    await client.execute("UPDATE ks.events SET s = 'two' WHERE a = 2")
    expect(await rows('SELECT DISTINCT a, s FROM ks.events')).toEqual([[1, 'one'], [2, 'two']]) // prettier-ignore
    expect(await rows('SELECT a, b, s FROM ks.events WHERE a = 2')).toEqual([[2, null, 'two']])
  })

  it('groups distinct partitions over pages, each once', async () => {
    const seen: unknown[] = []
    let pageState: string | undefined
    do {
      const page = await client.execute('SELECT DISTINCT a, count(a) AS n FROM ks.events GROUP BY a', [], {
        fetchSize: 1,
        ...(pageState ? { pageState } : {}),
      })
      seen.push(...page.rows.map((row) => [row['a'], Number(row['n'])]))
      pageState = page.pageState ?? undefined
    } while (pageState)
    expect(seen).toEqual([[1, 1], [2, 1]]) // prettier-ignore
  })

  it('keeps the last write by its own timestamp, not by arrival', async () => {
    await client.execute("INSERT INTO ks.events (a, b, c, d) VALUES (9, 'k', 1, 'late') USING TIMESTAMP 2000")
    await client.execute("INSERT INTO ks.events (a, b, c, d) VALUES (9, 'k', 1, 'early') USING TIMESTAMP 1000")
    expect(await rows('SELECT d, writetime(d) FROM ks.events WHERE a = 9')).toEqual([['late', types.Long.fromNumber(2000)]])
    await client.execute('DELETE FROM ks.events USING TIMESTAMP 1999 WHERE a = 9')
    expect(await rows('SELECT d FROM ks.events WHERE a = 9')).toEqual([['late']])
    await client.execute("DELETE FROM ks.events USING TIMESTAMP 2000 WHERE a = 9 AND b > 'a'")
    expect(await rows('SELECT d FROM ks.events WHERE a = 9')).toEqual([])
  })

  it('expires what has a time to live, and says how long it has', async () => {
    await client.execute("INSERT INTO ks.events (a, b, c, d) VALUES (10, 'k', 1, 'x') USING TTL 1000")
    const [[ttl] = []] = await rows('SELECT ttl(d) FROM ks.events WHERE a = 10')
    expect(Number(ttl)).toBeGreaterThan(990)
  })

  it('makes a row by INSERT that stays without values, by UPDATE one that does not', async () => {
    await client.execute("INSERT INTO ks.events (a, b, c) VALUES (11, 'insert', 1)")
    await client.execute("UPDATE ks.events SET d = 'x' WHERE a = 11 AND b = 'update' AND c = 1")
    await client.execute("UPDATE ks.events SET d = null WHERE a = 11 AND b = 'update' AND c = 1")
    expect(await rows('SELECT b FROM ks.events WHERE a = 11')).toEqual([['insert']])
  })

  it('leaves unset values as they are and deletes null ones', async () => {
    const insert = 'INSERT INTO ks.events (a, b, c, d) VALUES (12, ?, ?, ?)'
    await client.execute(insert, ['k', 1, 'kept'], { prepare: true })
    await client.execute(insert, ['k', 1, types.unset], { prepare: true })
    expect(await rows('SELECT d FROM ks.events WHERE a = 12')).toEqual([['kept']])
    await client.execute(insert, ['k', 1, null], { prepare: true })
    expect(await rows('SELECT d FROM ks.events WHERE a = 12')).toEqual([[null]])
  })

  it('adds to and removes from sets, maps and lists', async () => {
    await client.execute('CREATE TABLE ks.bags (id int PRIMARY KEY, l list<int>, m map<text, int>, s set<int>, t frozen<tuple<int, text>>)')
    await client.execute("INSERT INTO ks.bags (id, l, m, s, t) VALUES (1, [1, 2], {'a': 1}, {3, 1}, (4, 'x'))")
    await client.execute("UPDATE ks.bags SET l = l + [3], m = m + {'b': 2}, s = s - {3} WHERE id = 1")
    await client.execute("UPDATE ks.bags SET l = [0] + l, m['c'] = 3 WHERE id = 1")
    const [row] = (await client.execute('SELECT l, m, s, t FROM ks.bags')).rows
    expect(row?.['l']).toEqual([0, 1, 2, 3])
    expect(row?.['m']).toEqual({ a: 1, b: 2, c: 3 })
    expect(row?.['s']).toEqual([1])
    await client.execute('UPDATE ks.bags SET l = [] WHERE id = 1')
    expect(await rows('SELECT l FROM ks.bags')).toEqual([[null]])
  })

  it('writes a batch as one, and conditionally what is not there yet', async () => {
    const insert = 'INSERT INTO ks.events (a, b, c, d) VALUES (?, ?, ?, ?)'
    await client.batch([{ query: insert, params: [13, 'p', 1, 'u'] }, { query: insert, params: [13, 'p', 2, 'v'] }], { prepare: true }) // prettier-ignore
    expect(await rows('SELECT count(*), max(c) FROM ks.events WHERE a = 13')).toEqual([[types.Long.fromNumber(2), 2]])
    expect(await rows("INSERT INTO ks.events (a, b, c, d) VALUES (13, 'p', 1, 'w') IF NOT EXISTS")).toEqual([
      [false, 13, 'p', 1, null, 'u'],
    ])
    expect(await rows("UPDATE ks.events SET d = 'w' WHERE a = 13 AND b = 'p' AND c = 1 IF d = 'u'")).toEqual([[true]])
  })

  it('tells drivers its schema and, while they are connected, its changes', async () => {
    await client.execute('CREATE TABLE ks.grows (id int PRIMARY KEY)')
    await client.execute('INSERT INTO ks.grows (id) VALUES (1)')
    expect(await rows('SELECT * FROM ks.grows')).toEqual([[1]])
    await client.execute('ALTER TABLE ks.grows ADD more text')
    expect(await rows('SELECT * FROM ks.grows WHERE id = ?', [1])).toEqual([[1, null]])
    const table = await client.metadata.getTable('ks', 'events')
    expect(table?.partitionKeys.map((column) => column.name)).toEqual(['a'])
    expect(table?.clusteringOrder).toEqual(['DESC', 'ASC'])
    await client.execute('TRUNCATE ks.grows')
    expect(await rows('SELECT * FROM ks.grows')).toEqual([])
    await client.execute('DROP TABLE ks.grows')
    expect(await refusal('SELECT * FROM ks.grows')).toEqual({ code: 0x2200, message: 'unconfigured table grows' })
  })

  it.each([
    ['SELECT nope FROM ks.users', 0x2200, 'Undefined column name nope in table ks.users'],
    ["SELECT * FROM ks.users WHERE name = 'x'", 0x2200, 'ALLOW FILTERING'],
    ["INSERT INTO ks.users (id, age) VALUES (uuid(), 'x')", 0x2200, 'Invalid STRING constant (x) for "age" of type int'],
    ["INSERT INTO ks.users (name) VALUES ('x')", 0x2200, 'Some partition keys are missing: id'],
    [
      "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      0x2400,
      'Cannot add existing keyspace "ks"',
    ],
    ['CREATE TABLE ks.users (id int PRIMARY KEY)', 0x2400, 'already existing table "users"'],
    ['CREATE TABLE ks.c (id int PRIMARY KEY, n counter)', 0x2200, 'counter'],
    ["INSERT INTO system.local (key) VALUES ('x')", 0x2100, 'not user-modifiable'],
    ['SELECT nosuch(age) FROM ks.users', 0x2200, 'nosuch'],
    ['UPDATE ks.users SET id = uuid() WHERE id = uuid()', 0x2200, 'PRIMARY KEY part id found in SET part'],
  ])('refuses %s', async (query, code, message) => {
    expect(await refusal(query)).toEqual({ code, message: expect.stringContaining(message) })
  })

  it('has everything again after a restart', async () => {
    const before = await rows('SELECT * FROM ks.events')
    await client.shutdown()
    await store.close()
    await connect()
    expect(store.recovered.tables).toBe(3)
    expect(await rows('SELECT * FROM ks.events')).toEqual(before)
  })
})
