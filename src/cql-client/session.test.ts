import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listenTcp, systemClock, type Clock } from '../platform/index.ts'
import { errors, type CqlType, type Response } from '../cql-wire/index.ts'
import { connectCassandra, type CassandraConnectOptions, type CassandraSession } from './index.ts'
import { failure, startScriptedServer, usersColumns, type Script, type ScriptedServer } from './scripted-server.fixture.ts'

let releasers = new AsyncDisposableStack()
beforeEach(() => void (releasers = new AsyncDisposableStack()))
afterEach(() => releasers.disposeAsync())

async function server(script: Script = {}): Promise<ScriptedServer> {
  return releasers.use(await startScriptedServer(script))
}

async function connect(contactPoints: string[], options: Partial<CassandraConnectOptions> = {}): Promise<CassandraSession> {
  return releasers.use(await connectCassandra({ contactPoints, localDataCenter: 'datacenter1', ...options }))
}

/** The address of a port that nobody listens on. */
async function freeAddress(): Promise<string> {
  const tcp = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => {} })
  await tcp.close()
  return `127.0.0.1:${tcp.port}`
}

describe('connecting', () => {
  test('to servers that are not there says which were tried, and may be tried again', async () => {
    const [first, second] = [await freeAddress(), await freeAddress()]
    const error: unknown = await connect([first, second]).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'UNREACHABLE', retriable: true, details: { tried: `${first}, ${second}` } })
    expect(String(error)).toContain('ECONNREFUSED')
  })

  test('takes the next contact point when the first does not answer', async () => {
    const cassandra = await server()
    await connect([await freeAddress(), cassandra.address])
    expect(cassandra.counts.connections).toBe(1)
  })

  test('to something that accepts and says nothing ends in time', async () => {
    const mute = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => {} })
    releasers.defer(() => mute.close())
    await expect(connect([`127.0.0.1:${mute.port}`], { requestTimeoutMs: 50 })).rejects.toThrow(/did not answer STARTUP within 50 ms/)
  })

  test('to something that says nothing is tried again sooner than a question would be', async () => {
    const mute = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => {} })
    releasers.defer(() => mute.close())
    const clock: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 100, callback) }
    await expect(connect([`127.0.0.1:${mute.port}`], { clock })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('did not finish the handshake within 5000 ms'),
    })
  })

  test('to something that speaks no CQL says so', async () => {
    const http = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onConnection: (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    })
    releasers.defer(() => http.close())
    await expect(connect([`127.0.0.1:${http.port}`])).rejects.toMatchObject({ code: 'PROTOCOL' })
  })

  test('is given up with the signal', async () => {
    const mute = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => {} })
    releasers.defer(() => mute.close())
    const controller = new AbortController()
    const connecting = connect([`127.0.0.1:${mute.port}`], { signal: controller.signal })
    controller.abort()
    await expect(connecting).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('with the right password works, for writers too', async () => {
    const cassandra = await server({ password: 'secret' })
    const session = await connect([cassandra.address], { credentials: { username: 'user', password: 'secret' } })
    const writer = await session.writer({ keyspace: 'ks', table: 'users', columns: usersColumns })
    await writer.close()
  })

  test.each([undefined, { username: 'user', password: 'guess' }])(
    'with credentials %o is refused, and the password is not told',
    async (credentials) => {
      const cassandra = await server({ password: 'secret' })
      const error: unknown = await connect([cassandra.address], credentials ? { credentials } : {}).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', retriable: false })
      expect(String(error)).not.toContain('guess')
    },
  )

  test('to an authenticator of DSE, as managed services have it, names the mechanism first', async () => {
    const dse = await server({ password: 'secret', authenticator: 'com.datastax.bdp.cassandra.auth.DseAuthenticator' })
    await connect([dse.address], { credentials: { username: 'user', password: 'secret' } })
    await expect(connect([dse.address], { credentials: { username: 'user', password: 'guess' } })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
  })

  test('to another data centre names those that there are', async () => {
    const cassandra = await server({ dataCenter: 'north' })
    await expect(connect([cassandra.address])).rejects.toThrow(/No Cassandra node is in data centre "datacenter1".*north/)
  })
})

