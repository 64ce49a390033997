import type { TlsOptions as ServerOptions } from 'node:tls'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTlsFront, type TlsFront } from '../../test/harness/tls-front.ts'
import { makeAuthority, type Authority, type Certificate } from '../../tools/engines/certificates.ts'
import { listenTcp } from '../platform/index.ts'
import { connectCassandra, type CassandraSession, type TlsOptions } from './index.ts'
import { startScriptedServer, usersColumns, type ScriptedServer } from './scripted-server.fixture.ts'

let ours: Authority
let theirs: Authority
let server: Certificate
let client: Certificate
let stranger: Certificate
beforeAll(async () => {
  ours = await makeAuthority()
  theirs = await makeAuthority('Somebody else')
  server = await ours.issue({ name: 'node' })
  client = await ours.issue({ name: 'millrace', dns: ['client'], ips: [] })
  stranger = await theirs.issue({ name: 'stranger', dns: ['client'], ips: [] })
})

let releasers = new AsyncDisposableStack()
let cassandra: ScriptedServer
beforeEach(async () => {
  releasers = new AsyncDisposableStack()
  cassandra = releasers.use(await startScriptedServer())
})
afterEach(() => releasers.disposeAsync())

async function front(options: ServerOptions = {}): Promise<TlsFront> {
  return releasers.use(await startTlsFront({ ...server, ...options }, () => ({ port: cassandra.port })))
}

async function connect(port: number, tls?: TlsOptions, host = '127.0.0.1'): Promise<CassandraSession> {
  const options = { contactPoints: [`${host}:${port}`], localDataCenter: 'datacenter1', requestTimeoutMs: 5_000 }
  return releasers.use(await connectCassandra(tls ? { ...options, tls } : options))
}

const mutual = (): ServerOptions => ({ ca: ours.cert, requestCert: true, rejectUnauthorized: true })

describe('a connection over TLS', () => {
  test('to a server whose authority is given works, for writers too', async () => {
    const { port } = await front()
    const session = await connect(port, { ca: ours.cert })
    const writer = await session.writer({ keyspace: 'ks', table: 'users', columns: usersColumns })
    const row = ['00000000-0000-4000-8000-000000000001', 'Ada']
    expect(await writer.write([row], BigInt64Array.of(1n), new AbortController().signal)).toEqual({
      is: 'done',
      outcomes: [{ is: 'written' }],
    })
    expect(cassandra.written).toHaveLength(1)
  })

  test('names the host by SNI when it has a name', async () => {
    const { port, asked } = await front()
    await connect(port, { ca: ours.cert }, 'localhost')
    expect(asked).toEqual(['localhost'])
  })

  test('with a client certificate passes a server that asks for one, also when its key is encrypted', async () => {
    const { port } = await front(mutual())
    await connect(port, { ca: ours.cert, ...client })
    const sealed = await ours.issue({ name: 'sealed', passphrase: 'open sesame' })
    await connect(port, { ca: ours.cert, ...sealed, passphrase: 'open sesame' })
  })

  test('takes the certificate for serverName where the address is not in it, or any name when told so', async () => {
    const { port, asked } = await front(await ours.issue({ name: 'node', dns: ['cassandra.internal'], ips: [] }))
    await connect(port, { ca: ours.cert, serverName: 'cassandra.internal' })
    expect(asked).toEqual(['cassandra.internal'])
    await connect(port, { ca: ours.cert, verifyHostname: false })
    await expect(connect(port, { ca: theirs.cert, verifyHostname: false })).rejects.toMatchObject({ details: { tls: 'authority' } })
  })
})

