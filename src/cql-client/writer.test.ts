import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock, type Clock } from '../platform/index.ts'
import { ByteWriter, compositeKey, decodeValue, encodeValue, errors, murmur3Token, type CqlValue } from '../cql-wire/index.ts'
import {
  connectCassandra,
  rowEncoder,
  type CassandraConnectOptions,
  type CassandraSession,
  type RowWriter,
  type WriteResult,
} from './index.ts'
import { done, failure, startScriptedServer, usersColumns, type Script, type ScriptedServer } from './scripted-server.fixture.ts'

/** Waits are a tenth: pauses and time-outs of the writer are what these tests are about, not how long they last. */
const quickClock: Clock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(ms / 10, callback),
  sleep: (ms, signal) => systemClock.sleep(ms / 10, signal),
}

let releasers = new AsyncDisposableStack()
beforeEach(() => void (releasers = new AsyncDisposableStack()))
afterEach(() => releasers.disposeAsync())

async function server(script: Script = {}): Promise<ScriptedServer> {
  return releasers.use(await startScriptedServer(script))
}

async function session(points: ScriptedServer[], options: Partial<CassandraConnectOptions> = {}): Promise<CassandraSession> {
  const contactPoints = points.map((each) => each.address)
  return releasers.use(await connectCassandra({ contactPoints, localDataCenter: 'datacenter1', clock: quickClock, ...options }))
}

async function writer(
  points: ScriptedServer[],
  options: Partial<CassandraConnectOptions> & { maxInFlight?: number } = {},
): Promise<RowWriter> {
  const { maxInFlight, ...rest } = options
  const open = await session(points, rest)
  return open.writer({ keyspace: 'ks', table: 'users', columns: usersColumns, ...(maxInFlight === undefined ? {} : { maxInFlight }) })
}

function users(count: number): CqlValue[][] {
  return Array.from({ length: count }, (_, i) => [randomUUID(), `user ${i}`])
}

const never = new AbortController().signal

function write(to: RowWriter, rows: CqlValue[][], signal = never): Promise<WriteResult> {
  return to.write(
    rows,
    BigInt64Array.from(rows, (_, i) => 1_000_000n + BigInt(i)),
    signal,
  )
}

function kinds(result: WriteResult): Record<string, number> {
  if (result.is === 'unavailable') return { unavailable: 1 }
  const counts: Record<string, number> = {}
  for (const { is } of result.outcomes) counts[is] = (counts[is] ?? 0) + 1
  return counts
}

function namesIn(at: ScriptedServer): string[] {
  return at.written.map(([, name]) => Buffer.from(name instanceof Uint8Array ? name : []).toString())
}

describe('rows', () => {
  test('arrive with their values and each with its own write time', async () => {
    const cassandra = await server()
    const to = await writer([cassandra])
    const rows = users(2000)
    rows[7] = [rows[7]?.[0] ?? null, null]
    expect(kinds(await write(to, rows))).toEqual({ written: 2000 })
    expect(cassandra.written).toHaveLength(2000)
    cassandra.written.forEach(([id, name, micros], i) => {
      expect(id instanceof Uint8Array && decodeValue({ is: 'uuid' }, id)).toBe(rows[i]?.[0])
      expect(name instanceof Uint8Array ? decodeValue({ is: 'text' }, name) : name).toBe(rows[i]?.[1])
      expect(micros instanceof Uint8Array && decodeValue({ is: 'bigint' }, micros)).toBe(1_000_000n + BigInt(i))
    })
  })

  test('go out many to a socket write', async () => {
    const cassandra = await server()
    const to = await writer([cassandra])
    const before = cassandra.counts.reads
    await write(to, users(500))
    expect(cassandra.counts.reads - before).toBeLessThan(20)
  })

  test('that were encoded elsewhere arrive the same', async () => {
    const cassandra = await server()
    const to = await writer([cassandra])
    const encode = rowEncoder(usersColumns)
    const out = new ByteWriter()
    const rowAt = [0]
    for (const row of users(10)) {
      encode(out, row)
      rowAt.push(out.at)
    }
    const encoded = { bytes: out.copy(), rowAt: Uint32Array.from(rowAt) }
    expect(kinds(await to.write(encoded, new BigInt64Array(10), never))).toEqual({ written: 10 })
    expect(namesIn(cassandra)).toEqual(Array.from({ length: 10 }, (_, i) => `user ${i}`))
  })

  test('never wait in larger number than maxInFlight', async () => {
    const cassandra = await server({ holdUntil: 16 })
    const to = await writer([cassandra], { maxInFlight: 16 })
    expect(kinds(await write(to, users(160)))).toEqual({ written: 160 })
    expect(cassandra.counts.mostWaiting).toBe(16)
  })

  test('of several calls at once each get their own outcomes', async () => {
    const cassandra = await server({
      execute: ([, name]) =>
        name instanceof Uint8Array && Buffer.from(name).toString().startsWith('bad') ? failure(errors.INVALID, 'bad row') : done,
    })
    const to = await writer([cassandra])
    const [good, bad, none] = await Promise.all([
      write(to, users(700)),
      write(
        to,
        users(3).map(([id]) => [id ?? null, 'bad']),
      ),
      write(to, []),
    ])
    expect(kinds(good)).toEqual({ written: 700 })
    expect(kinds(bad)).toEqual({ refused: 3 })
    expect(none).toEqual({ is: 'done', outcomes: [] })
  })
})

