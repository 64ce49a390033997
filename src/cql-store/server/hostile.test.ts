import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeRequest, encodeValue, type Request } from '../../cql-wire/index.ts'
import { silentLogger, type Logger } from '../../platform/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'
import type { Limits } from './limits.ts'
import { plain, RawClient } from './raw-client.fixture.ts'

let dataDir: string
let store: CqlStoreHandle
/** Why the store hung up on clients. */
const reasons: unknown[] = []
const log: Logger = { ...silentLogger, warn: (_message, fields) => void reasons.push(fields?.['why']), child: () => log }

async function start(limits: Partial<Limits> = {}): Promise<void> {
  reasons.length = 0
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os', limits, log })
}
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cql-hostile-'))
})
afterEach(async () => {
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function isWell(): Promise<boolean> {
  using client = await RawClient.started(store.port)
  const answer = await client.query('SELECT key FROM system.local')
  return answer.opcode === 'RESULT'
}

const text = (value: string): Uint8Array => encodeValue({ is: 'text' }, value)

const requests: Request[] = [
  { opcode: 'QUERY', query: 'SELECT v FROM h.t WHERE id = ?', parameters: { ...plain, values: [Uint8Array.of(0, 0, 0, 1)], pageSize: 2 } },
  { opcode: 'QUERY', query: "INSERT INTO h.t (id, v) VALUES (1, 'x') USING TIMESTAMP 5", parameters: { ...plain, timestampMicros: 9n } },
  { opcode: 'PREPARE', query: 'UPDATE h.t SET v = ? WHERE id = ?' },
  { opcode: 'EXECUTE', preparedId: Buffer.alloc(16, 3), parameters: { ...plain, values: [text('x')] } },
  { opcode: 'REGISTER', events: ['SCHEMA_CHANGE'] },
  { opcode: 'AUTH_RESPONSE', token: Buffer.from('\0a\0b') },
  { opcode: 'BATCH', type: 'logged', statements: [{ query: 'DELETE FROM h.t WHERE id = ?', values: [Uint8Array.of(0, 0, 0, 2)] }], consistency: 1, serialConsistency: null, timestampMicros: null }, // prettier-ignore
]

describe('a store among clients that send nonsense', () => {
  it('answers or hangs up, whatever bytes come, and serves the others on', { timeout: 30_000 }, async () => {
    await start()
    using client = await RawClient.started(store.port)
    await client.query("CREATE KEYSPACE h WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    await client.query('CREATE TABLE h.t (id int PRIMARY KEY, v text)')
    const startup = Buffer.from(encodeRequest(4, 0, { opcode: 'STARTUP', options: new Map([['CQL_VERSION', '3.0.0']]) }))
    const changes = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { minLength: 1, maxLength: 6 })
    const mutated = fc.tuple(fc.constantFrom(...requests), changes).map(([request, all]) => {
      const frame = Buffer.from(encodeRequest(4, 1, request))
      for (const [at, value] of all) frame[at % frame.length] = value
      return Buffer.concat([startup, frame])
    })
    const random = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    const hello = encodeRequest(4, 2, { opcode: 'OPTIONS' })
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, random), fc.nat(50), async (bytes, cut) => {
        using hostile = await RawClient.open(store.port)
        hostile.socket.write(bytes.subarray(0, cut))
        hostile.socket.write(bytes.subarray(cut))
        hostile.socket.end(hello)
        await hostile.closed
      }),
      { numRuns: 400 },
    )
    expect(await isWell()).toBe(true)
  })

  it('refuses a frame of two gigabytes before it comes, and one of 16 MB and a byte', async () => {
    await start()
    for (const length of [0x7fff_ffff, 0xffff_ffff, 16 * 1024 * 1024 + 1]) {
      using client = await RawClient.started(store.port)
      const header = Buffer.from([4, 0, 0, 7, 7, 0, 0, 0, 0])
      header.writeUInt32BE(length, 5)
      client.socket.write(header)
      const { header: answered, response } = await client.next()
      expect(answered.stream).toBe(7)
      expect(response).toMatchObject({
        code: 0x000a,
        message: `Request is too big: length ${length} exceeds maximum allowed length 16777216.`,
      })
      await client.closed
    }
  })

  it('hangs up on those who do not sign in, and those whose frame does not come', async () => {
    await start({ handshakeMs: 100, stalledMs: 100 })
    using silent = await RawClient.open(store.port)
    using slow = await RawClient.started(store.port)
    slow.socket.write(Buffer.from([4, 0, 0, 1, 7, 0, 0, 0, 100, 1]))
    using idle = await RawClient.started(store.port)
    await Promise.all([silent.closed, slow.closed])
    expect(await idle.query('SELECT key FROM system.local')).toMatchObject({ kind: 'rows' })
  })

  it('has no more clients than it may, and room again when one goes', async () => {
    await start({ maxConnections: 2 })
    using first = await RawClient.started(store.port)
    using second = await RawClient.started(store.port)
    using third = await RawClient.open(store.port)
    await third.closed
    first.socket.destroy()
    await expect.poll(isWell).toBe(true)
    expect(await second.query('SELECT key FROM system.local')).toMatchObject({ kind: 'rows' })
  })

  it('takes large frames one after the other where there is no memory for two at once', async () => {
    await start({ maxPartialBytes: 1_000_000 })
    using client = await RawClient.started(store.port)
    await client.query("CREATE KEYSPACE h WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    await client.query('CREATE TABLE h.t (id int PRIMARY KEY, v text)')
    const long = text('x'.repeat(900_000))
    const insert = (id: number): Buffer =>
      Buffer.from(encodeRequest(4, 1, { opcode: 'QUERY', query: `INSERT INTO h.t (id, v) VALUES (${id}, ?)`, parameters: { ...plain, values: [long] } })) // prettier-ignore
    using one = await RawClient.started(store.port)
    using two = await RawClient.started(store.port)
    one.socket.write(insert(1).subarray(0, 500_000))
    await expect.poll(isWell).toBe(true)
    two.socket.write(insert(2))
    await expect.poll(isWell).toBe(true)
    expect(two.answers).toEqual([])
    one.socket.write(insert(1).subarray(500_000))
    expect((await one.next()).response).toMatchObject({ kind: 'void' })
    expect((await two.next()).response).toMatchObject({ kind: 'void' })
  })

  it(
    'reads no more from a client that does not take its answers, hangs up on it in the end, and serves others',
    { timeout: 30_000 },
    async () => {
      await start({ stalledMs: 300 })
      using writer = await RawClient.started(store.port)
      await writer.query("CREATE KEYSPACE h WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
      await writer.query('CREATE TABLE h.t (id int PRIMARY KEY, v text)')
      await writer.query('INSERT INTO h.t (id, v) VALUES (1, ?)', { values: [text('x'.repeat(1_000_000))] })
      using greedy = await RawClient.started(store.port)
      greedy.socket.pause()
      const ask = encodeRequest(4, 1, { opcode: 'QUERY', query: 'SELECT v FROM h.t WHERE id = 1', parameters: plain })
      const before = process.memoryUsage.rss()
      for (let i = 0; i < 2_000; i++) greedy.socket.write(ask)
      expect(await isWell()).toBe(true)
      const isCut = new Promise((resolve) => greedy.socket.once('close', resolve))
      // What the kernel still holds must be read before the end is seen; the server is the one that hung up.
      await expect.poll(() => reasons, { timeout: 60_000 }).toEqual(['it does not read its answers'])
      greedy.socket.resume()
      await isCut
      expect(greedy.answers.length).toBeLessThan(1_000)
      expect(process.memoryUsage.rss() - before).toBeLessThan(400_000_000)
    },
  )
})