describe('a connection that cannot be made says what to set', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('when the server wants a client certificate (%s)', async (maxVersion) => {
    const { port } = await front({ ...mutual(), maxVersion })
    const error: unknown = await connect(port, { ca: ours.cert }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', details: { tls: 'client' } })
    expect(String(error)).toContain('Set tls.cert and tls.key.')
  })

  test('when the client certificate is of an authority that the server does not know', async () => {
    const { port } = await front(mutual())
    await expect(connect(port, { ca: ours.cert, ...stranger })).rejects.toThrow(/closed the connection|TLS handshake/)
  })

  test('when the authority is unknown', async () => {
    const { port } = await front()
    for (const ca of [undefined, theirs.cert]) {
      const failed = connect(port, ca === undefined ? {} : { ca })
      await expect(failed).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: { tls: 'authority' } })
      await expect(failed).rejects.toThrow(/Set tls.ca/)
    }
  })

  test('when the certificate is for another host', async () => {
    const { port } = await front(await ours.issue({ name: 'node', dns: ['elsewhere'], ips: ['10.0.0.1'] }))
    const failed = connect(port, { ca: ours.cert })
    await expect(failed).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: { tls: 'name' } })
    await expect(failed).rejects.toThrow(/certificate is for DNS:elsewhere, IP Address:10\.0\.0\.1\. Set tls\.serverName/)
  })

  test('when the certificate is out of date, which may be mended on the server', async () => {
    const past = await ours.issue({ name: 'node', notBefore: new Date(Date.now() - 2e8), notAfter: new Date(Date.now() - 1e8) })
    const future = await ours.issue({ name: 'node', notBefore: new Date(Date.now() + 1e8), notAfter: new Date(Date.now() + 2e8) })
    await expect(connect((await front(past)).port, { ca: ours.cert })).rejects.toThrow(/certificate has expired\. Renew it/)
    await expect(connect((await front(past)).port, { ca: ours.cert })).rejects.toMatchObject({ code: 'UNREACHABLE', retriable: true })
    await expect(connect((await front(future)).port, { ca: ours.cert })).rejects.toThrow(/not valid yet/)
  })

  test('when the port speaks no TLS', async () => {
    // As Cassandra does: an ERROR frame for what it takes for protocol version 22.
    const answer = Buffer.from([0x84, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 10, 0, 0])
    const plain = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onConnection: (socket) => socket.on('error', () => undefined).once('data', () => socket.end(answer)),
    })
    releasers.defer(() => plain.close())
    const failed = connect(plain.port, { ca: ours.cert })
    await expect(failed).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: { tls: 'plain' } })
    await expect(failed).rejects.toThrow(/does not speak TLS/)
  })

  test('when the port speaks TLS alone', async () => {
    await expect(connect((await front()).port)).rejects.toThrow(
      /closed the connection before it answered STARTUP; if it speaks TLS, set tls/,
    )
    const alert = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onConnection: (socket) => socket.on('error', () => undefined).once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 80]))),
    })
    releasers.defer(() => alert.close())
    await expect(connect(alert.port)).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: { tls: 'required' } })
  })

  test('when it is closed in the middle of the handshake', async () => {
    const rude = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onConnection: (socket) => socket.on('error', () => undefined).once('data', () => socket.end()),
    })
    releasers.defer(() => rude.close())
    await expect(connect(rude.port, { ca: ours.cert })).rejects.toThrow(/look whether this port speaks TLS/)
  })

  test.each([
    ['ca', (): TlsOptions => ({ ca: 'conf/ca.crt' })],
    ['ca', (): TlsOptions => ({ ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' })],
    ['cert', (): TlsOptions => ({ cert: 'conf/client.crt', key: client.key })],
    ['cert', (): TlsOptions => ({ key: client.key })],
    ['key', (): TlsOptions => ({ cert: client.cert })],
    ['key', (): TlsOptions => ({ cert: client.cert, key: 'hunter2' })],
    ['key', (): TlsOptions => ({ cert: client.cert, key: stranger.key })],
  ])('when tls.%s is unusable, without telling it', async (option, tls) => {
    const error: unknown = await connect(1, tls()).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(`tls.${option} `) })
    expect(String(error)).not.toMatch(/hunter2|BEGIN/)
  })

  test('when the key is encrypted and its passphrase missing or wrong', async () => {
    const sealed = await ours.issue({ name: 'sealed', passphrase: 'open sesame' })
    await expect(connect(1, sealed)).rejects.toThrow('tls.passphrase is missing: tls.key is encrypted.')
    const error: unknown = await connect(1, { ...sealed, passphrase: 'guess' }).catch((reason: unknown) => reason)
    expect(String(error)).toContain('tls.passphrase does not open tls.key.')
    expect(String(error)).not.toContain('guess')
  })
})
