import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { errorCodes, heartbeat, saslAuthenticate, saslHandshake } from '../kafka-wire/index.ts'
import { createLogger, silentLogger, systemClock } from '../platform/index.ts'
import { Connection } from './connection.ts'
import { connectKafka, type OauthToken, type SaslOptions } from './index.ts'
import { readServerError } from './oauthbearer.ts'
import { resolveSasl } from './sasl.ts'
import { on, onMetadata, type ScriptedBroker, startScriptedBroker } from './scripted-broker.ts'

interface Said {
  errorCode?: number
  errorMessage?: string
  authBytes?: Uint8Array
  sessionLifetimeMs?: bigint
}

/** A broker that wants SASL and answers each token as told. It hangs up on other requests between handshake and success, as Kafka does. */
function startBroker(answer: (token: string, round: number) => Said): Promise<ScriptedBroker & { tokens: string[] }> {
  const tokens: string[] = []
  let round = 0
  let isBusy = false
  const scripted = startScriptedBroker((port) => [
    onMetadata(port, { t: 1 }),
    on(saslHandshake, () => {
      isBusy = true
      round = 0
      return { errorCode: 0, mechanisms: ['PLAIN', 'OAUTHBEARER', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] }
    }),
    on(saslAuthenticate, ({ authBytes }) => {
      const token = Buffer.from(authBytes).toString()
      tokens.push(token)
      const said = { errorCode: 0, errorMessage: null, authBytes: new Uint8Array(0), ...answer(token, round++) }
      isBusy = said.authBytes.byteLength > 0
      return said
    }),
    on(heartbeat, (_, socket) => (isBusy ? void socket.destroy() : { errorCode: 0 })),
  ])
  return scripted.then((broker) => Object.assign(broker, { tokens }))
}

const base = { clientId: 'test', connectTimeoutMs: 1_000, requestTimeoutMs: 1_000 }
const beat = { groupId: 'g', generationId: 1, memberId: 'm' }

function open({ host, port }: ScriptedBroker, sasl: SaslOptions): Promise<Connection> {
  const mechanism = resolveSasl(sasl, systemClock)
  return Connection.open({ ...base, host, port, tls: null, sasl: mechanism, clock: systemClock, log: silentLogger })
}

describe('OAUTHBEARER', () => {
  it('sends the token and its extensions as RFC 7628 and KIP-342 say', async () => {
    await using broker = await startBroker(() => ({}))
    const token = async (): Promise<OauthToken> => ({ value: 'abc.def-1', extensions: { logicalCluster: 'lkc-1', pool: 'p 2' } })
    const connection = await open(broker, { mechanism: 'OAUTHBEARER', token })
    expect(broker.tokens).toEqual(['n,,\x01auth=Bearer abc.def-1\x01logicalCluster=lkc-1\x01pool=p 2\x01\x01'])
    connection.close()
  })

  it("tells the server's reason, after it ended the exchange", async () => {
    const reason = Buffer.from('{"status":"insufficient_scope","scope":"kafka"}')
    await using broker = await startBroker((_, round) => (round === 0 ? { authBytes: reason } : { errorCode: 58, errorMessage: 'no' }))
    await expect(open(broker, { mechanism: 'OAUTHBEARER', token: async () => 'abc' })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      retriable: false,
      message: expect.stringContaining('refused the token: insufficient_scope, scope kafka'),
    })
    expect(broker.tokens[1]).toBe('\x01')
  })

  it('a token function that fails, or gives one that has ended, may be asked again', async () => {
    await using broker = await startBroker(() => ({}))
    const failures = [
      async (): Promise<string> => Promise.reject(new Error('the identity provider is away')),
      async (): Promise<OauthToken> => ({ value: 'abc', expiresAtMs: Date.now() - 1 }),
    ]
    for (const token of failures)
      await expect(open(broker, { mechanism: 'OAUTHBEARER', token })).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        retriable: true,
      })
    expect(broker.tokens).toEqual([])
  })

  it('what a token function failed with is told without passwords and queries of addresses', async () => {
    await using broker = await startBroker(() => ({}))
    const token = async (): Promise<string> => {
      await fetch('http://app:s3cret@127.0.0.1/token?key=s3cret')
      return 'none'
    }
    const failure = await open(broker, { mechanism: 'OAUTHBEARER', token }).catch((error: unknown) => error)
    expect(String(failure)).toMatch(/includes credentials: http:\/\/…@127\.0\.0\.1/)
    expect(JSON.stringify(failure)).not.toContain('s3cret')
  })

  it('a client goes on trying until its token function gives one', async () => {
    await using broker = await startBroker(() => ({}))
    let calls = 0
    const token = async (): Promise<string> => (++calls === 2 || calls === 3 ? Promise.reject(new Error('not now')) : 'abc')
    await using kafka = await connectKafka({
      ...base,
      requestTimeoutMs: 5_000,
      bootstrapServers: [broker.address],
      sasl: { mechanism: 'OAUTHBEARER', token },
    })
    broker.cut()
    expect((await kafka.admin.metadata(['t'])).topics[0]?.error).toBeNull()
    expect(calls).toBe(4)
  })

  it('a token function that never answers does not hold up for ever', async () => {
    await using broker = await startBroker(() => ({}))
    const sasl = { mechanism: 'OAUTHBEARER', token: () => new Promise<string>(() => undefined) } as const
    await expect(connectKafka({ ...base, connectTimeoutMs: 3_000, bootstrapServers: [broker.address], sasl })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('it waited for the token function'),
    })
  })

  it.each(['', 'with space', 'with\x01control'])('refuses to send %j as a token', async (value) => {
    await using broker = await startBroker(() => ({}))
    await expect(open(broker, { mechanism: 'OAUTHBEARER', token: async () => value })).rejects.toMatchObject({ retriable: false })
  })

  it.each(['', '[]', 'null', '{"status":1}', '\xff', '{"status":"'])('reads %j as an error without a reason', (text) => {
    expect(readServerError(text)).toBe('no reason given')
  })
})

