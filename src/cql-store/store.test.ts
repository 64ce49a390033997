import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'cassandra-driver'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeRequest, errors, readFrameHeader } from '../cql-wire/index.ts'
import { childExecArgv, MillraceError, siblingModule, systemDisk, type Disk } from '../platform/index.ts'
import { startCqlStore, startCqlStoreThread } from './index.ts'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cql-store-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const here = { host: '127.0.0.1', port: 0 }

/** Everything that comes back until the server hangs up. */
function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    const socket: Socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(Buffer.concat(parts)))
  })
}

async function answersSelect(port: number, credentials?: { username: string; password: string }): Promise<unknown> {
  const client = new Client({
    contactPoints: [`127.0.0.1:${port}`],
    localDataCenter: 'datacenter1',
    ...(credentials ? { credentials } : {}),
  })
  try {
    await client.connect()
    return (await client.execute('SELECT cluster_name FROM system.local')).first()['cluster_name']
  } finally {
    await client.shutdown()
  }
}

describe('who may speak to the store', () => {
  it('refuses to listen for others without credentials', async () => {
    await expect(startCqlStore({ dataDir, host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'CREDENTIALS_REQUIRED' })
  })

  it('lets in who knows the password, and nobody else', async () => {
    await using store = await startCqlStore({ dataDir, ...here, credentials: { username: 'millrace', password: 'right' } })
    expect(await answersSelect(store.port, { username: 'millrace', password: 'right' })).toBe('Millrace')
    await expect(answersSelect(store.port, { username: 'millrace', password: 'wrong' })).rejects.toThrow()
    await expect(answersSelect(store.port)).rejects.toThrow()
  })

  it('refuses a folder of a newer format', async () => {
    writeFileSync(join(dataDir, 'schema.json'), '{"format": 99}')
    await expect(startCqlStore({ dataDir, ...here })).rejects.toMatchObject({ code: 'DATA_DIR_NEWER' })
  })
})

describe('bytes that are no protocol', () => {
  it('names its versions, in the highest one, to a client of a newer protocol', async () => {
    await using store = await startCqlStore({ dataDir, ...here })
    const answer = await exchange(store.port, Buffer.from([66, 0, 0, 7, 5, 0, 0, 0, 0]))
    expect(readFrameHeader(answer, 0)).toMatchObject({ version: 4, isResponse: true, stream: 0, opcode: 0 })
    expect(answer.readInt32BE(9)).toBe(0x0a)
    expect(answer.toString('utf8', 15)).toBe(
      'Invalid or unsupported protocol version (66); the lowest supported version is 3 and the greatest is 4',
    )
  })

  it('refuses a frame beyond 16 MB before reading it', async () => {
    await using store = await startCqlStore({ dataDir, ...here })
    const answer = await exchange(store.port, Buffer.from([4, 0, 0, 1, 7, 0x7f, 0xff, 0xff, 0xff]))
    expect(answer.toString('utf8')).toContain('Request is too big')
  })

  it('never take the store down', async () => {
    await using store = await startCqlStore({ dataDir, ...here })
    const startup = Buffer.from(encodeRequest(4, 1, { opcode: 'STARTUP', options: new Map([['CQL_VERSION', '3.0.0']]) }))
    const frame = fc
      .tuple(fc.constantFrom(1, 5, 7, 9, 10, 11, 13, 15, 77), fc.uint8Array({ maxLength: 60 }))
      .map(([opcode, body]) => Buffer.concat([Buffer.from([4, 0, 0, 2, opcode, 0, 0, 0, body.length]), body]))
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array(),
          fc.array(frame, { maxLength: 4 }).map((frames) => Buffer.concat([startup, ...frames])),
        ),
        async (bytes) => {
          await exchange(store.port, bytes)
        },
      ),
      { numRuns: 60 },
    )
    expect(await answersSelect(store.port)).toBe('Millrace')
  })
})

