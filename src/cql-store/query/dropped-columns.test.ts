import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'cql-dropped-'))
let store: CqlStoreHandle
let client: Client

async function start(): Promise<void> {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  client = new Client({ contactPoints: [store.address], localDataCenter: 'datacenter1' })
  await client.connect()
}

beforeAll(async () => {
  await start()
  await client.execute("CREATE KEYSPACE d WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
})
afterAll(async () => {
  await client.shutdown()
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function rows(query: string, fetchSize = 5_000): Promise<string[]> {
  const found: string[] = []
  let pageState: string | undefined
  do {
    const page = await client.execute(query, [], { fetchSize, ...(pageState === undefined ? {} : { pageState }) })
    found.push(...page.rows.map((row) => Object.values(Object(row)).map(String).join(' ')))
    pageState = page.pageState
  } while (pageState)
  return found
}

async function run(...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.execute(statement)
}

/** Rows without an INSERT's marker: with cells of v alone, of w alone, of both; and one that was inserted. */
async function table(name: string): Promise<void> {
  const update = (set: string, b: number): string => `UPDATE d.${name} SET ${set} WHERE a = 1 AND b = ${b}`
  await run(
    `CREATE TABLE d.${name} (a int, b int, s int static, q int static, v set<int>, w int, PRIMARY KEY (a, b))`,
    `CREATE INDEX ON d.${name} (b)`,
    ...[1, 2].map((b) => update('v = {1}', b)),
    update('w = 3', 3),
    update('v = {4}, w = 4', 4),
    `INSERT INTO d.${name} (a, b, v) VALUES (1, 5, {5})`,
  )
}

describe('a row that was updated, never inserted', () => {
  it('is gone with the last of its columns: read by its key, in a range, by pages, by an index, when counted', async () => {
    await table('t')
    expect(await rows('SELECT b FROM d.t')).toEqual(['1', '2', '3', '4', '5'])
    await run('ALTER TABLE d.t DROP v')
    expect(await rows('SELECT b FROM d.t')).toEqual(['3', '4', '5'])
    expect(await rows('SELECT b, w FROM d.t WHERE a = 1', 1)).toEqual(['3 3', '4 4', '5 null'])
    expect(await rows('SELECT b FROM d.t WHERE a = 1 ORDER BY b DESC LIMIT 2')).toEqual(['5', '4'])
    expect(await rows('SELECT b FROM d.t WHERE a = 1 AND b IN (1, 2, 3)')).toEqual(['3'])
    expect(await rows('SELECT b FROM d.t WHERE b = 1')).toEqual([])
    expect(await rows('SELECT b FROM d.t WHERE b = 3')).toEqual(['3'])
    expect(await rows('SELECT count(*) FROM d.t')).toEqual(['3'])
    expect(await rows('SELECT a, max(b) FROM d.t GROUP BY a')).toEqual(['1 5'])
    expect(await rows('UPDATE d.t SET w = 1 WHERE a = 1 AND b = 1 IF EXISTS')).toEqual(['false'])
  })

  it('is not there again when a column of the name is added', async () => {
    await table('again')
    await run('ALTER TABLE d.again DROP v', 'ALTER TABLE d.again ADD v set<int>')
    expect(await rows('SELECT b, v FROM d.again')).toEqual(['3 null', '4 null', '5 null'])
    await run('UPDATE d.again SET v = v + {9} WHERE a = 1 AND b = 1')
    expect(await rows('SELECT b, v FROM d.again WHERE a = 1 AND b = 1')).toEqual(['1 9'])
  })

  it('is gone in a table of one row a partition, read at once by its key too', async () => {
    await run('CREATE TABLE d.one (a int PRIMARY KEY, v int, w int)', 'UPDATE d.one SET v = 1 WHERE a = 1', 'ALTER TABLE d.one DROP v')
    expect(await rows('SELECT a FROM d.one')).toEqual([])
    expect(await rows('SELECT a FROM d.one WHERE a = 1')).toEqual([])
    await run('UPDATE d.one SET w = 2 WHERE a = 1')
    expect(await rows('SELECT a, w FROM d.one WHERE a = 1')).toEqual(['1 2'])
  })
})

describe('a column that is added again after DROP … USING TIMESTAMP', () => {
  const inserted = (b: number, micros: number, v: number): string =>
    `INSERT INTO d.timed (a, b, v, m) VALUES (1, ${b}, ${v}, {${v}: ${v}}) USING TIMESTAMP ${micros}`

  it('has its cells from after that time, whenever they were written, in every way of reading; those from before it has never', async () => {
    await run(
      'CREATE TABLE d.timed (a int, b int, s int static, v int, m map<int, int>, PRIMARY KEY (a, b))',
      ...[10, 20, 30].map((micros, i) => inserted(i + 1, micros, micros)),
      'UPDATE d.timed USING TIMESTAMP 30 SET v = 40 WHERE a = 1 AND b = 4',
      'UPDATE d.timed USING TIMESTAMP 20 SET s = 1 WHERE a = 2',
      'UPDATE d.timed USING TIMESTAMP 21 SET s = 1 WHERE a = 3',
      'ALTER TABLE d.timed DROP (v, m, s) USING TIMESTAMP 20',
    )
    expect(await rows('SELECT * FROM d.timed WHERE a = 1')).toEqual(['1 1', '1 2', '1 3'])
    await run('ALTER TABLE d.timed ADD (v int, m map<int, int>, s int static)')
    const all = ['1 null', '2 null', '3 30', '4 40']
    expect(await rows('SELECT b, v FROM d.timed WHERE a = 1')).toEqual(all)
    expect(await rows('SELECT b, v FROM d.timed WHERE a = 1', 1)).toEqual(all)
    expect(await rows('SELECT b, v FROM d.timed WHERE a = 1 AND b IN (2, 3)')).toEqual(all.slice(1, 3))
    expect(await rows('SELECT b FROM d.timed WHERE v > 0 ALLOW FILTERING')).toEqual(['3', '4'])
    expect(await rows('SELECT m FROM d.timed WHERE a = 1 AND b < 4')).toEqual(['null', 'null', '[object Object]'])
    expect((await rows('SELECT DISTINCT a, s FROM d.timed')).toSorted()).toEqual(['1 null', '3 1'])
    await run(inserted(1, 15, 15), inserted(2, 21, 21), 'UPDATE d.timed USING TIMESTAMP 20 SET v = 20 WHERE a = 1 AND b = 5')
    expect(await rows('SELECT b, v FROM d.timed WHERE a = 1')).toEqual(['1 null', '2 21', '3 30', '4 40'])
    expect(await rows('UPDATE d.timed SET v = 1 WHERE a = 1 AND b = 1 IF v = 15')).toEqual(['false null'])
    await run('CREATE INDEX ON d.timed (v)')
    expect(await rows('SELECT b FROM d.timed WHERE v = 30')).toEqual(['3'])
    expect(await rows('SELECT b FROM d.timed WHERE v = 15')).toEqual([])
  })

  it('may be read by its key at once', async () => {
    await run('CREATE TABLE d.point (a int PRIMARY KEY, v int, w int)', 'INSERT INTO d.point (a, v) VALUES (1, 1) USING TIMESTAMP 5')
    await run(
      'INSERT INTO d.point (a, v) VALUES (2, 2) USING TIMESTAMP 6',
      'ALTER TABLE d.point DROP v USING TIMESTAMP 5',
      'ALTER TABLE d.point ADD v int',
    )
    expect(await rows('SELECT a, v FROM d.point WHERE a IN (1, 2)')).toEqual(['1 null', '2 2'])
    expect(await rows('SELECT a, v FROM d.point WHERE a = 1')).toEqual(['1 null'])
    await run('ALTER TABLE d.point DROP v USING TIMESTAMP -1', 'ALTER TABLE d.point ADD v int')
    expect(await rows('SELECT a, v FROM d.point WHERE a = 1')).toEqual(['1 1'])
  })

  it('is so after a restart too, whether it was added before or after', async () => {
    await run(
      'CREATE TABLE d.kept (a int PRIMARY KEY, v int, w int)',
      'INSERT INTO d.kept (a, v, w) VALUES (1, 1, 1) USING TIMESTAMP 5',
      'INSERT INTO d.kept (a, v, w) VALUES (2, 2, 2) USING TIMESTAMP 6',
      'ALTER TABLE d.kept DROP (v, w) USING TIMESTAMP 5',
      'ALTER TABLE d.kept ADD v int',
    )
    await client.shutdown()
    await store.close()
    await start()
    await run('ALTER TABLE d.kept ADD w int')
    expect((await rows('SELECT a, v, w FROM d.kept')).toSorted()).toEqual(['1 null null', '2 2 2'])
  })

  it('is of the same type and kind', async () => {
    await run('CREATE TABLE d.kinds (a int, b int, s int static, v int, PRIMARY KEY (a, b))', 'ALTER TABLE d.kinds DROP (s, v)')
    await expect(run('ALTER TABLE d.kinds ADD s int')).rejects.toThrow(/of kind REGULAR, incompatible with previous kind STATIC/)
    await expect(run('ALTER TABLE d.kinds ADD v int static')).rejects.toThrow(/of kind STATIC, incompatible with previous kind REGULAR/)
    await expect(run('ALTER TABLE d.kinds ADD v bigint')).rejects.toThrow(/incompatible with previous type int/)
  })
})

describe('a partition of static columns alone', () => {
  it('is gone with the last of them', async () => {
    await table('statics')
    await run('UPDATE d.statics SET s = 1 WHERE a = 7', 'UPDATE d.statics SET s = 1, q = 2 WHERE a = 8')
    expect((await rows('SELECT DISTINCT a FROM d.statics')).toSorted()).toEqual(['1', '7', '8'])
    await run('ALTER TABLE d.statics DROP s')
    expect((await rows('SELECT DISTINCT a FROM d.statics')).toSorted()).toEqual(['1', '8'])
    expect(await rows('SELECT a, q FROM d.statics WHERE a = 7')).toEqual([])
    expect(await rows('SELECT a, b, q FROM d.statics WHERE a = 8')).toEqual(['8 null 2'])
    await run('ALTER TABLE d.statics DROP q')
    expect(await rows('SELECT DISTINCT a FROM d.statics')).toEqual(['1'])
  })
})