describe('opening a writer', () => {
  test('for a table that is not there is NOT_FOUND', async () => {
    const session = await connect([(await server({ prepare: () => failure(errors.INVALID, 'unconfigured table users') })).address])
    await expect(session.writer({ keyspace: 'ks', table: 'users', columns: usersColumns })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('with a column of another type names the column and both types', async () => {
    const session = await connect([(await server()).address])
    const columns = [usersColumns[0], { name: 'name', type: { is: 'int' } }] as const
    await expect(session.writer({ keyspace: 'ks', table: 'users', columns })).rejects.toThrow('Column name of ks.users is text, not int.')
  })

  test('takes a column whose inner types are frozen, which the server does not tell', async () => {
    const bare: CqlType = { is: 'map', key: { is: 'text' }, value: { is: 'list', of: { is: 'set', of: { is: 'int' } } } }
    const inner: CqlType = { is: 'list', of: { is: 'set', of: { is: 'int' }, frozen: true }, frozen: true }
    const types: [string, CqlType][] = [
      ['id', { is: 'uuid' }],
      ['name', bare],
      ['[timestamp]', { is: 'bigint' }],
    ]
    const bound = types.map(([name, type]) => ({ keyspace: 'ks', table: 'users', name, type }))
    const prepared: Response = { opcode: 'RESULT', kind: 'prepared', id: Buffer.of(1), bound, pkIndexes: [0], columns: [] }
    const session = await connect([(await server({ prepare: () => prepared })).address])
    const frozen: CqlType = { is: 'map', key: { is: 'text' }, value: inner, frozen: true }
    await using writer = await session.writer({
      keyspace: 'ks',
      table: 'users',
      columns: [usersColumns[0], { name: 'name', type: frozen }],
    })
    expect(writer).toBeDefined()
  })

  test('for a counter table is refused (P2)', async () => {
    const session = await connect([(await server()).address])
    const columns = [usersColumns[0], { name: 'hits', type: { is: 'counter' } }] as const
    await expect(session.writer({ keyspace: 'ks', table: 'users', columns })).rejects.toMatchObject({ code: 'TABLE_MISMATCH' })
  })
})

describe('a session', () => {
  test('whose control connection was cut opens another', async () => {
    const cassandra = await server()
    const session = await connect([cassandra.address])
    cassandra.cutAll()
    expect(await session.keyspaces()).toEqual(['ks'])
    expect(cassandra.counts.connections).toBe(2)
  })

  test('that looks for a connection when it is closed looks no longer', async () => {
    const cassandra = await server()
    const session = await connect([cassandra.address])
    await cassandra[Symbol.asyncDispose]()
    const accepted = Promise.withResolvers<void>()
    const mute = await listenTcp({ host: '127.0.0.1', port: cassandra.port, onConnection: () => accepted.resolve() })
    releasers.defer(() => mute.close())
    const asked = session.keyspaces().catch((error: unknown) => error)
    await accepted.promise
    await session.close()
    expect(await asked).toMatchObject({ code: 'CLOSED' })
  })

  test('is closed at once while the npm driver is connecting, and who waits for it is told', async () => {
    const sockets: Socket[] = []
    const cassandra = await server()
    const session = await connect([cassandra.address])
    const [host = '', port = ''] = cassandra.address.split(':')
    await cassandra[Symbol.asyncDispose]()
    const mute = await listenTcp({ host, port: Number(port), onConnection: (socket) => void sockets.push(socket.on('error', () => {})) })
    releasers.defer(() => mute.close())
    const query = session.query('SELECT key FROM system.local').catch((reason: unknown) => reason)
    await expect.poll(() => sockets.length).toBeGreaterThan(0)
    const startMs = performance.now()
    await session.close()
    expect(performance.now() - startMs).toBeLessThan(1_000)
    expect(await query).toMatchObject({ code: 'CLOSED' })
  })

  test('that was closed says so', async () => {
    const session = await connect([(await server()).address])
    await session.close()
    await expect(session.keyspaces()).rejects.toMatchObject({ code: 'CLOSED' })
    await session.close()
  })
})

describe('the agreement on a schema', () => {
  const [older, newer] = ['00000000-0000-4000-8000-0000000000aa', '00000000-0000-4000-8000-0000000000bb']

  test('is waited for while a node that answers has another one', async () => {
    const late = await server({ schemaVersion: older })
    const script: Script = { schemaVersion: newer, peers: [{ port: late.port, tokens: ['1'], schemaVersion: older }] }
    const session = await connect([(await server(script)).address])
    expect(await session.schemaAgreement(1)).toBe(false)
    const agreeing = session.schemaAgreement(5_000)
    late.script.schemaVersion = newer
    expect(await agreeing).toBe(true)
  })

  test('does not wait for a node that is away: it learns when it is back', async () => {
    const away = await server()
    await away[Symbol.asyncDispose]()
    const script: Script = { schemaVersion: newer, peers: [{ port: away.port, tokens: ['1'], schemaVersion: older }] }
    const session = await connect([(await server(script)).address])
    expect(await session.schemaAgreement(5_000)).toBe(true)
  })
})
