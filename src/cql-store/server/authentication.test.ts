import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeAuthority } from '../../../tools/engines/certificates.ts'
import { connectCassandra } from '../../cql-client/index.ts'
import type { Response } from '../../cql-wire/index.ts'
import { startCqlStore, type CqlStoreHandle, type CqlStoreOptions } from '../index.ts'
import { RawClient } from './raw-client.fixture.ts'

const credentials = { username: 'ada', password: 'a password of this test alone' }

let dataDir: string
let store: CqlStoreHandle | null
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cql-auth-'))
  store = null
})
afterEach(async () => {
  await store?.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(options: Partial<CqlStoreOptions> = {}): Promise<CqlStoreHandle> {
  await store?.close()
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os', ...options })
  return store
}

const startup = { opcode: 'STARTUP', options: new Map([['CQL_VERSION', '3.0.0']]) } as const
const signIn = (client: RawClient, token: string | null): Promise<Response> =>
  client.ask({ opcode: 'AUTH_RESPONSE', token: token === null ? null : Buffer.from(token) })
const right = `\0${credentials.username}\0${credentials.password}`

describe('a store with a user', () => {
  it("asks for the password as Cassandra's PasswordAuthenticator, and serves nobody before", async () => {
    const { port } = await start({ credentials })
    using client = await RawClient.open(port)
    expect(await client.ask(startup)).toEqual({ opcode: 'AUTHENTICATE', className: 'org.apache.cassandra.auth.PasswordAuthenticator' })
    expect(await client.query('SELECT * FROM system.local')).toMatchObject({
      code: 0x000a,
      message: expect.stringContaining('expecting AUTH_RESPONSE'),
    })
    expect(await signIn(client, right)).toEqual({ opcode: 'AUTH_SUCCESS', token: null })
    expect(await client.query('SELECT key FROM system.local')).toMatchObject({ kind: 'rows' })
  })

  it.each([
    ['\0ada\0wrong', 'Provided username ada and/or password are incorrect'],
    ['\0eve\0a password of this test alone', 'Provided username eve and/or password are incorrect'],
    ['\0cassandra\0cassandra', 'Provided username cassandra and/or password are incorrect'],
    ['\0ada\0', 'Password must not be null'],
    ['\0\0secret', 'Authentication ID must not be null'],
    ['\0ada\0x\0y', 'Credential format error: username or password is empty or contains NUL(\\0) character'],
    ['', 'Password must not be null'],
    [null, 'Password must not be null'],
  ])('refuses %j with code 0x0100', async (token, message) => {
    const { port } = await start({ credentials })
    using client = await RawClient.open(port)
    await client.ask(startup)
    expect(await signIn(client, token)).toEqual({ opcode: 'ERROR', code: 0x0100, message })
  })

  it('lets nobody guess on one connection for long, and no long frame in before', async () => {
    const { port } = await start({ credentials })
    using client = await RawClient.open(port)
    await client.ask(startup)
    for (let guess = 0; guess < 3; guess++) expect(await signIn(client, `\0ada\0${guess}`)).toMatchObject({ code: 0x0100 })
    expect(await client.ask(startup)).toMatchObject({ code: 0x000a, message: expect.stringContaining('expecting AUTH_RESPONSE') })
    expect(await signIn(client, right)).toMatchObject({ code: 0x000a })
    using long = await RawClient.open(port)
    await long.ask(startup)
    expect(await signIn(long, `\0ada\0${'x'.repeat(70_000)}`)).toMatchObject({ code: 0x000a, message: expect.stringContaining('too big') })
    await long.closed
  })

  it('keeps a salted hash that only its owner may read, takes another password when it is told, and knows the last one (P8)', async () => {
    await start({ credentials })
    const file = join(dataDir, 'user.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const kept = readFileSync(file, 'utf8')
    expect(kept).not.toContain(credentials.password)
    await start({ credentials })
    expect(readFileSync(file, 'utf8')).toBe(kept)
    const changed = { ...credentials, password: 'another one' }
    await start({ credentials: changed })
    expect(readFileSync(file, 'utf8')).not.toBe(kept)
    const everywhere = await start({ host: '0.0.0.0' })
    const contactPoints = [`127.0.0.1:${everywhere.port}`]
    await expect(connectCassandra({ contactPoints, localDataCenter: 'datacenter1', credentials })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
    await using session = await connectCassandra({ contactPoints, localDataCenter: 'datacenter1', credentials: changed })
    expect(await session.keyspaces()).toContain('system')
  })

  it('is not beyond loopback without one (P8)', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'CREDENTIALS_REQUIRED' })
    await expect(start({ credentials: { username: 'ada', password: '' } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe('a store with a certificate', () => {
  it('speaks TLS, with a password too; with an authority of clients only to those whom it knows', async () => {
    const authority = await makeAuthority()
    const { cert, key } = await authority.issue({ name: 'store', dns: ['localhost'], ips: ['127.0.0.1'] })
    const own = await authority.issue({ name: 'client', dns: ['client'], ips: [] })
    const open = async (tls: object, port: number) => connectCassandra({ contactPoints: [`127.0.0.1:${port}`], localDataCenter: 'datacenter1', credentials, tls }) // prettier-ignore
    const first = await start({ tls: { cert, key }, credentials })
    await using session = await open({ ca: authority.cert }, first.port)
    expect((await session.query('SELECT key FROM system.local')).rows).toEqual([{ key: 'local' }])
    const plain = connectCassandra({ contactPoints: [`127.0.0.1:${first.port}`], localDataCenter: 'datacenter1', credentials })
    await expect(plain).rejects.toMatchObject({ code: expect.stringMatching(/CONFIG_INVALID|UNREACHABLE/) })
    const second = await start({ tls: { cert, key, clientCa: authority.cert }, credentials })
    await using known = await open({ ca: authority.cert, ...own }, second.port)
    expect(await known.keyspaces()).toContain('system')
    await expect(open({ ca: authority.cert }, second.port)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('does not start with one that cannot be used, and tells which option it is', async () => {
    await expect(start({ tls: { cert: 'none', key: 'none' } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('tls.cert'),
    })
  })
})
