import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeValue, encodeValue, frameFlags, UNSET, type QueryParameters, type Response } from '../../cql-wire/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'
import { plain, RawClient } from './raw-client.fixture.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'cql-protocol-'))
let store: CqlStoreHandle
beforeAll(async () => {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  using client = await RawClient.started(store.port)
  await client.query("CREATE KEYSPACE p WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await client.query('CREATE TABLE p.t (id int PRIMARY KEY, v text, d date)')
})
afterAll(async () => {
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const int = (value: number): Uint8Array => encodeValue({ is: 'int' }, value)
const text = (value: string): Uint8Array => encodeValue({ is: 'text' }, value)
const cells = (response: Response): unknown[][] => {
  if (response.opcode !== 'RESULT' || response.kind !== 'rows') throw new Error(JSON.stringify(response))
  const { columns } = response
  return response.rows.map((row) => row.map((cell, i) => cell && decodeValue(columns[i]?.type ?? { is: 'blob' }, cell)))
}

describe('a version of the protocol', () => {
  it.each([1, 2, 5, 6, 66])('%d is refused in the highest one, with the words that make drivers step down', async (version) => {
    using client = await RawClient.open(store.port)
    client.socket.write(Buffer.from([version, 0x10, 0, 9, 5, 0, 0, 0, 0].slice(0, version < 3 ? 8 : 9)))
    const { header, response } = await client.next()
    expect(header).toMatchObject({ version: 4, isResponse: true, stream: 0 })
    expect(response).toEqual({
      opcode: 'ERROR',
      code: 0x000a,
      message: `Invalid or unsupported protocol version (${version}); the lowest supported version is 3 and the greatest is 4`,
    })
    await client.closed
  })

  it('3 is spoken: no unset values, types that came later by their class, failures without warnings', async () => {
    using client = await RawClient.started(store.port, [], 3)
    const insert = await client.ask({ opcode: 'PREPARE', query: 'INSERT INTO p.t (id, v, d) VALUES (?, ?, ?)' })
    if (insert.opcode !== 'RESULT' || insert.kind !== 'prepared') throw new Error('not prepared')
    const values = [int(1), text('three'), encodeValue({ is: 'date' }, 19_000)]
    expect(await client.ask({ opcode: 'EXECUTE', preparedId: insert.id, parameters: { ...plain, values } })).toMatchObject({ kind: 'void' })
    await client.ask({ opcode: 'EXECUTE', preparedId: insert.id, parameters: { ...plain, values: [int(1), UNSET, UNSET] } })
    const { header, response } = await client.answerTo({ opcode: 'QUERY', query: 'SELECT v, d FROM p.t WHERE id = 1', parameters: plain })
    expect(header.version).toBe(3)
    expect(cells(response)).toEqual([[null, null]])
  })
})

describe('compression', () => {
  it.each(['lz4', 'snappy'] as const)('by %s is taken and given, for frames that it makes smaller', async (compression) => {
    using client = await RawClient.started(store.port, [['COMPRESSION', compression]])
    client.compression = compression
    const long = 'value '.repeat(1_000)
    expect(await client.query('INSERT INTO p.t (id, v) VALUES (2, ?)', { values: [text(long)] })).toMatchObject({ kind: 'void' })
    const answer = await client.answerTo({ opcode: 'QUERY', query: 'SELECT v FROM p.t WHERE id = 2', parameters: plain })
    expect(answer.header.flags).toBe(frameFlags.COMPRESSED)
    expect(answer.header.length).toBeLessThan(long.length)
    expect(cells(answer.response)).toEqual([[long]])
  })

  it('that nobody agreed on, or of bytes that are none, is a PROTOCOL_ERROR; the connection goes on', async () => {
    using client = await RawClient.started(store.port)
    expect(await client.ask({ opcode: 'OPTIONS' }, frameFlags.COMPRESSED)).toMatchObject({ opcode: 'ERROR', code: 0x000a })
    expect(await client.ask({ opcode: 'STARTUP', options: new Map([['CQL_VERSION', '3.0.0'], ['COMPRESSION', 'zip']]) })).toMatchObject({ code: 0x000a }) // prettier-ignore
    using packed = await RawClient.started(store.port, [['COMPRESSION', 'LZ4']])
    expect(await packed.ask({ opcode: 'PREPARE', query: 'SELECT v FROM p.t' }, frameFlags.COMPRESSED)).toMatchObject({ code: 0x000a })
    expect(cells(await packed.query('SELECT key FROM system.local'))).toEqual([['local']])
  })

  it('is offered beside versions', async () => {
    using client = await RawClient.open(store.port)
    const answer = await client.ask({ opcode: 'OPTIONS' })
    expect(answer.opcode === 'SUPPORTED' && Object.fromEntries(answer.options)).toEqual({
      CQL_VERSION: ['3.4.7'],
      COMPRESSION: ['snappy', 'lz4'],
      PROTOCOL_VERSIONS: ['3/v3', '4/v4'],
    })
  })
})

describe('a trace', () => {
  it.each([
    ['a read', 'SELECT v FROM p.t WHERE id = 2', 'Execute CQL3 query', 'Read 1 rows'],
    ['a write', "INSERT INTO p.t (id, v) VALUES (3, 'x')", 'Execute CQL3 query', 'Carried out'],
    ['a refusal', 'SELECT nope FROM p.t', 'Execute CQL3 query', 'Refused: Undefined column name nope in table p.t'],
  ])('of %s can be read once it is answered', async (_of, query, name, activity) => {
    using client = await RawClient.started(store.port)
    const { tracingId } = await client.answerTo({ opcode: 'QUERY', query, parameters: plain }, frameFlags.TRACING)
    const id = tracingId ?? Buffer.alloc(0)
    const [[request, duration] = []] = cells(
      await client.query('SELECT request, duration FROM system_traces.sessions WHERE session_id = ?', { values: [id] }),
    )
    expect(request).toBe(name)
    expect(duration).toBeGreaterThan(0)
    const events = cells(await client.query('SELECT activity FROM system_traces.events WHERE session_id = ?', { values: [id] }))
    expect(events).toEqual([[`Parsing ${query}`], [activity]])
  })
})

describe('prepared statements', () => {
  it('keep their id when they are prepared again, on any connection, and are asked for anew after a restart', async () => {
    const query = 'SELECT v FROM p.t WHERE id = ?'
    const prepare = async (client: RawClient): Promise<Uint8Array> => {
      const prepared = await client.ask({ opcode: 'PREPARE', query })
      if (prepared.opcode !== 'RESULT' || prepared.kind !== 'prepared') throw new Error('not prepared')
      return Buffer.from(prepared.id)
    }
    const parameters: QueryParameters = { ...plain, values: [int(2)] }
    using first = await RawClient.started(store.port)
    const id = await prepare(first)
    using second = await RawClient.started(store.port)
    expect(await second.ask({ opcode: 'EXECUTE', preparedId: id, parameters })).toMatchObject({ kind: 'rows' })
    expect(await prepare(second)).toEqual(id)
    await store.close()
    store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
    using third = await RawClient.started(store.port)
    expect(await third.ask({ opcode: 'EXECUTE', preparedId: id, parameters })).toMatchObject({ code: 0x2500, unprepared: { id } })
    expect(await prepare(third)).toEqual(id)
    expect(await third.ask({ opcode: 'EXECUTE', preparedId: id, parameters })).toMatchObject({ kind: 'rows' })
  })
})

describe('events', () => {
  it('of the schema come to those who asked, in the version that they speak; those of nodes may be asked for', async () => {
    using watcher = await RawClient.started(store.port, [], 3)
    expect(await watcher.ask({ opcode: 'REGISTER', events: ['STATUS_CHANGE', 'TOPOLOGY_CHANGE', 'SCHEMA_CHANGE'] })).toEqual({
      opcode: 'READY',
    })
    using client = await RawClient.started(store.port)
    const table = { target: 'TABLE', keyspace: 'p', name: 'watched' }
    for (const [statement, change] of [
      ['CREATE TABLE p.watched (id int PRIMARY KEY)', 'CREATED'],
      ['ALTER TABLE p.watched ADD v text', 'UPDATED'],
      ['DROP TABLE p.watched', 'DROPPED'],
    ] as const) {
      expect(await client.query(statement)).toMatchObject({ kind: 'schemaChange', change, ...table })
      const { header, response } = await watcher.next()
      expect(header).toMatchObject({ version: 3, stream: -1 })
      expect(response).toEqual({ opcode: 'EVENT', event: 'SCHEMA_CHANGE', change, ...table })
    }
    expect(await client.ask({ opcode: 'REGISTER', events: ['WEATHER_CHANGE'] })).toMatchObject({ code: 0x000a })
  })
})

it('a custom payload is passed over', async () => {
  using client = await RawClient.started(store.port)
  const payload = Buffer.from('0001000161000000027a7a', 'hex')
  const query = Buffer.from('SELECT key FROM system.local')
  const body = Buffer.concat([payload, Buffer.from([0, 0, 0, query.length]), query, Buffer.from([0, 1, 0])])
  client.socket.write(Buffer.concat([Buffer.from([4, frameFlags.CUSTOM_PAYLOAD, 0, 1, 7, 0, 0, 0, body.length]), body]))
  expect(cells((await client.next()).response)).toEqual([['local']])
})