describe('a session that ends (KIP-368)', () => {
  it('is renewed on the same connection, with a new token each time, while requests go on in order', async () => {
    await using broker = await startBroker(() => ({ sessionLifetimeMs: 150n }))
    let calls = 0
    const connection = await open(broker, { mechanism: 'OAUTHBEARER', token: async () => `token${++calls}` })
    let answered = 0
    while (broker.tokens.length < 4) {
      await Promise.all(Array.from({ length: 5 }, () => connection.request(heartbeat, 4, beat)))
      answered += 5
    }
    expect(connection.isOpen).toBe(true)
    expect(answered).toBeGreaterThan(10)
    expect(new Set(broker.tokens).size).toBe(broker.tokens.length)
    connection.close()
  })

  it('ends the connection with the reason when the broker refuses the renewal', async () => {
    let count = 0
    await using broker = await startBroker(() => (count++ === 0 ? { sessionLifetimeMs: 50n } : { errorCode: 58 }))
    const connection = await open(broker, { mechanism: 'PLAIN', username: 'u', password: 'secret' })
    await new Promise<void>((resolve) => connection.onClose(resolve))
    await expect(connection.request(heartbeat, 4, beat)).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })

  it('ends it with a retriable error when there is no token in time', async () => {
    let calls = 0
    await using broker = await startBroker(() => ({ sessionLifetimeMs: 200n }))
    const token = async (): Promise<string> => (++calls === 1 ? 'abc' : Promise.reject(new Error('away')))
    const connection = await open(broker, { mechanism: 'OAUTHBEARER', token })
    await new Promise<void>((resolve) => connection.onClose(resolve))
    await expect(connection.request(heartbeat, 4, beat)).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED', retriable: true })
  })
})

describe('secrets (P8)', () => {
  const secret = 'Geheimnis-4711'
  const cases: [string, SaslOptions][] = [
    ['PLAIN', { mechanism: 'PLAIN', username: 'u', password: secret }],
    ['SCRAM-SHA-256', { mechanism: 'SCRAM-SHA-256', username: 'u', password: secret }],
    ['SCRAM-SHA-512', { mechanism: 'SCRAM-SHA-512', username: 'u', password: secret }],
    ['OAUTHBEARER', { mechanism: 'OAUTHBEARER', token: async () => ({ value: secret, extensions: { pool: secret } }) }],
  ]
  const echoes: [string, (token: string) => Said][] = [
    ['is refused by a broker that repeats it', (token) => ({ errorCode: errorCodes.SASL_AUTHENTICATION_FAILED, errorMessage: token })],
    ['is answered with garbage that repeats it', (token) => ({ authBytes: Buffer.from(`e=${token}${secret}`) })],
    ['is answered with JSON that repeats it', (token) => ({ authBytes: Buffer.from(JSON.stringify({ status: token })) })],
    ['is taken', () => ({ sessionLifetimeMs: 50n })],
  ]
  const all = cases.flatMap(([name, sasl]) => echoes.map(([what, answer]) => [name, what, sasl, answer] as const))
  it.each(all)('of %s are in no error and no log when what was sent %s', async (_name, _what, sasl, answer) => {
    await using broker = await startBroker((token) => answer(token))
    const lines: string[] = []
    const log = createLogger((line) => lines.push(line), { level: 'debug' })
    const connecting = connectKafka({ ...base, requestTimeoutMs: 5_000, bootstrapServers: [broker.address], sasl, log })
    const outcome: unknown = await connecting.then(
      async (kafka) => {
        await kafka.admin.metadata()
        const seen = inspect(kafka, { depth: 20, showHidden: true })
        await kafka.close()
        return seen
      },
      (error: unknown) => [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), String(error)].join('\n'),
    )
    const shown = [lines.join(''), String(outcome)].join('\n')
    for (const form of [secret, Buffer.from(secret).toString('base64').slice(0, 12)]) expect(shown).not.toContain(form)
  })

  it.each([
    ['PLAIN', '192.0.2.1', 1],
    ['OAUTHBEARER', '192.0.2.1', 1],
    ['SCRAM-SHA-256', '192.0.2.1', 0],
    ['PLAIN', '127.0.0.1', 0],
  ] as const)('of %s unencrypted to %s: %d warning, however many connections', async (mechanism, host, warnings) => {
    const lines: string[] = []
    const log = createLogger((line) => lines.push(line), { level: 'warn' })
    const sasl: SaslOptions =
      mechanism === 'OAUTHBEARER' ? { mechanism, token: async () => secret } : { mechanism, username: 'u', password: secret }
    const connecting = connectKafka({
      ...base,
      connectTimeoutMs: 20,
      requestTimeoutMs: 100,
      bootstrapServers: [`${host}:1`, `${host}:2`],
      sasl,
      log,
    })
    await expect(connecting).rejects.toMatchObject({ code: 'UNREACHABLE' })
    expect(lines.filter((line) => line.includes('unencrypted'))).toHaveLength(warnings)
  })
})
