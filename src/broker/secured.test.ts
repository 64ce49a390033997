import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pbkdf2Sync } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeAuthority, type Authority, type Certificate } from '../../tools/engines/certificates.ts'
import { connectKafka, type KafkaClient, type KafkaConnectOptions, type SaslOptions } from '../kafka-client/index.ts'
import { alterUserScramCredentials, describeUserScramCredentials, errorCodes } from '../kafka-wire/index.ts'
import { createLogger } from '../platform/index.ts'
import { startBroker, type BrokerHandle, type BrokerOptions, type Listener } from './index.ts'
import { connectTo } from './testing/ask.ts'

const alice = { username: 'alice', password: 'correct horse, battery=staple' }
let authority: Authority
let certificate: Certificate
let dataDir = ''
let lines: string[] = []
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  authority = await makeAuthority()
  certificate = await authority.issue({ name: 'localhost' })
})
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
  lines = []
})
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(listener: Partial<Listener>, over: Partial<BrokerOptions> = {}): Promise<BrokerHandle> {
  const log = createLogger((line) => lines.push(line))
  const listeners = [{ host: '127.0.0.1', port: 0, ...listener }]
  const broker = await startBroker({ dataDir, listeners, log, ...over })
  closers.push(() => broker.close())
  return broker
}

async function connect(broker: BrokerHandle, more: Partial<KafkaConnectOptions>): Promise<KafkaClient> {
  const options = { bootstrapServers: [broker.address], clientId: 'test', connectTimeoutMs: 2_000, requestTimeoutMs: 2_000 }
  const kafka = await connectKafka({ ...options, ...more })
  closers.push(() => kafka.close())
  return kafka
}

const sasl = (mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512', account = alice): SaslOptions => ({ mechanism, ...account })
const tls = (): Listener['tls'] => ({ key: certificate.key, cert: certificate.cert })
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

describe('a listener with accounts', () => {
  it.each(mechanisms)('lets in by %s over TLS who knows the password, and nobody else', async (mechanism) => {
    const broker = await start({ credentials: [{ username: 'bob', password: 'other' }, alice], tls: tls() })
    const kafka = await connect(broker, { tls: { ca: authority.cert }, sasl: sasl(mechanism) })
    await kafka.admin.createTopics([{ name: 't', partitions: 1 }])
    expect(await kafka.producer().send([{ topic: 't', key: null, value: 'x' }])).toHaveLength(1)
    for (const wrong of [{ password: 'wrong' }, { username: 'nobody' }, { username: 'bob' }]) {
      await expect(connect(broker, { tls: { ca: authority.cert }, sasl: sasl(mechanism, { ...alice, ...wrong }) })).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
      })
    }
    expect(lines.join('')).not.toContain(alice.password)
  })

  it('takes only the mechanisms that are enabled, and says which', async () => {
    const broker = await start({ credentials: alice }, { config: { 'sasl.enabled.mechanisms': 'SCRAM-SHA-512' } })
    await connect(broker, { sasl: sasl('SCRAM-SHA-512') })
    await expect(connect(broker, { sasl: sasl('PLAIN') })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining('SCRAM-SHA-512'),
    })
  })

  it('hears a client again and again that signs in before its session ends, and no other (KIP-368)', async () => {
    const broker = await start({ credentials: alice }, { config: { 'connections.max.reauth.ms': '300' } })
    const kafka = await connect(broker, { sasl: sasl('SCRAM-SHA-256') })
    await kafka.admin.createTopics([{ name: 't', partitions: 1 }])
    await using producer = kafka.producer()
    const until = performance.now() + 1_000
    let sent = 0
    while (performance.now() < until) sent += (await producer.send([{ topic: 't', key: null, value: 'x' }])).length
    expect(sent).toBeGreaterThan(10)
    expect(lines.join('')).not.toContain('the session ended')
  })
})

