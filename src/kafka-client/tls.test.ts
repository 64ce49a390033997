import { beforeAll, describe, expect, it } from 'vitest'
import { type Authority, type Certificate, makeAuthority } from '../../tools/engines/certificates.ts'
import { listenTcp } from '../platform/index.ts'
import { connectKafka, type KafkaConnectOptions, type TlsOptions } from './index.ts'
import { onMetadata, type ScriptedBroker, type ScriptedTls, startScriptedBroker } from './scripted-broker.ts'

const HOUR_MS = 3_600_000
let authority: Authority
let server: Certificate
let client: Certificate

beforeAll(async () => {
  authority = await makeAuthority()
  server = await authority.issue({ name: 'localhost' })
  client = await authority.issue({ name: 'client', dns: ['client'], ips: [] })
})

function startBroker(tls: ScriptedTls, asked: string[] = []): Promise<ScriptedBroker> {
  const onTls = ({ servername }: { servername?: string | false | null }): void => void asked.push(servername || 'none')
  return startScriptedBroker((port) => [onMetadata(port, { t: 1 })], { tls, onTls })
}

async function failureOf(port: number, tls: TlsOptions | null, more: Partial<KafkaConnectOptions> = {}): Promise<unknown> {
  const options = { bootstrapServers: [`127.0.0.1:${port}`], clientId: 'test', connectTimeoutMs: 2_000, ...(tls ? { tls } : {}), ...more }
  // Nothing of this comes right by itself: it must not be tried for long.
  return connectKafka({ ...options, requestTimeoutMs: 300 }).then(
    (kafka) => kafka.close(),
    (error: unknown) => error,
  )
}

describe('TLS', () => {
  it('is spoken with a broker that the authority vouches for', async () => {
    await using broker = await startBroker(server)
    await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test', tls: { ca: authority.cert } })
    expect((await kafka.admin.metadata(['t'])).topics[0]?.error).toBeNull()
  })

  it('asks for the host by name (SNI), or for the name that is set, and for no name where there is only an address', async () => {
    const asked: string[] = []
    await using broker = await startBroker(server, asked)
    for (const [host, serverName] of [['localhost'], ['127.0.0.1'], ['127.0.0.1', 'localhost']]) {
      const tls = { ca: authority.cert, ...(serverName ? { serverName } : {}) }
      await using kafka = await connectKafka({ bootstrapServers: [`${host}:${broker.port}`], clientId: 'test', tls })
      await kafka.close()
    }
    expect(asked).toEqual(['localhost', 'none', 'localhost'])
  })

  it('shows its certificate to a broker that wants one', async () => {
    await using broker = await startBroker({ ...server, ca: authority.cert })
    const tls = { ca: authority.cert, ...client }
    await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test', tls })
    expect((await kafka.admin.metadata()).brokers).toHaveLength(1)
  })

  it('takes an encrypted key with its passphrase', async () => {
    const encrypted = await authority.issue({ name: 'client', passphrase: 'open sesame' })
    await using broker = await startBroker({ ...server, ca: authority.cert })
    expect(await failureOf(broker.port, { ca: authority.cert, ...encrypted, passphrase: 'open sesame' })).toBeUndefined()
    const failure = await failureOf(broker.port, { ca: authority.cert, ...encrypted, passphrase: 'wrong one' })
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('tls.passphrase') })
    expect(JSON.stringify(failure)).not.toContain('wrong one')
  })

  it('goes on whatever the name when told so', async () => {
    await using broker = await startBroker(await authority.issue({ name: 'elsewhere', dns: ['elsewhere'], ips: [] }))
    expect(await failureOf(broker.port, { ca: authority.cert, verifyHostname: false })).toBeUndefined()
  })
})

describe('what TLS fails for is said with what to set', () => {
  const refusals: [string, () => Promise<[ScriptedTls, TlsOptions]>, string][] = [
    ['an authority that the system does not know', async () => [server, {}], 'give its certificate as tls.ca'],
    ['another authority', async () => [server, { ca: (await makeAuthority('Another')).cert }], 'none of the authorities in tls.ca'],
    ['another authority of the same name', async () => [server, { ca: (await makeAuthority()).cert }], 'none of the authorities in tls.ca'],
    [
      'a certificate for another host',
      async () => [await authority.issue({ name: 'elsewhere', dns: ['elsewhere'], ips: [] }), { ca: authority.cert }],
      'tls.serverName',
    ],
    ['a missing client certificate', async () => [{ ...server, ca: authority.cert }, { ca: authority.cert }], 'set tls.cert and tls.key'],
  ]
  it.each(refusals)('%s', async (_, make, text) => {
    const [served, tls] = await make()
    await using broker = await startBroker(served)
    const failure = await failureOf(broker.port, tls)
    expect(failure).toMatchObject({ code: 'AUTHENTICATION_FAILED', retriable: false, message: expect.stringContaining(text) })
  })

  it.each([
    ['has expired', -2, -1],
    ['is not valid yet', 1, 2],
  ])('a certificate that %s, which its operator may renew while we try again', async (text, from, to) => {
    const [notBefore, notAfter] = [new Date(Date.now() + from * HOUR_MS), new Date(Date.now() + to * HOUR_MS)]
    await using broker = await startBroker(await authority.issue({ name: 'localhost', notBefore, notAfter }))
    const failure = await failureOf(broker.port, { ca: authority.cert })
    expect(failure).toMatchObject({ code: 'UNREACHABLE', retriable: true, message: expect.stringContaining(text) })
  })

  const wrongPorts: [string, Buffer | null, boolean, object][] = [
    ['TLS to a port that hangs up', null, true, { code: 'UNREACHABLE', message: expect.stringContaining('is this a port without TLS?') }],
    [
      'TLS to a port that answers otherwise',
      Buffer.from('HTTP/1.1 400\r\n\r\n'),
      true,
      { code: 'PROTOCOL', message: expect.stringContaining('leave tls out') },
    ],
    // A fatal alert, as Java's TLS answers a Kafka request.
    [
      'no TLS to a port that wants it',
      Buffer.from([21, 3, 3, 0, 2, 2, 80]),
      false,
      { code: 'PROTOCOL', message: expect.stringContaining('speaks TLS: set tls') },
    ],
  ]
  it.each(wrongPorts)('%s', async (_, answer, withTls, expected) => {
    const server = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onConnection: (socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => (answer ? socket.write(answer) : socket.destroy()))
      },
    })
    expect(await failureOf(server.port, withTls ? { ca: authority.cert } : null)).toMatchObject(expected)
    await server.close()
  })

  it('settings that cannot be used, without repeating them', async () => {
    const { cert, key } = client
    const cases: [TlsOptions, string][] = [
      [{ cert }, 'tls.key is missing'],
      [{ key }, 'tls.cert is missing'],
      [{ ca: '/etc/ssl/ca.pem' }, 'tls.ca is no certificate'],
      [{ ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, 'tls.ca holds a certificate that cannot be read'],
      [{ cert, key: server.key }, 'tls.key is not the key of tls.cert'],
      [{ cert, key: 'no key' }, 'tls.key is no private key'],
    ]
    for (const [tls, text] of cases) {
      const failure = await failureOf(1, tls)
      expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(text) })
      expect(String(failure)).not.toContain('PRIVATE KEY')
    }
  })
})
