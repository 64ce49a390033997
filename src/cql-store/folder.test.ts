import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectCassandra, type CassandraSession } from '../cql-client/index.ts'
import { systemClock } from '../platform/index.ts'
import { checkCqlStore, compactCqlStore, startCqlStore, type CqlStoreHandle } from './index.ts'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cql-folder-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const rows = 3_000
const columns = [
  { name: 'id', type: { is: 'int' } },
  { name: 'v', type: { is: 'text' } },
] as const

async function write(session: CassandraSession, from: number, to: number): Promise<void> {
  await using writer = await session.writer({ keyspace: 'k', table: 't', columns })
  const batch = Array.from({ length: to - from }, (_, i) => [from + i, `value ${from + i} `.repeat(40)])
  const micros = BigInt64Array.from(batch, () => BigInt(Date.now()) * 1000n)
  expect((await writer.write(batch, micros, new AbortController().signal)).is).toBe('done')
}

async function withStore(use: (session: CassandraSession, store: CqlStoreHandle) => Promise<void>): Promise<void> {
  await using store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0 })
  await using session = await connectCassandra({ contactPoints: [store.address], localDataCenter: 'datacenter1' })
  await use(session, store)
}

async function makeKeyspace(session: CassandraSession): Promise<void> {
  await session.changeSchema("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
}

async function filled(): Promise<void> {
  await withStore(async (session) => {
    await makeKeyspace(session)
    await session.changeSchema('CREATE TABLE k.t (id int PRIMARY KEY, v text) WITH gc_grace_seconds = 0')
    await session.changeSchema('CREATE TABLE k.gone (id int PRIMARY KEY, v text)')
    await write(session, 0, rows)
  })
}

describe('a folder of tables', () => {
  it('is found whole, also beside the store that writes to it', async () => {
    await filled()
    expect(await checkCqlStore({ dataDir })).toMatchObject({
      tables: [
        { table: 'k.t', records: rows },
        { table: 'k.gone', records: 0 },
      ],
      otherRecords: 0,
      problems: 0,
      tornBytes: 0,
    })
    await withStore(async (session) => {
      await write(session, rows, 2 * rows)
      const { problems, logGroups } = await checkCqlStore({ dataDir })
      expect(problems).toBe(0)
      expect(logGroups).toBeGreaterThan(0)
    })
  })

  it('is told to be damaged, and where', async () => {
    await filled()
    const mdb = join(dataDir, 'lmdb/data.mdb')
    const bytes = readFileSync(mdb)
    // A length within a row, wherever its page and older copies of it lie.
    for (let at = bytes.indexOf('value 42 value 42'); at >= 0; at = bytes.indexOf('value 42 value 42', at + 1000))
      bytes.writeUInt32BE(0x00ff_ffff, at - 4)
    writeFileSync(mdb, bytes)
    const found: string[] = []
    const { problems } = await checkCqlStore({ dataDir, onProblem: ({ what }) => found.push(what) })
    expect(problems).toBeGreaterThan(0)
    expect(found[0]).toMatch(/runs past the end/)
  })

  it('gives its room back, and has then what it had before', async () => {
    await filled()
    const mdb = join(dataDir, 'lmdb/data.mdb')
    await withStore(async (session) => {
      const gone = Array.from({ length: rows }, (_, id) => id).filter((id) => id % 10 !== 0)
      for (let i = 0; i < gone.length; i += 100)
        await session.changeSchema(`DELETE FROM k.t WHERE id IN (${gone.slice(i, i + 100).join(', ')})`)
      await session.changeSchema('DROP TABLE k.gone')
    })
    const before = statSync(mdb).size
    // Tombstones of the second that has not ended stay.
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 5_000 }
    const { recordsChanged, bytesBefore, bytesAfter } = await compactCqlStore({ dataDir, clock })
    expect(recordsChanged).toBe(rows * 0.9)
    expect(bytesBefore).toBeGreaterThanOrEqual(before)
    expect(bytesAfter).toBe(statSync(mdb).size)
    expect(bytesAfter).toBeLessThan(bytesBefore / 2)
    expect(readdirSync(dataDir)).not.toContain('lmdb-copy')
    expect(await checkCqlStore({ dataDir })).toMatchObject({ tables: [{ table: 'k.t', records: rows / 10 }], problems: 0 })
    await withStore(async (session) => expect(await session.count('k', 't')).toBe(rows / 10))
  })

  it('takes collections of more elements than one write brings, and then says so to an older Millrace', async () => {
    await withStore((session) => makeKeyspace(session))
    const schema = join(dataDir, 'schema.json')
    writeFileSync(schema, readFileSync(schema, 'utf8').replace('"format": 2', '"format": 1'))
    const sets = [0, 35_000].map((from) => `{${Array.from({ length: 35_000 }, (_, i) => from + i).join(',')}}`)
    await withStore(async (session) => {
      await session.changeSchema('CREATE TABLE k.sets (id int PRIMARY KEY, s set<int>)')
      await session.query('INSERT INTO k.sets (id) VALUES (1)')
      for (const set of sets) await session.query(`UPDATE k.sets SET s = s + ${set} WHERE id = 1`)
    })
    expect(readFileSync(schema, 'utf8')).toContain('"format": 2')
    expect(await checkCqlStore({ dataDir })).toMatchObject({ problems: 0 })
    await withStore(async (session) => {
      const { rows } = await session.query('SELECT s FROM k.sets')
      expect(rows[0]?.['s']).toHaveLength(70_000)
    })
  })
})