describe('mTLS', () => {
  it('lets in who has a certificate of the authority, without a password', async () => {
    const broker = await start({ tls: { key: certificate.key, cert: certificate.cert, clientCa: authority.cert } })
    const own = await authority.issue({ name: 'client', dns: ['client'], ips: [] })
    const kafka = await connect(broker, { tls: { ca: authority.cert, ...own } })
    expect((await kafka.admin.metadata([])).brokers).toHaveLength(1)
    await expect(connect(broker, { tls: { ca: authority.cert } })).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })
})

/** What a client that salts a password itself sends (KIP-554). */
function salted(name: string, password: string, iterations = 4096) {
  const salt = Buffer.from('salt of its own')
  return { name, mechanism: 1, iterations, salt, saltedPassword: pbkdf2Sync(password, salt, iterations, 32, 'sha256') }
}

describe('stored SCRAM credentials (KIP-554)', () => {
  it('let in who they were stored for, after a restart too, are readable by the owner alone and hold no password', async () => {
    const broker = await start({ credentials: [] }, { listeners: [{ host: '127.0.0.1', port: 0 }] })
    const bob = { username: 'bob', password: 'a secret of bob' }
    using asking = await connectTo(broker.address)
    const altered = await asking.ask(alterUserScramCredentials, 0, { deletions: [], upsertions: [salted('bob', bob.password)] })
    expect(altered.results).toEqual([{ user: 'bob', errorCode: errorCodes.NONE, errorMessage: null }])
    await broker.close()
    const file = join(dataDir, 'scram-credentials.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain(bob.password)
    const again = await start({ credentials: [] })
    await connect(again, { sasl: sasl('SCRAM-SHA-256', bob) })
    for (const other of [sasl('SCRAM-SHA-512', bob), sasl('PLAIN', bob), sasl('SCRAM-SHA-256', { ...bob, password: 'x' })])
      await expect(connect(again, { sasl: other })).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })

  it('are told without the secret, set and removed for each user whole or not at all', async () => {
    const broker = await start({})
    using asking = await connectTo(broker.address)
    const answered = await asking.ask(alterUserScramCredentials, 0, {
      upsertions: [
        salted('a', 'x'),
        salted('few', 'x', 100),
        salted('few2', 'x'),
        { ...salted('odd', 'x'), mechanism: 9 },
        salted('', 'x'),
      ],
      deletions: [
        { name: 'none', mechanism: 1 },
        { name: 'few2', mechanism: 1 },
      ],
    })
    const errors = Object.fromEntries(answered.results.map(({ user, errorCode }) => [user, errorCode]))
    expect(errors).toEqual({
      a: errorCodes.NONE,
      few: errorCodes.UNACCEPTABLE_CREDENTIAL,
      few2: errorCodes.DUPLICATE_RESOURCE,
      odd: errorCodes.UNSUPPORTED_SASL_MECHANISM,
      '': errorCodes.UNACCEPTABLE_CREDENTIAL,
      none: errorCodes.RESOURCE_NOT_FOUND,
    })
    const all = await asking.ask(describeUserScramCredentials, 0, { users: null })
    expect(all.results).toEqual([{ user: 'a', errorCode: 0, errorMessage: null, credentialInfos: [{ mechanism: 1, iterations: 4096 }] }])
    const some = await asking.ask(describeUserScramCredentials, 0, { users: [{ name: 'b' }, { name: 'a' }, { name: 'a' }] })
    expect(some.results.map(({ errorCode }) => errorCode)).toEqual([errorCodes.RESOURCE_NOT_FOUND, errorCodes.DUPLICATE_RESOURCE])
    await asking.ask(alterUserScramCredentials, 0, { deletions: [{ name: 'a', mechanism: 1 }], upsertions: [] })
    expect((await asking.ask(describeUserScramCredentials, 0, { users: [] })).results).toEqual([])
  })
})

it('does not start with credentials that cannot be used, and tells nothing of them (P8)', async () => {
  const failure = (listener: Partial<Listener>): Promise<unknown> => start(listener).then(() => null, String)
  expect(await failure({ host: '0.0.0.0' })).toContain('user name and password')
  expect(await failure({ credentials: { username: 'a', password: '' } })).toContain('user name and password')
  expect(await failure({ tls: { key: certificate.key, cert: 'no certificate' } })).toContain('tls.cert is no certificate')
})
