import { beforeAll, describe, expect, test } from 'vitest'
import { makeAuthority, type Certificate } from '../../tools/engines/certificates.ts'
import { resolveSettings, type Settings } from './settings.ts'

function resolve(cassandra: object, env: Record<string, string> = {}): Settings {
  return resolveSettings({ config: { name: 'users', cassandra }, configPath: '/p/millrace.config.ts', projectDir: '/p', env })
}

let issued: Certificate
let authority: string
beforeAll(async () => {
  const made = await makeAuthority()
  authority = made.cert.trim()
  const { cert, key } = await made.issue({ name: 'store' })
  issued = { cert: cert.trim(), key: key.trim() }
})

/** Certificate and key by the environment; the certificate with its authority behind it unless `cert` is another. */
const variables = (cert = `${issued.cert}\n${authority}`): Record<string, string> => ({
  MILLRACE_CQL_USERNAME: 'ada',
  MILLRACE_CQL_PASSWORD: 's3cret',
  MILLRACE_CQL_TLS_CERT: cert,
  MILLRACE_CQL_TLS_KEY: issued.key,
})

describe('the embedded table store', () => {
  test('has user, password and certificate from the environment, and its own clients know it by that certificate', () => {
    const env = variables()
    const { embedded } = resolve({}, env).cassandra
    expect(embedded.credentials).toEqual({ username: 'ada', password: 's3cret' })
    expect(embedded.tls).toEqual({ cert: env['MILLRACE_CQL_TLS_CERT'], key: issued.key })
    expect(embedded.clientTls).toEqual({ ca: env['MILLRACE_CQL_TLS_CERT'], verifyHostname: false })
  })

  test('is known by cassandra.tls where that is there, which then is used', () => {
    const { cassandra, warnings } = resolve({ tls: { ca: authority, serverName: 'store' } }, variables(issued.cert))
    expect(cassandra.embedded.clientTls).toEqual({ ca: authority, serverName: 'store' })
    expect(warnings).toEqual([])
  })

  test('is known by its certificate where cassandra.tls only says who its own clients are', () => {
    const env = variables()
    const tls = { cert: authority, key: issued.key }
    const { embedded } = resolve({ tls, embedded: { tls: { clientCa: authority } } }, env).cassandra
    expect(embedded.clientTls).toEqual({ ...tls, ca: env['MILLRACE_CQL_TLS_CERT'], verifyHostname: false })
  })

  test('speaks no TLS where that is turned off', () => {
    expect(resolve({}, { ...variables(), MILLRACE_CQL_TLS: 'false' }).cassandra.embedded.tls).toBeNull()
  })

  test('is said to be unused beside a real one', () => {
    const { cassandra, warnings } = resolve({ contactPoints: ['a:1'] }, variables())
    expect(cassandra.embedded).toEqual({ credentials: null, tls: null, clientTls: null })
    expect(warnings).toEqual([expect.stringContaining('cassandra.embedded not used')])
  })

  test.each([
    ['a certificate without its authority', (): object => ({}), (): string => issued.cert, 'set cassandra.tls.ca'],
    ['a client authority', () => ({ embedded: { tls: { clientCa: authority } } }), (): string => authority, 'set cassandra.tls.cert'],
    ['a certificate that is none', () => ({}), () => 'hello', 'is no PEM text'],
  ])('is refused with %s, in words that hold no key (P8)', (_what, cassandra, cert, told) => {
    const refused = (): Settings => resolve(cassandra(), variables(cert()))
    expect(refused).toThrow(told)
    expect(refused).not.toThrow(/PRIVATE|s3cret/)
  })

  test('needs the key with the certificate', () => {
    expect(() => resolve({ embedded: { tls: { cert: authority } } })).toThrow('"cassandra.embedded.tls.key"')
  })
})
