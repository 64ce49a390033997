import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectCassandra, type CassandraSession } from '../../src/cql-client/index.ts'
import { makeAuthority, type Authority } from '../../tools/engines/certificates.ts'
import { ServedParts } from '../harness/served.ts'

const password = 'correct horse: battery'
let parts: ServedParts
let authority: Authority

beforeEach(async () => {
  authority = await makeAuthority()
  const { cert, key } = await authority.issue({ name: 'localhost', dns: ['localhost'], ips: ['127.0.0.1'] })
  const files = { 'cert.pem': cert, 'key.pem': key, 'ca.pem': authority.cert }
  parts = new ServedParts({ ...files, user: `ada:${password}\n`, users: 'a:b\nc:d\n' })
})
afterEach(() => parts[Symbol.asyncDispose]())

function serve(...args: readonly string[]): Promise<string> {
  return parts.serve(['cql-store', '--port', '0', ...args], { STORE_USER: `ada:${password}` })
}

const addressIn = (output: string): string => {
  const { address }: { address: string } = JSON.parse(output)
  return address.replace('0.0.0.0', '127.0.0.1')
}

const connect = (address: string, more: object = {}): Promise<CassandraSession> =>
  connectCassandra({ contactPoints: [address], localDataCenter: 'datacenter1', ...more })

describe('millrace serve cql-store, secured', () => {
  test.each(['file:user', 'env:STORE_USER'])('asks for the user of %s, on loopback too', { timeout: 240_000 }, async (user) => {
    const address = addressIn(await serve('--user', user))
    await expect(connect(address)).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await using session = await connect(address, { credentials: { username: 'ada', password } })
    expect(await session.keyspaces()).toContain('system')
  })

  test('speaks TLS, and lets in those alone whom the authority of its clients knows', { timeout: 240_000 }, async () => {
    const tls = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem', '--tls-client-ca', 'ca.pem']
    const address = addressIn(await serve('--host', '0.0.0.0', '--user', 'file:user', ...tls))
    const own = await authority.issue({ name: 'client', dns: ['client'], ips: [] })
    const credentials = { username: 'ada', password }
    await using session = await connect(address, { credentials, tls: { ca: authority.cert, ...own } })
    expect(await session.keyspaces()).toContain('system')
    await expect(connect(address, { credentials, tls: { ca: authority.cert } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test.each([
    [['--user', 'ada:secret-word'], '--user: write file:path or env:NAME'],
    [['--user', 'file:users'], '--user: the table store has one user'],
    [['--tls-cert', 'cert.pem'], '--tls-cert and --tls-key go together'],
    [['--tls-cert', 'key.pem', '--tls-key', 'key.pem'], 'tls.cert is no certificate'],
  ])('%j is refused in words that hold no secret (P8)', { timeout: 240_000 }, async (args, told) => {
    const output = await serve(...args)
    expect(output).toContain(told)
    expect(output).not.toContain('secret-word')
    expect(output).not.toContain('PRIVATE')
  })
})