describe('a row that is at fault', () => {
  test('by its values is refused alone, with the column named', async () => {
    const cassandra = await server()
    const to = await writer([cassandra])
    const rows = users(3)
    rows[1] = ['no uuid', 'x']
    const result = await write(to, rows)
    expect(result).toMatchObject({ outcomes: [{ is: 'written' }, { is: 'refused', error: { code: 'RECORD_REFUSED' } }, { is: 'written' }] })
    expect(JSON.stringify(result)).toContain('column id: uuid takes a UUID')
  })

  test('in the eyes of the server is refused alone, with the words of the server', async () => {
    const cassandra = await server({
      execute: ([, name]) => (isName(name, 'user 1') ? failure(errors.INVALID, 'Key may not be empty') : done),
    })
    const result = await write(await writer([cassandra]), users(3))
    expect(kinds(result)).toEqual({ written: 2, refused: 1 })
    expect(JSON.stringify(result)).toContain('Key may not be empty')
  })

  test('by its size is refused before it cuts the connection', async () => {
    const cassandra = await server()
    const to = await writer([cassandra])
    const rows = users(2)
    rows[0] = [randomUUID(), 'x'.repeat(17 * 1024 * 1024)]
    expect(kinds(await write(to, rows))).toEqual({ refused: 1, written: 1 })
    expect(cassandra.counts.connections).toBe(2)
  })
})

describe('a server that is at fault', () => {
  test.each([errors.OVERLOADED, errors.UNAVAILABLE, errors.WRITE_TIMEOUT, errors.IS_BOOTSTRAPPING])(
    'for a while (0x%s) gets the rows again',
    async (code) => {
      const cassandra = await server({ execute: (_, count) => (count % 3 === 0 && count < 200 ? failure(code) : done) })
      expect(kinds(await write(await writer([cassandra]), users(300)))).toEqual({ written: 300 })
      expect(new Set(namesIn(cassandra)).size).toBe(300)
    },
  )

  test('for good makes the table unavailable, with its own error, after a bounded number of tries', async () => {
    const cassandra = await server({ execute: () => failure(errors.OVERLOADED, 'too busy') })
    const result = await write(await writer([cassandra]), users(1))
    expect(result).toMatchObject({
      is: 'unavailable',
      error: { code: 'CQL_RETRIABLE', retriable: true, details: { cqlError: 'OVERLOADED' } },
    })
    expect(cassandra.counts.executes).toBe(8)
  })

  test('that has forgotten the statement is told it once more', async () => {
    const forgotten: { is: boolean } = { is: true }
    const cassandra = await server({
      prepare: (count) => {
        if (count > 1) forgotten.is = false
        return null
      },
      execute: () => (forgotten.is ? failure(errors.UNPREPARED) : done),
    })
    expect(kinds(await write(await writer([cassandra]), users(100)))).toEqual({ written: 100 })
    expect(cassandra.counts.prepares).toBe(2)
  })

  test('whose table was dropped blames no row', async () => {
    const cassandra = await server()
    const to = await writer([cassandra])
    cassandra.script.execute = () => failure(errors.INVALID, 'table users does not exist')
    cassandra.script.prepare = () => failure(errors.INVALID, 'table users does not exist')
    expect(await write(to, users(5))).toMatchObject({ is: 'unavailable', error: { code: 'NOT_FOUND' } })
    cassandra.script.execute = () => done
    cassandra.script.prepare = () => null
    expect(kinds(await write(to, users(5)))).toEqual({ written: 5 })
  })

  test('that cuts the connection in the middle gets the rest over a new one', async () => {
    const cassandra = await server({ execute: (_, count) => (count === 50 || count === 120 ? 'cut' : done) })
    expect(kinds(await write(await writer([cassandra]), users(300)))).toEqual({ written: 300 })
    expect(new Set(namesIn(cassandra)).size).toBe(300)
  })

  test('that leaves a row without an answer is taken for dead, and gets it over a new connection', async () => {
    const cassandra = await server({ execute: (_, count) => (count === 3 ? null : done) })
    const to = await writer([cassandra], { requestTimeoutMs: 200 })
    expect(kinds(await write(to, users(20)))).toEqual({ written: 20 })
    expect(cassandra.counts.connections).toBe(3)
  })

  test('that has gone makes the table unavailable; back again, it is written to', async () => {
    const cassandra = await startScriptedServer()
    const to = await writer([cassandra])
    await write(to, users(1))
    await cassandra[Symbol.asyncDispose]()
    expect(await write(to, users(10))).toMatchObject({
      is: 'unavailable',
      error: { code: 'UNREACHABLE', retriable: true },
      retryAfterMs: 1000,
    })
    const back = releasers.use(await startScriptedServer({}, cassandra.port))
    expect(kinds(await write(to, users(10)))).toEqual({ written: 10 })
    expect(back.written).toHaveLength(10)
  })

  test('that sends nonsense is left', async () => {
    const cassandra = await server({ execute: (_, count) => (count === 2 ? { opcode: 'AUTHENTICATE', className: 'x' } : done) })
    expect(await write(await writer([cassandra]), users(5))).toMatchObject({ is: 'unavailable', error: { code: 'PROTOCOL' } })
  })
})

