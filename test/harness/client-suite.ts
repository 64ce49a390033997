import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { connect, RecordInvalidError, type Millrace } from '../../src/client/index.ts'
import { ensureTable, openCassandraSink } from '../../src/connectors/index.ts'
import { bytesAt, definition, type CassandraEndpoint } from '../../src/core/index.ts'
import { framedId } from '../../src/formats/index.ts'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { createRegistryClient } from '../../src/registry-client/index.ts'
import { batchOf } from '../../src/streams/index.ts'
import { judgeClientConsuming } from './client-consume-suite.ts'
import { audits, orders, users, visits } from './client-pipeline.ts'
import type { ClientSystems } from './client-systems.ts'

const ada = { id: 'ada', version: 1, email: 'ada@example.org' }

/** The suite of `millrace/client` on systems, the embedded ones or real ones. */
export function judgeMillraceClient(start: () => Promise<ClientSystems>): void {
  let systems: ClientSystems
  let kafka: KafkaClient
  let millrace: Millrace

  beforeAll(async () => {
    systems = await start()
    kafka = await connectKafka({ bootstrapServers: [systems.kafka], clientId: 'judge' })
  }, 600_000)
  afterAll(async () => {
    await kafka?.close()
    await systems?.[Symbol.asyncDispose]()
  })
  afterEach(() => millrace?.close())

  const open = async (): Promise<Millrace> => {
    millrace = await connect({
      project: 'shop',
      kafka: { bootstrapServers: [systems.kafka] },
      registry: { url: systems.registry },
      cassandra: { contactPoints: [systems.cassandra], consistency: 'ONE' },
    })
    return millrace
  }

  /** Key, value and headers of all records of a topic that readers of committed ones see. */
  const recordsOf = async (topic: string) => {
    const found: { key: string | null; value: Uint8Array; headers: Record<string, string>; timestampMs: number }[] = []
    await using reader = kafka.reader({ topic, from: 'earliest', isolationLevel: 'read_committed' })
    do {
      for (const batch of await reader.poll()) {
        for (let i = 0; i < batch.count; i++) {
          const key = bytesAt(batch, batch.keyAt, i)
          found.push({
            key: key && Buffer.from(key).toString(),
            value: Buffer.from(bytesAt(batch, batch.valueAt, i) ?? []),
            headers: Object.fromEntries(batch.headers(i).map((header) => [header.key, String(header.value && Buffer.from(header.value))])),
            timestampMs: batch.timestampMs[i] ?? -1,
          })
        }
      }
    } while (!reader.atEnd())
    return found
  }

  describe('produces', () => {
    test('a value as its topic is written: Avro whose schema is registered, keyed by its key field, with headers and time', async () => {
      const client = await open()
      const produced = await client.produce(
        users,
        { ...ada, visits: 2n ** 60n },
        { headers: { from: 'sign-up' }, timestampMs: 1_750_000_000_000 },
      )
      expect(produced).toMatchObject({ topic: 'users', offset: 0n })
      const [record] = await recordsOf('users')
      expect(record).toMatchObject({ key: 'ada', headers: { from: 'sign-up' }, timestampMs: 1_750_000_000_000 })
      const registry = createRegistryClient({ url: systems.registry })
      expect((await registry.latest('users-value'))?.id).toBe(framedId(record?.value ?? new Uint8Array()))
      registry.close()
      expect((await kafka.admin.metadata(['users'])).topics[0]?.partitions).toHaveLength(3)
    })

    test('several in their order, JSON where the topic is JSON', async () => {
      const client = await open()
      const produced = await client.produce(
        orders,
        Array.from({ length: 100 }, (_, i) => ({ id: 'o', total: i })),
      )
      expect(produced.map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, i) => (produced[0]?.offset ?? 0n) + BigInt(i)))
      const values = (await recordsOf('orders')).map(({ value }) => JSON.parse(Buffer.from(value).toString()))
      expect(values.map(({ total }) => total)).toEqual(Array.from({ length: 100 }, (_, i) => i))
    })

    test('keeps the order of calls that nobody waits for, and flushes them when it closes', async () => {
      const client = await open()
      const sent = Array.from({ length: 50 }, (_, i) => client.produce(audits, { id: 'a', total: i }))
      await client.close()
      await Promise.all(sent)
      const values = (await recordsOf('audits')).map(({ value }) => JSON.parse(Buffer.from(value).toString()).total)
      expect(values).toEqual(Array.from({ length: 50 }, (_, i) => i))
    })

    test('nothing of values that do not fit, and tells every problem of each', async () => {
      const client = await open()
      const before = (await recordsOf('users')).length
      const refused: unknown = await client
        .produce(users, [ada, { ...ada, id: '', email: 'nobody' }, JSON.parse('{"id":"x","version":1.5,"email":"x@example.org","more":1}')])
        .catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(RecordInvalidError)
      expect(refused).toMatchObject({ code: 'RECORD_INVALID', details: { topic: 'users' } })
      const problems = refused instanceof RecordInvalidError ? refused.problems.map(({ index, path }) => `${index} ${path}`) : []
      expect(problems).toEqual(['1 id', '1 email', '2 version', '2 '])
      expect(await recordsOf('users')).toHaveLength(before)
    })
  })

  describe('in a transaction', () => {
    const counts = async (): Promise<number[]> => [(await recordsOf('orders')).length, (await recordsOf('audits')).length]
    /** Kafka answers a commit before it has told the partitions of it. */
    const soonCounted = (wanted: readonly number[]): Promise<void> =>
      vi.waitFor(async () => expect(await counts()).toEqual(wanted), { timeout: 30_000, interval: 20 })

    test('all is seen, and what the function returns is told', async () => {
      const client = await open()
      const [orderCount = 0, auditCount = 0] = await counts()
      const id = await client.transaction(async (tx) => {
        void tx.produce(orders, { id: 't', total: 1 })
        void tx.produce(audits, [
          { id: 't', total: 1 },
          { id: 't', total: 2 },
        ])
        return 't'
      })
      expect(id).toBe('t')
      await soonCounted([orderCount + 1, auditCount + 2])
    })

    test.each<[string, (tx: Parameters<Parameters<Millrace['transaction']>[0]>[0]) => Promise<unknown>, RegExp]>([
      ['that throws', () => Promise.reject(new Error('no stock')), /no stock/],
      ['with a value that does not fit', async (tx) => void tx.produce(orders, JSON.parse('{"id":"x"}')), /total: /],
    ])('%s nothing is', async (what, fail, message) => {
      const client = await open()
      const [orderCount = 0, auditCount = 0] = await counts()
      const failing = client.transaction(async (tx) => {
        await tx.produce(audits, { id: 'never', total: 0 })
        await fail(tx)
      })
      await expect(failing).rejects.toThrow(message)
      await client.transaction((tx) => tx.produce(audits, { id: what, total: 1 }))
      const ids = async (): Promise<string[]> =>
        (await recordsOf('audits')).map(({ value }) => JSON.parse(Buffer.from(value).toString()).id)
      await vi.waitFor(async () => expect(await ids()).toContain(what), { timeout: 30_000, interval: 20 })
      // It lies behind what was given up: that would be seen by now.
      expect([await counts(), (await ids()).includes('never')]).toEqual([[orderCount, auditCount + 1], false])
    })

    test('many at once: each is whole; what comes after the end is refused', async () => {
      const client = await open()
      const [orderCount = 0, auditCount = 0] = await counts()
      await Promise.all(Array.from({ length: 12 }, (_, i) => client.transaction((tx) => tx.produce(orders, { id: `m${i}`, total: i }))))
      await soonCounted([orderCount + 12, auditCount])
      const late = await client.transaction(async (tx) => tx)
      await expect(late.produce(orders, { id: 'late', total: 1 })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    })
  })

  describe('reads rows', () => {
    const visit = (i: number) => ({
      who: 'ada',
      day: '2026-05-01',
      at: new Date(Date.UTC(2026, 4, 1, 8, i)).toISOString(),
      price: '12.50',
      count: 2n ** 62n,
      ratio: 0.1,
      picture: 'AP8=',
      tags: ['a', 'ö'],
      seen: { home: 2 },
      kind: 'web' as const,
      note: i === 0 ? null : `note ${i}`,
      ...(i === 1 ? { hint: 'first' } : {}),
    })

    beforeAll(async () => {
      const table = visits[definition].def
      const endpoint: CassandraEndpoint = { contactPoints: [systems.cassandra], localDataCenter: 'datacenter1', consistency: 'ONE' }
      await ensureTable({ endpoint, table, autoCreate: true, autoEvolve: 'off' })
      const sink = await openCassandraSink({ table, endpoint })
      const rows = Array.from({ length: 5 }, (_, i) => visit(i))
      const batch = batchOf(
        rows.map(() => ({ key: null, value: null, timestampMs: 1, headers: [] })),
        { topic: 'visits', partition: 0, leaderEpoch: 0, firstOffset: 0n, highWatermark: 5n },
      )
      batch.writeMicros.fill(1n)
      const written = await sink.write(rows, batch, Uint32Array.from(rows.keys()), new AbortController().signal)
      expect(written).toMatchObject({ is: 'done', outcomes: rows.map(() => ({ is: 'written' })) })
      await sink.close()
    })

    test('by their whole key, as they were written; null where there is none', async () => {
      const client = await open()
      for (const i of [0, 1, 2]) {
        const { who, day, at } = visit(i)
        expect(await client.get(visits, { who, day, at })).toEqual(visit(i))
      }
      expect(await client.get(visits, { who: 'bob', day: '2026-05-01', at: visit(0).at }, { consistency: 'LOCAL_ONE' })).toBeNull()
    })

    test('of a partition in the order of the clustering key, as many as are asked for', async () => {
      const client = await open()
      const key = { who: 'ada', day: '2026-05-01' }
      expect(await client.all(visits, key)).toEqual([4, 3, 2, 1, 0].map(visit))
      expect(await client.all(visits, key, { limit: 2 })).toEqual([4, 3].map(visit))
      expect(await client.all(visits, { ...key, day: '2026-05-02' })).toEqual([])
    })

    test('and refuses a key that is none, naming the column', async () => {
      const client = await open()
      await expect(client.get(visits, { who: 'ada', day: '1 May', at: visit(0).at })).rejects.toThrow(/column day is "1 May", not date/)
      await expect(client.all(visits, JSON.parse('{"who":"ada"}'))).rejects.toThrow(/column day is part of the key/)
      await expect(client.all(visits, JSON.parse('{"who":"ada","day":"2026-05-01","kind":"web"}'))).rejects.toThrow(/"kind" is no part/)
      await expect(client.all(visits, { who: 'ada', day: '2026-05-01' }, { limit: 0 })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    })
  })

  describe('consumes', () => judgeClientConsuming({ systems: () => systems, kafka: () => kafka, open }))
}
