import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeAuthority } from '../../tools/engines/certificates.ts'
import { ServedParts } from '../harness/served.ts'
import { findTool, runTool } from '../harness/tools.ts'

const kcat = findTool('kcat', 'MILLRACE_KCAT')
const password = 'correct horse: battery'
let parts: ServedParts

beforeEach(async () => {
  const authority = await makeAuthority()
  const { cert, key } = await authority.issue({ name: 'localhost' })
  const client = await authority.issue({ name: 'client', dns: ['client'], ips: [] })
  const files = { 'cert.pem': cert, 'key.pem': key, 'ca.pem': authority.cert, 'client.pem': client.cert, 'client.key': client.key }
  parts = new ServedParts({ ...files, users: `alice:${password}\n` })
})
afterEach(() => parts[Symbol.asyncDispose]())

async function serve(...args: readonly string[]): Promise<{ output: string; addresses: string[] }> {
  const output = await parts.serve(['broker', ...args], { BROKER_USERS: `alice:${password}` })
  return { output, addresses: output.startsWith('{"part"') ? JSON.parse(output).addresses : [] }
}

const port = (address = ''): string => address.slice(address.lastIndexOf(':') + 1)
const list = (address: string | undefined, ...settings: string[]): { code: number | null; stdout: string } =>
  runTool(kcat ?? '', ['-b', `localhost:${port(address)}`, '-m', '5', '-L', ...settings.flatMap((setting) => ['-X', setting])])
const signIn = (mechanism: string, secret = password): string[] => [
  `sasl.mechanisms=${mechanism}`,
  'sasl.username=alice',
  `sasl.password=${secret}`,
]

describe.skipIf(kcat === null)('millrace serve broker, secured, and kcat', () => {
  test.each(['file:users', 'env:BROKER_USERS'])('several listeners, users by %s', { timeout: 240_000 }, async (users) => {
    const at = ['SASL_SSL://127.0.0.1:0', 'plaintext://127.0.0.1:0', 'ssl://127.0.0.1:0']
    const { addresses, output } = await serve(
      ...at.flatMap((each) => ['--listen', each]),
      '--users',
      users,
      '--tls-cert',
      'cert.pem',
      '--tls-key',
      'key.pem',
    )
    expect(output).not.toContain(password)
    const [secured, plain, tls] = addresses
    const ca = `ssl.ca.location=${join(parts.dir, 'ca.pem')}`
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      expect(list(secured, 'security.protocol=SASL_SSL', ca, ...signIn(mechanism)).stdout).toContain('1 brokers')
    }
    expect(list(secured, 'security.protocol=SASL_SSL', ca, ...signIn('SCRAM-SHA-512', 'wrong')).code).not.toBe(0)
    expect(list(plain).stdout).toContain('1 brokers')
    expect(list(tls, 'security.protocol=SSL', ca).stdout).toContain('1 brokers')
  })

  test('client certificates in place of passwords', { timeout: 240_000 }, async () => {
    const { addresses } = await serve(
      '--host',
      '0.0.0.0',
      '--port',
      '0',
      '--tls-cert',
      'cert.pem',
      '--tls-key',
      'key.pem',
      '--tls-client-ca',
      'ca.pem',
    )
    const ca = ['security.protocol=SSL', `ssl.ca.location=${join(parts.dir, 'ca.pem')}`]
    const own = [`ssl.certificate.location=${join(parts.dir, 'client.pem')}`, `ssl.key.location=${join(parts.dir, 'client.key')}`]
    expect(list(addresses[0], ...ca, ...own).stdout).toContain('1 brokers')
    expect(list(addresses[0], ...ca).code).not.toBe(0)
  })
})

describe('millrace serve broker refuses', () => {
  const tls = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem']
  const wrong: [string, string[], RegExp][] = [
    ['a listener beyond loopback that everybody could use (P8)', ['--listen', 'PLAINTEXT://0.0.0.0:0'], /CREDENTIALS_REQUIRED/],
    ['TLS alone beyond loopback (P8)', ['--listen', 'SSL://0.0.0.0:0', ...tls], /CREDENTIALS_REQUIRED/],
    ['a password on the command line', ['--users', `alice:${password}`], /write file:path or env:NAME/],
    ['a file that is not there', ['--users', 'file:none'], /none cannot be read \(ENOENT\)/],
    ['TLS without a certificate', ['--listen', 'SSL://127.0.0.1:0'], /give --tls-cert and --tls-key/],
    ['a certificate that is none', ['--port', '0', '--tls-cert', 'users', '--tls-key', 'key.pem'], /tls.cert is no certificate/],
    ['an unknown protocol', ['--listen', 'QUIC://127.0.0.1:0'], /the protocol one of PLAINTEXT, SSL/],
    ['another way to flush', ['--port', '0', '--flush', 'never'], /--flush never: it is sync or os/],
    ['to import what is no folder of Kafka', ['--port', '0', '--import-kafka', '.'], /no data folder of Kafka/],
  ]
  test.each(wrong)('%s', { timeout: 240_000 }, async (_, args, told) => {
    const { output } = await serve(...args)
    expect(output).toMatch(told)
    expect(output).not.toContain(password)
  })
})