function tokenOf(row: CqlValue[]): bigint {
  return murmur3Token(compositeKey([encodeValue({ is: 'uuid' }, row[0] ?? null)]))
}

async function twoNodes(): Promise<[ScriptedServer, ScriptedServer]> {
  const upper = await server()
  const lower = await server({ tokens: ['0'], peers: [{ port: upper.port, tokens: ['9223372036854775807'] }] })
  return [lower, upper]
}

describe('several nodes', () => {
  test('each get the rows whose tokens they own', async () => {
    const [lower, upper] = await twoNodes()
    const rows = users(400)
    expect(kinds(await write(await writer([lower]), rows))).toEqual({ written: 400 })
    const low = rows.filter((row) => tokenOf(row) <= 0n).map(([, name]) => (typeof name === 'string' ? name : ''))
    expect(namesIn(lower).toSorted()).toEqual(low.toSorted())
    expect(namesIn(upper)).toHaveLength(400 - low.length)
    expect(low.length).toBeGreaterThan(100)
  })

  test('stand in for one that is down', async () => {
    const [lower, upper] = await twoNodes()
    const to = await writer([lower])
    await upper[Symbol.asyncDispose]()
    expect(kinds(await write(to, users(200)))).toEqual({ written: 200 })
    expect(lower.written).toHaveLength(200)
  })

  test('that all have other addresses when they are back are found by a contact point', async () => {
    const [old, young] = [await server(), await server()]
    await young[Symbol.asyncDispose]()
    const to = await writer([old, young])
    await old[Symbol.asyncDispose]()
    expect(await write(to, users(10))).toMatchObject({ is: 'unavailable' })
    const moved = releasers.use(await startScriptedServer({}, young.port))
    let result = await write(to, users(10))
    while (result.is === 'unavailable') result = await write(to, users(10))
    expect(kinds(result)).toEqual({ written: 10 })
    expect(moved.written).toHaveLength(10)
  })
})

describe('an end', () => {
  test('by the signal rejects with its reason', async () => {
    const to = await writer([await server({ execute: () => null })])
    const controller = new AbortController()
    const writing = write(to, users(10), controller.signal)
    controller.abort()
    await expect(writing).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect(write(to, users(1), controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('by close rejects what is on its way, and what comes later', async () => {
    const to = await writer([await server({ execute: () => null })])
    const writing = write(to, users(10))
    await to.close()
    await expect(writing).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(write(to, users(1))).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

function isName(value: unknown, name: string): boolean {
  return value instanceof Uint8Array && Buffer.from(value).toString() === name
}
