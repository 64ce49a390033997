import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectCassandra, type CassandraSession } from '../../src/cql-client/index.ts'
import { bin } from './millrace.ts'

const keyspace = 'files'
/** Of several processes and a real system, on a loaded machine. */
const timeout = 240_000

/** All types of columns that Cassandra has without counters and types of users. */
export const everyColumn = [
  'a ascii, b bigint, bl blob, bo boolean, d date, de decimal, db double, du duration, f float, i inet, s smallint, t text, ti time',
  'ts timestamp, tu timeuuid, ty tinyint, u uuid, v varint, li list<int>, st set<text>, m map<text, int>, mi map<int, text>',
  'tp tuple<int, text>, fl frozen<list<frozen<set<int>>>>, fm frozen<map<uuid, frozen<list<timestamp>>>>',
].join(', ')

/** Rows of {@link everyColumn} behind their key: usual values, those at the ends of their types, and none. */
export const everyRow = [
  `'ascii', 1, 0x00ff, true, '2024-02-29', 12.50, 0.1, 1mo2d3h, 1.5, '127.0.0.1', 3, 'text, "quoted"', '12:34:56.789012345',
   '2024-02-29T12:34:56.789Z', 8e6b6b80-5b0a-11ee-8c99-0242ac120002, 7, 3b241101-e2bb-4255-8caf-4136c566a962, 12345678901234567890,
   [3, 1, 2], {'b', 'a'}, {'k': 1, 'l': 2}, {2: 'two', 1: 'one'}, (1, 'x'), [{1, 2}, {3}],
   {3b241101-e2bb-4255-8caf-4136c566a962: ['2024-01-01T00:00:00Z']}`,
  `'', -9223372036854775808, 0x, false, 0, -1E-40, -1.7976931348623157E308, -1mo, -3.4028235E38, '::1', -32768, 'ünï\ncode ''',
   '00:00:00', '1583-01-01T00:00:00Z', 00000000-0000-1000-8080-808080808080, -128, 00000000-0000-0000-0000-000000000000, -1,
   [], {}, {}, {}, (null, null), [], {}`,
  `'z', 9223372036854775807, 0xdeadbeef, true, '1970-01-01', 0, 0, 0s, 0, 'fe80::1', 32767, '', '23:59:59.999999999',
   '2262-04-11T23:47:16.854Z', c9024afc-5b0a-11ee-8c99-0242ac120002, 127, ffffffff-ffff-4fff-bfff-ffffffffffff, 0,
   [1], {''}, {'': 0}, {0: ''}, (null, 'only'), [{}], {}`,
]

interface Judged extends AsyncDisposable {
  address: string
}

/** `millrace` beside the test: a real system's container and this process go on meanwhile. */
export async function millrace(address: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [bin, '--json', '--cassandra', address, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  // How far it is, on a slow machine.
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${String(code)}: ${said.stdout}${said.stderr}`)
  return said.stdout
}

/** The keyspace and a table of every type, with rows. */
export async function fillEveryColumn(session: CassandraSession, table: string): Promise<void> {
  const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
  await session.changeSchema(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${replication}`)
  await session.changeSchema(`CREATE TABLE ${table} (k int PRIMARY KEY, ${everyColumn})`)
  const names = [...everyColumn.matchAll(/(?:^|, )(\w+) [a-z]/g)].map(([, name]) => name).join(', ')
  for (const [k, row] of everyRow.entries()) await session.query(`INSERT INTO ${table} (k, ${names}) VALUES (${k}, ${row})`)
  await session.query(`INSERT INTO ${table} (k) VALUES (${everyRow.length})`)
}

export async function jsonRows(session: CassandraSession, table: string): Promise<string[]> {
  const { rows } = await session.query(`SELECT JSON * FROM ${table}`)
  return rows.map((row) => String(row['[json]'])).toSorted()
}

/** The suite of `millrace tables export` and `import` on a server; `connect` starts it. */
export function judgeTableFiles(connect: () => Promise<Judged>): void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-files-'))
  let server: Judged
  let session: CassandraSession
  const from = `${keyspace}.every`

  beforeAll(async () => {
    server = await connect()
    session = await connectCassandra({ contactPoints: [server.address], localDataCenter: 'datacenter1', requestTimeoutMs: 60_000 })
    await fillEveryColumn(session, from)
  }, timeout)
  afterAll(async () => {
    await session?.close()
    await server?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(['csv', 'ndjson', 'parquet'])('every type goes into a file of %s and comes back from it', { timeout }, async (format) => {
    const file = join(folder, `every.${format}`)
    const to = `${keyspace}.from_${format}`
    await session.changeSchema(`CREATE TABLE ${to} (k int PRIMARY KEY, ${everyColumn})`)
    expect(JSON.parse(await millrace(server.address, 'tables', 'export', from, file))).toMatchObject({ rows: everyRow.length + 1 })
    expect(readdirSync(folder)).not.toContain(`every.${format}.part`)
    expect(JSON.parse(await millrace(server.address, 'tables', 'import', to, file))).toMatchObject({
      written: everyRow.length + 1,
      refused: 0,
    })
    expect(await jsonRows(session, to)).toEqual(await jsonRows(session, from))
  })

  test('of rows with the same key the last one of the file wins, whole', { timeout }, async () => {
    const file = join(folder, 'twice.csv')
    const table = `${keyspace}.twice`
    await session.changeSchema(`CREATE TABLE ${table} (k int PRIMARY KEY, a text, b int)`)
    // Of two values of the same time the larger one would win.
    const lines = Array.from({ length: 1_200 }, (_, i) => `${i % 400},${i < 800 ? `zz${i}` : 'a'},${i < 800 ? 9_000 - i : ''}`)
    writeFileSync(file, `k,a,b\n${lines.join('\n')}\n`)
    await millrace(server.address, 'tables', 'import', table, file)
    const { rows } = await session.query(`SELECT a, b FROM ${table}`)
    expect(rows).toHaveLength(400)
    expect([...new Set(rows.map(({ a, b }) => `${String(a)} ${String(b)}`))]).toEqual(['a null'])
  })
}
