import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectCassandra, type CassandraSession } from '../../src/cql-client/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../../src/cql-store/index.ts'
import { judgedBy } from '../harness/judges.ts'
import { everyColumn, everyRow, fillEveryColumn, jsonRows, millrace } from '../harness/table-files.ts'
import { missingPython, runPythonWith } from './python.ts'

/** Who wrote the format's reference implementation. */
const pyarrow = { title: 'pyarrow', artifacts: [{ is: 'pip', packages: ['pyarrow==26.0.1'] }] } as const
const lacking = missingPython(pyarrow)
if (lacking !== null) console.warn(`left out: Parquet files: ${lacking}`)

const timeout = 400_000

describe('Parquet files of millrace tables', { skip: lacking !== null, ...judgedBy('pyarrow 26.0.1') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-parquet-'))
  let store: CqlStoreHandle
  let session: CassandraSession

  beforeAll(async () => {
    store = await startCqlStore({ dataDir: join(folder, 'tables'), host: '127.0.0.1', port: 0 })
    session = await connectCassandra({ contactPoints: [store.address], localDataCenter: 'datacenter1' })
    await fillEveryColumn(session, 'files.every')
  }, timeout)
  afterAll(async () => {
    await session?.close()
    await store?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('are read by pyarrow, each column as its type', { timeout }, async () => {
    const file = join(folder, 'ours.parquet')
    await millrace(store.address, 'tables', 'export', 'files.every', file)
    const read = await runPythonWith(pyarrow, 'parquet.py', 'read', file)
    expect(read).toMatchObject({ rows: everyRow.length + 1, types: typesOfOurs })
    const { columns } = Object(read)
    const at = columns.k.indexOf(0)
    const first = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, Object(values)[at]]))
    expect(first).toEqual(firstRow)
    const none = columns.k.indexOf(everyRow.length)
    expect(Object.entries(columns).filter(([, values]) => Object(values)[none] !== null)).toMatchObject([['k', {}]])
  })

  it.each(['snappy', 'gzip', 'zstd', 'none'])('are taken as pyarrow writes them, packed by %s', { timeout }, async (codec) => {
    const file = join(folder, `${codec}.parquet`)
    const [table, same] = [`files.by_${codec}`, `files.same_${codec}`]
    for (const name of [table, same]) await session.changeSchema(`CREATE TABLE ${name} (k int PRIMARY KEY, ${everyColumn})`)
    await runPythonWith(pyarrow, 'parquet.py', 'write', file, codec)
    expect(JSON.parse(await millrace(store.address, 'tables', 'import', table, file))).toMatchObject({ written: 3, refused: 0 })
    for (const row of theirRows) await session.query(`INSERT INTO ${same} (${theirNames}) VALUES (${row})`)
    expect(await jsonRows(session, table)).toEqual(await jsonRows(session, same))
  })
})

const typesOfOurs = {
  k: 'int32',
  a: 'string',
  b: 'int64',
  bl: 'binary',
  bo: 'bool',
  d: 'date32[day]',
  de: 'string',
  db: 'double',
  du: 'string',
  f: 'float',
  i: 'string',
  s: 'int16',
  t: 'string',
  ti: 'time64[ns]',
  ts: 'timestamp[ms, tz=UTC]',
  tu: 'extension<arrow.uuid>',
  ty: 'int8',
  u: 'extension<arrow.uuid>',
  v: 'string',
  li: 'list<element: int32>',
  st: 'list<element: string>',
  m: 'string',
}

/** Of `everyRow`, the first: decimals, durations and what is nested are text. */
const firstRow = {
  k: 0,
  a: 'ascii',
  b: 1,
  bl: '00ff',
  bo: true,
  d: 19_782,
  de: '12.50',
  db: 0.1,
  du: '1mo2d10800000000000ns',
  f: 1.5,
  fl: '[[1,2],[3]]',
  fm: '[["3b241101-e2bb-4255-8caf-4136c566a962",["2024-01-01 00:00:00.000+0000"]]]',
  i: '127.0.0.1',
  li: [3, 1, 2],
  m: '{"k":1,"l":2}',
  mi: '[[1,"one"],[2,"two"]]',
  s: 3,
  st: ['a', 'b'],
  t: 'text, "quoted"',
  ti: 45_296_789_012_345,
  tp: '[1,"x"]',
  ts: Date.UTC(2024, 1, 29, 12, 34, 56, 789),
  tu: '8e6b6b80-5b0a-11ee-8c99-0242ac120002',
  ty: 7,
  u: '3b241101-e2bb-4255-8caf-4136c566a962',
  v: '12345678901234567890',
}

/** What `parquet.py` writes, in CQL. */
const theirNames = 'k, a, b, bl, bo, d, de, db, f, i, s, t, ti, ts, tu, ty, u, v, li, st, m, mi, tp, fl'
const theirRows = [
  `10, 'x', 9223372036854775807, 0x00ff, true, '2024-02-29', 12.50, 0.1, 1.5, '127.0.0.1', 1, 'text', '12:34:56.789', '2024-02-29T12:34:56.789Z',
   8e6b6b80-5b0a-11ee-8c99-0242ac120002, 7, 00000000-0000-0000-0000-000000000001, 12345678901234567890, [3, 1, 2], {'b', 'a'}, {'k': 1, 'l': 2}, {2: 'two', 1: 'one'}, (1, 'x'), [{1, 2}, {3}]`,
  `11, 'y', -9223372036854775808, 0x, false, '1583-01-01', -0.01, -1.5, -0.25, '::1', -32768, 'ünï
''', '00:00:00', '1970-01-01T00:00:00Z', null, -128, ffffffff-ffff-ffff-ffff-ffffffffffff, -1, [], {}, {}, {}, null, []`,
  `12${', null'.repeat(23)}`,
]
