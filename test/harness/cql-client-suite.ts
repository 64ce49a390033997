import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectCassandra, parseType, type CassandraSession, type CqlValue, type RowWriter } from '../../src/cql-client/index.ts'

const keyspace = 'client_suite'
const never = new AbortController().signal
const columns = [
  { name: 'id', type: { is: 'uuid' } },
  { name: 'name', type: { is: 'text' } },
] as const

/** The suite of `cql-client` on a server, the embedded store or a Cassandra; `connect` starts it and gives its address. */
export function judgeCqlClient(connect: () => Promise<{ address: string } & AsyncDisposable>): void {
  let server: { address: string } & AsyncDisposable
  let session: CassandraSession

  beforeAll(async () => {
    server = await connect()
    session = await connectCassandra({ contactPoints: [server.address], localDataCenter: 'datacenter1' })
    await session.changeSchema(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
    await session.changeSchema(`CREATE TABLE ${keyspace}.users (id uuid PRIMARY KEY, name text)`)
  }, 600_000)
  afterAll(async () => {
    await session?.close()
    await server?.[Symbol.asyncDispose]()
  })

  const open = (maxInFlight?: number): Promise<RowWriter> =>
    session.writer({ keyspace, table: 'users', columns, ...(maxInFlight === undefined ? {} : { maxInFlight }) })
  const users = (count: number): string[][] => Array.from({ length: count }, (_, i) => [randomUUID(), `user ${i}`])
  const nameOf = async (id: string | undefined): Promise<unknown> =>
    (await session.query(`SELECT name, writetime(name) AS at FROM ${keyspace}.users WHERE id = ?`, { params: [id] })).rows[0]

  test('tells tables with their columns and keys', async () => {
    expect(await session.keyspaces()).toContain(keyspace)
    expect(await session.table(keyspace, 'users')).toEqual({
      keyspace,
      name: 'users',
      columns: columns.map(({ name, type }) => ({ name, type: type.is })),
      partitionKey: ['id'],
      clusteringKey: [],
    })
    expect(await session.table(keyspace, 'nix')).toBeNull()
  })

  test('writes rows that the npm driver reads; an older write time does not win, in whatever order they come (P2)', async () => {
    await using writer = await open()
    const rows = users(3_000)
    const result = await writer.write(rows, new BigInt64Array(rows.length).fill(2_000n), never)
    expect(result.is === 'done' && result.outcomes.every(({ is }) => is === 'written')).toBe(true)
    const id = rows[0]?.[0]
    await writer.write([[id ?? '', 'older']], BigInt64Array.of(1_000n), never)
    expect(await nameOf(id)).toEqual({ name: 'user 0', at: '2000' })
    await writer.write([[id ?? '', 'newer']], BigInt64Array.of(3_000n), never)
    expect(await nameOf(id)).toEqual({ name: 'newer', at: '3000' })
    expect(await session.count(keyspace, 'users')).toBe(3_000)
  })

  test.each([1, 8, 4_096])('has an outcome for every row of many batches, with at most %d on their way', async (maxInFlight) => {
    await using writer = await open(maxInFlight)
    const results = await Promise.all(
      Array.from({ length: 8 }, () =>
        writer.write(
          users(200),
          BigInt64Array.from({ length: 200 }, (_, i) => BigInt(i)),
          never,
        ),
      ),
    )
    for (const result of results) expect(result.is === 'done' && result.outcomes.map(({ is }) => is)).toEqual(Array(200).fill('written'))
  })

  test('writes values of every type, null among them', async () => {
    const values: readonly (readonly [string, CqlValue])[] = [
      ['bigint', -(2n ** 63n)],
      ['blob', Uint8Array.of(0, 255)],
      ['boolean', true],
      ['date', 19_782],
      ['decimal', { unscaled: -123_400n, scale: 4 }],
      ['double', 1.5],
      ['inet', '2001:db8::1'],
      ['smallint', -300],
      ['time', 1n],
      ['timestamp', 1_709_209_800_123n],
      ['tinyint', 127],
      ['varint', -(2n ** 100n)],
      ['list<int>', [3, 1, 3]],
      ['set<text>', ['a', 'b']],
      ['map<text, int>', [['x', 1]]],
      ['text', null],
    ]
    await session.changeSchema(`CREATE TABLE ${keyspace}.types (id int PRIMARY KEY, ${values.map(([type], i) => `c${i} ${type}`).join(', ')})`) // prettier-ignore
    const typed = values.map(([type], i) => ({ name: `c${i}`, type: parseType(type) ?? { is: 'text' as const } }))
    await using writer = await session.writer({ keyspace, table: 'types', columns: [{ name: 'id', type: { is: 'int' } }, ...typed] })
    const row = [1, ...values.map(([, value]) => value)]
    expect(await writer.write([row], BigInt64Array.of(1n), never)).toMatchObject({ outcomes: [{ is: 'written' }] })
    const { rows } = await session.query(`SELECT * FROM ${keyspace}.types`)
    expect(typed.map(({ name }) => rows[0]?.[name])).toEqual([
      '-9223372036854775808',
      '0x00ff',
      true,
      '2024-02-29',
      '-12.3400',
      1.5,
      '2001:db8::1',
      -300,
      '00:00:00.000000001',
      '2024-02-29T12:30:00.123Z',
      127,
      '-1267650600228229401496703205376',
      [3, 1, 3],
      ['a', 'b'],
      { x: 1 },
      null,
    ])
  })

  test('reads the rows of a partition in their order, a page at a time, as many as are asked for', async () => {
    await session.changeSchema(`CREATE TABLE ${keyspace}.visits (who text, "at" bigint, note text, PRIMARY KEY (who, "at"))`)
    const visits = [{ name: 'who', type: { is: 'text' } }, { name: 'at', type: { is: 'bigint' } }, { name: 'note', type: { is: 'text' } }] as const // prettier-ignore
    await using writer = await session.writer({ keyspace, table: 'visits', columns: visits })
    const written = Array.from({ length: 25 }, (_, i) => ['ada', BigInt(i), i === 3 ? null : `note ${i}`])
    await writer.write([...written, ['bob', 1n, 'other']], new BigInt64Array(26).fill(1n), never)
    const of = { keyspace, table: 'visits', columns: ['who', 'at', 'note'], where: [{ ...visits[0], value: 'ada' }] }
    expect(await session.rows({ ...of, pageSize: 10 })).toEqual(written)
    expect(await session.rows({ ...of, pageSize: 10, limit: 12, consistency: 'QUORUM' })).toEqual(written.slice(0, 12))
    expect(await session.rows({ ...of, where: [...of.where, { ...visits[1], value: 3n }] })).toEqual([['ada', 3n, null]])
    expect(await session.rows({ ...of, where: [{ ...visits[0], value: 'nobody' }] })).toEqual([])
    await expect(session.rows({ ...of, columns: ['nope'] })).rejects.toMatchObject({ code: 'CQL' })
  })

  test('refuses the row without a key alone; the others are written', async () => {
    await using writer = await open()
    const rows = [[null, 'nobody'], [randomUUID(), 'somebody']] // prettier-ignore
    expect(await writer.write(rows, BigInt64Array.of(1n, 2n), never)).toMatchObject({ outcomes: [{ is: 'refused' }, { is: 'written' }] })
  })

  test('goes on when columns are added under a writer; a table that is dropped under it is NOT_FOUND, and no row is blamed', async () => {
    await session.changeSchema(`CREATE TABLE ${keyspace}.gone (id uuid PRIMARY KEY, name text)`)
    await using writer = await session.writer({ keyspace, table: 'gone', columns })
    await session.changeSchema(`ALTER TABLE ${keyspace}.gone ADD more text`)
    expect(await writer.write(users(50), new BigInt64Array(50).fill(5n), never)).toMatchObject({ is: 'done' })
    await session.changeSchema(`DROP TABLE ${keyspace}.gone`)
    expect(await writer.write(users(1), BigInt64Array.of(1n), never)).toMatchObject({ is: 'unavailable', error: { code: 'NOT_FOUND' } })
  })

  test('pages through what it queries, and tells of a refusal by its code', async () => {
    const seen = new Set<unknown>()
    let pagingState: string | null = null
    do {
      const page = await session.query(`SELECT id FROM ${keyspace}.users`, { pageSize: 700, ...(pagingState ? { pagingState } : {}) })
      for (const { id } of page.rows) seen.add(id)
      pagingState = page.pagingState
    } while (pagingState !== null)
    expect(seen.size).toBe(await session.count(keyspace, 'users'))
    await expect(session.query(`SELECT nope FROM ${keyspace}.users`)).rejects.toMatchObject({
      code: 'CQL',
      details: { cqlError: 'INVALID' },
    })
    await expect(session.query('SELEC 1')).rejects.toMatchObject({ code: 'CQL', details: { cqlError: 'SYNTAX_ERROR' } })
  })
}