describe('a disk without room', () => {
  it('refuses writes as OVERLOADED, goes on reading, and writes again when there is room', async () => {
    let fault: MillraceError | null = null
    const disk: Disk = {
      ...systemDisk,
      open: (path, options) => {
        const file = systemDisk.open(path, options)
        return {
          path,
          sizeBytes: () => file.sizeBytes(),
          read: (...args) => file.read(...args),
          truncate: (size) => file.truncate(size),
          datasync: () => file.datasync(),
          close: () => file.close(),
          write: (buffers, position) => {
            if (fault) throw fault
            file.write(buffers, position)
          },
        }
      },
    }
    await using store = await startCqlStore({ dataDir, ...here, disk })
    const client = new Client({ contactPoints: [`127.0.0.1:${store.port}`], localDataCenter: 'datacenter1' })
    await client.connect()
    await client.execute("CREATE KEYSPACE room WITH replication = {'class': 'SimpleStrategy'}")
    await client.execute('CREATE TABLE room.t (id int PRIMARY KEY, v text)')
    await client.execute("INSERT INTO room.t (id, v) VALUES (1, 'before')")
    fault = new MillraceError('DISK_FULL', 'no room')
    await expect(client.execute("INSERT INTO room.t (id, v) VALUES (2, 'lost')")).rejects.toMatchObject({ code: errors.OVERLOADED })
    expect((await client.execute('SELECT id FROM room.t')).rows.map((row) => Number(row['id']))).toEqual([1])
    fault = null
    await client.execute("INSERT INTO room.t (id, v) VALUES (3, 'after')")
    expect((await client.execute('SELECT id FROM room.t')).rows.map((row) => Number(row['id'])).sort((a, b) => a - b)).toEqual([1, 3])
    await client.shutdown()
  })
})

describe('the store on its own thread', () => {
  it('answers, recovers what it held, and ends when it is closed', async () => {
    const first = await startCqlStoreThread({ dataDir, ...here })
    expect(await answersSelect(first.port)).toBe('Millrace')
    await first.close()
    await using second = await startCqlStoreThread({ dataDir, ...here })
    expect(second.recovered).toEqual({ tables: 0, mutations: 0, cutBytes: 0 })
  })

  it('hands on why it could not start', async () => {
    await expect(startCqlStoreThread({ dataDir, host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'CREDENTIALS_REQUIRED' })
  })
})

describe('kill -9 while rows are written', () => {
  it('loses no row that was answered', async () => {
    const child = await startChild()
    const client = new Client({ contactPoints: [`127.0.0.1:${child.port}`], localDataCenter: 'datacenter1' })
    await client.connect()
    await client.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    await client.execute('CREATE TABLE ks.t (id int PRIMARY KEY, v text)')
    const answered = new Set<number>()
    const writing = Array.from({ length: 1500 }, async (_, id) => {
      await client.execute('INSERT INTO ks.t (id, v) VALUES (?, ?)', [id, `v${id}`], { prepare: true, retry: undefined })
      answered.add(id)
      if (answered.size === 700) child.process.kill('SIGKILL')
    })
    await Promise.allSettled(writing)
    await client.shutdown()
    expect(answered.size).toBeGreaterThanOrEqual(700)
    await using store = await startCqlStore({ dataDir, ...here })
    const reader = new Client({ contactPoints: [`127.0.0.1:${store.port}`], localDataCenter: 'datacenter1' })
    const ids = new Set((await reader.execute('SELECT id FROM ks.t', [], { fetchSize: 10_000 })).rows.map((row) => Number(row['id'])))
    await reader.shutdown()
    expect([...answered].filter((id) => !ids.has(id))).toEqual([])
  })
})

async function startChild(): Promise<{ process: ChildProcess; port: number }> {
  const script = `const { startCqlStore } = await import(${JSON.stringify(siblingModule(import.meta.url, './index').href)})
    const store = await startCqlStore({ dataDir: ${JSON.stringify(dataDir)}, host: '127.0.0.1', port: 0 })
    console.log(store.port)`
  const child = spawn(process.execPath, [...childExecArgv, '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(Number(line)))
    child.once('exit', (code) => reject(new Error(`the child ended with ${code}`)))
  })
  return { process: child, port }
}
