import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectKafka, type KafkaClient, type KafkaConnectOptions, type SaslOptions } from '../../src/kafka-client/index.ts'
import { createLogger, systemClock } from '../../src/platform/index.ts'
import { makeAuthority } from '../../tools/engines/certificates.ts'
import { engines, type SecuredKafkaEngine } from '../../tools/engines/index.ts'
import { sessionMs } from '../../tools/engines/systems/kafka-secured.ts'
import { describeOn } from './available.ts'

const lines: string[] = []
const log = createLogger((line) => lines.push(line), { level: 'debug' })
const errors: string[] = []

describeOn(['kafka4Secured'], 'our Kafka client on a secured Kafka 4', () => {
  let kafka: SecuredKafkaEngine

  beforeAll(async () => {
    kafka = await engines.kafka4Secured()
    await using admin = await connectKafka({ bootstrapServers: [kafka.bootstrapServers], clientId: 'admin' })
    await admin.admin.createTopics([
      { name: `${kafka.limitedPrefix}t`, partitions: 3 },
      { name: 'forbidden', partitions: 1 },
    ])
  }, 600_000)
  afterAll(async () => kafka[Symbol.asyncDispose]())

  const connect = async (options: Partial<KafkaConnectOptions>): Promise<KafkaClient> => {
    const { ca } = kafka.tls
    try {
      return await connectKafka({ bootstrapServers: [kafka.saslServers], clientId: 'test', tls: { ca }, log, ...options })
    } catch (error) {
      errors.push(JSON.stringify(error), String(error))
      throw error
    }
  }
  const limited = (mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' = 'SCRAM-SHA-256'): Promise<KafkaClient> =>
    connect({ sasl: { mechanism, ...kafka.limited } })

  describe.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('%s', (mechanism) => {
    test('lets in who has the password', async () => {
      await using client = await limited(mechanism)
      expect((await client.admin.metadata([`${kafka.limitedPrefix}t`])).topics[0]?.error).toBeNull()
    })

    test.each(['limited', 'nobody'])('refuses %s with a wrong one', async (username) => {
      await expect(connect({ sasl: { mechanism, username, password: 'a wrong secret' } })).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        retriable: false,
        details: { errorName: 'SASL_AUTHENTICATION_FAILED', mechanism },
      })
    })
  })

  test.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('%s takes a password that SASLprep would change', async (mechanism) => {
    await using client = await connect({ sasl: { mechanism, ...kafka.odd } })
    expect((await client.admin.metadata([])).brokers).toHaveLength(1)
  })

  describe('OAUTHBEARER', () => {
    test('lets in who has a signed token, as the one it names', async () => {
      await using client = await connect({ sasl: { mechanism: 'OAUTHBEARER', token: async () => kafka.token({ username: 'limited' }) } })
      await using producer = client.producer()
      expect(await producer.send([{ topic: `${kafka.limitedPrefix}t`, key: null, value: 'by token' }])).toHaveLength(1)
      await expect(producer.send([{ topic: 'forbidden', key: null, value: 'x' }])).rejects.toMatchObject({
        details: { errorName: 'TOPIC_AUTHORIZATION_FAILED' },
      })
    })

    const refused: [string, () => string][] = [
      ['for someone else', () => kafka.token({ username: 'limited', audience: 'others' })],
      ['that ended a minute ago', () => kafka.token({ username: 'limited', lifetimeMs: -60_000 })],
      ['with another signature', () => `${kafka.token({ username: 'limited' }).slice(0, -8)}AAAAAAAA`],
      ['that is none', () => 'no-token-at-all'],
    ]
    test.each(refused)('refuses one %s', async (_, token) => {
      await expect(connect({ sasl: { mechanism: 'OAUTHBEARER', token: async () => token() } })).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        message: expect.stringContaining('refused the token: invalid_token'),
      })
    })
  })

  const sessions: [string, () => SaslOptions][] = [
    ['SCRAM-SHA-512 with a broker that wants it every few seconds', () => ({ mechanism: 'SCRAM-SHA-512', ...kafka.limited })],
    [
      'OAUTHBEARER before each token ends',
      () => ({ mechanism: 'OAUTHBEARER', token: async () => kafka.token({ username: 'limited', lifetimeMs: sessionMs }) }),
    ],
  ]
  test.each(sessions)('renews its session by %s, without a record or request that fails', { timeout: 240_000 }, async (_, sasl) => {
    const seen = lines.length
    await using client = await connect({ sasl: sasl() })
    await using producer = client.producer()
    const topic = `${kafka.limitedPrefix}t`
    const until = systemClock.monotonicMs() + 2.5 * sessionMs
    const offsets = new Map<number, bigint[]>()
    while (systemClock.monotonicMs() < until) {
      for (const { partition, offset } of await producer.send([{ topic, key: null, value: 'x' }]))
        offsets.set(partition, [...(offsets.get(partition) ?? []), offset])
    }
    expect([...offsets.values()].flat().length).toBeGreaterThan(20)
    for (const each of offsets.values()) expect(each).toEqual(each.toSorted((a, b) => (a < b ? -1 : 1)))
    expect(lines.slice(seen).filter((line) => /failed|trying again/.test(line))).toEqual([])
  })

  describe('TLS', () => {
    test('with a client certificate: lets in who has one, by the name in it', async () => {
      await using client = await connect({ bootstrapServers: [kafka.mtlsServers], tls: kafka.tls })
      await expect(client.producer().send([{ topic: 'forbidden', key: null, value: 'x' }])).rejects.toMatchObject({
        details: { errorName: 'TOPIC_AUTHORIZATION_FAILED' },
      })
    })

    const sasl = (): SaslOptions => ({ mechanism: 'PLAIN', ...kafka.admin })
    const failures: [string, () => Partial<KafkaConnectOptions> | Promise<Partial<KafkaConnectOptions>>, string, string][] = [
      ['no client certificate', () => ({ bootstrapServers: [kafka.mtlsServers] }), 'AUTHENTICATION_FAILED', 'set tls.cert and tls.key'],
      [
        'a client certificate of another authority',
        async () => {
          const stranger = await (await makeAuthority('Another')).issue({ name: 'client' })
          return { bootstrapServers: [kafka.mtlsServers], tls: { ca: kafka.tls.ca, ...stranger } }
        },
        'AUTHENTICATION_FAILED',
        "refused this client's certificate",
      ],
      ['no authority', () => ({ tls: {}, sasl: sasl() }), 'AUTHENTICATION_FAILED', 'give its certificate as tls.ca'],
      ['another host name', () => ({ tls: { ca: kafka.tls.ca, serverName: 'elsewhere' } }), 'AUTHENTICATION_FAILED', 'tls.serverName'],
      ['TLS to a plain port', () => ({ bootstrapServers: [kafka.bootstrapServers] }), 'UNREACHABLE', 'is this a port without TLS?'],
      ['SASL to a port without it', () => ({ ...plainPort(), sasl: sasl() }), 'AUTHENTICATION_FAILED', 'leave sasl out'],
      ['no password', () => ({}), 'UNREACHABLE', 'does it want a user name and password?'],
    ]
    const plainPort = (): Partial<KafkaConnectOptions> => ({ bootstrapServers: [kafka.bootstrapServers], tls: undefined })
    test.each(failures)('%s is told', async (_, options, code, text) => {
      await expect(connect(await options())).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
    })

    test('carries large batches both ways, byte for byte', async () => {
      const topic = `${kafka.limitedPrefix}t`
      await using client = await limited()
      await using producer = client.producer({ compression: 'none' })
      const values = Array.from({ length: 1_000 }, () => randomBytes(6_000))
      const sent = await producer.send(values.map((value) => ({ topic, partition: 2, key: null, value })))
      await using reader = client.reader({ topic, partitions: [2], from: { offset: sent[0]?.offset ?? 0n } })
      const read: Uint8Array[] = []
      do {
        for (const { bytes, valueAt, count } of await reader.poll())
          for (let i = 0; i < count; i++) read.push(bytes.slice(valueAt[2 * i], valueAt[2 * i + 1]))
      } while (!reader.atEnd())
      expect(Buffer.concat(read).equals(Buffer.concat(values))).toBe(true)
    })

    test('no TLS to a TLS port is told', async () => {
      const connecting = connectKafka({ bootstrapServers: [kafka.saslServers], clientId: 'test' })
      await expect(connecting).rejects.toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining('speaks TLS: set tls') })
    })
  })

  describe('a user with few rights', () => {
    test('writes and reads what it may, with an idempotent producer and no right on the cluster', async () => {
      const topic = `${kafka.limitedPrefix}t`
      await using client = await limited()
      await using producer = client.producer({ idempotent: true })
      const before = await client.admin.listOffsets(
        [0, 1, 2].map((partition) => ({ topic, partition })),
        'latest',
      )
      await producer.send(Array.from({ length: 300 }, (_, i) => ({ topic, key: String(i), value: String(i) })))
      const total = 300n + before.reduce((sum, { offset }) => sum + offset, 0n)
      await using consumer = client.consumer({ groupId: `${kafka.limitedPrefix}g`, topics: [topic], startingOffsets: 'earliest' })
      let count = 0n
      while (count < total) {
        for (const { count: some, partition, nextOffset, leaderEpoch } of await consumer.poll()) {
          count += BigInt(some)
          await consumer.commit([{ topic, partition, offset: nextOffset, leaderEpoch, metadata: '' }])
        }
      }
      const committed = await client.admin.committedOffsets(`${kafka.limitedPrefix}g`)
      expect(committed.reduce((sum, { offset }) => sum + offset, 0n)).toBe(total)
    })

    test('is told which right it lacks to create a topic, and the commands that help', async () => {
      await using client = await limited()
      const creating = client.admin.createTopics([{ name: `${kafka.limitedPrefix}new`, partitions: 3, configs: { 'retention.ms': '-1' } }])
      const failure: unknown = await creating.catch((error: unknown) => error)
      expect(failure).toMatchObject({
        code: 'KAFKA',
        retriable: false,
        details: { errorName: 'TOPIC_AUTHORIZATION_FAILED', missingRight: 'Create', resource: 'topic limited-new' },
      })
      expect(String(failure)).toContain('--operation Create --topic limited-new')
      expect(String(failure)).toContain('--create --topic limited-new --partitions 3 --config retention.ms=-1')
    })

    test('uses a topic that is there already, though it could not create it', async () => {
      await using client = await limited()
      const topic = `${kafka.limitedPrefix}t`
      expect(await client.admin.createTopics([{ name: topic, partitions: 3 }])).toEqual([{ name: topic, created: false }])
    })

    test('is told of the right to write, to read, and of the one on a group', async () => {
      await using client = await limited()
      const lacks = async (failing: Promise<unknown>, missingRight: string, resource: string): Promise<void> =>
        expect(failing).rejects.toMatchObject({ code: 'KAFKA', retriable: false, details: { missingRight, resource } })
      await lacks(client.producer().send([{ topic: 'forbidden', key: null, value: 'x' }]), 'Describe', 'topic forbidden')
      await lacks(client.reader({ topic: 'forbidden', from: 'earliest' }).poll(), 'Describe', 'topic forbidden')
      await lacks(client.admin.deleteTopics([`${kafka.limitedPrefix}t`]), 'Delete', 'topic limited-t')
      const consumer = client.consumer({ groupId: 'others', topics: [`${kafka.limitedPrefix}t`], startingOffsets: 'earliest' })
      const joining = (async () => {
        for (;;) await consumer.poll()
      })()
      await lacks(joining, 'Read', 'group others')
      await consumer.close()
    })
  })

  test('no secret is in any log line or error of all this (P8)', () => {
    const shown = [...lines, ...errors].join('\n')
    expect(shown.length).toBeGreaterThan(1_000)
    const { admin, limited: user, odd, tls } = kafka
    for (const secret of [admin.password, user.password, odd.password, tls.key, 'a wrong secret']) expect(shown).not.toContain(secret)
    expect(shown).not.toMatch(/\beyJ/)
  })
})
