import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { schema, topic } from '../../src/authoring/index.ts'
import { RetryableError, type ConsumeContext, type Consumption, type Millrace } from '../../src/client/index.ts'
import type { KafkaClient } from '../../src/kafka-client/index.ts'
import { DeadLetterBook } from '../../src/streams/index.ts'
import { judgeClientCrash } from './client-crash-suite.ts'
import { users } from './client-pipeline.ts'
import type { ClientSystems } from './client-systems.ts'

export interface ConsumingUnderTest {
  systems(): ClientSystems
  kafka(): KafkaClient
  /** Closed after each test. */
  open(): Promise<Millrace>
}

const Event = schema('Event', { key: z.string(), n: z.int32() })
const topicOf = (name: string, partitions = 3) => topic(name, { value: Event, key: 'key', partitions, format: 'json' })
type Value = { key: string; n: number }

/** `n` rises over all; `keys` take turns. */
const events = (count: number, keys = 7, from = 0): Value[] =>
  Array.from({ length: count }, (_, i) => ({ key: `k${(from + i) % keys}`, n: from + i }))

/** What was handled, in its order, by key. */
function byKey(values: readonly Value[]): Record<string, number[]> {
  return Object.fromEntries(
    [...Map.groupBy(values, ({ key }) => key)].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, some]) => [key, some.map(({ n }) => n)]),
  )
}

/** Something that happens once. */
function event(): { happened: Promise<void>; happen: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { happened: promise, happen: resolve }
}

const soon = { timeout: 60_000, interval: 20 }

export function judgeClientConsuming(under: ConsumingUnderTest): void {
  const open = (): Promise<Millrace> => under.open()
  const committedOf = async (group: string): Promise<bigint> =>
    (await under.kafka().admin.committedOffsets(group)).reduce((sum, { offset }) => sum + offset, 0n)

  test('each record once, those of a key in their order, many at once; a second start goes on behind them', async () => {
    const client = await open()
    const many = topicOf('many')
    await client.produce(many, events(500))
    const handled: Value[] = []
    let atOnce = 0
    let most = 0
    const handler = async (value: Value): Promise<void> => {
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setImmediate(resolve))
      atOnce--
      handled.push(value)
    }
    const first = client.consume(many, { group: 'many', concurrency: 5 }, handler)
    await vi.waitFor(() => expect(first.counts.handled).toBe(500), soon)
    await first.close()
    expect(byKey(handled)).toEqual(byKey(events(500)))
    expect(most).toBe(5)
    expect(await committedOf('many')).toBe(500n)
    await client.produce(many, events(10, 7, 500))
    const second = client.consume(many, { group: 'many' }, handler)
    await vi.waitFor(() => expect(handled).toHaveLength(510), soon)
    await second.close()
    await expect(second.done).resolves.toBeUndefined()
    expect(second.counts).toEqual({ handled: 10, deadLetters: 0 })
  })

  test('values as the schema types them, and where they stood', async () => {
    const client = await open()
    const sent = { id: 'typed', version: 3, email: 'ada@example.org', visits: 2n ** 60n, at: '2026-01-01T00:00:00.000Z' }
    const produced = await client.produce(users, sent, { headers: { from: 'sign-up' }, timestampMs: 1_750_000_000_000 })
    const seen: unknown[] = []
    client.consume(users, { group: 'typed' }, (user, ctx) => {
      if (user.id !== 'typed') return
      const { partition, offset, timestampMs, attempt } = ctx
      seen.push([user, { partition, offset, timestampMs, attempt, from: String(ctx.headers()[0]?.value) }])
    })
    await vi.waitFor(() => expect(seen).toHaveLength(1), soon)
    const { partition, offset } = produced
    expect(seen[0]).toEqual([sent, { partition, offset, timestampMs: 1_750_000_000_000, attempt: 1, from: 'sign-up' }])
  })

  test('records of open and aborted transactions not at all', async () => {
    const client = await open()
    const paid = topicOf('paid', 1)
    const mayEnd = event()
    const seen: number[] = []
    const consumption = client.consume(paid, { group: 'paid' }, ({ n }) => void seen.push(n))
    await client.produce(paid, { key: 'a', n: 1 })
    const aborted = client.transaction(async (tx) => {
      await tx.produce(paid, { key: 'a', n: 2 })
      await mayEnd.happened
      throw new Error('not paid')
    })
    await vi.waitFor(() => expect(seen).toEqual([1]), soon)
    mayEnd.happen()
    await expect(aborted).rejects.toThrow('not paid')
    await client.transaction((tx) => tx.produce(paid, { key: 'a', n: 3 }))
    await vi.waitFor(() => expect(seen).toEqual([1, 3]), soon)
    // Markers are passed too: nothing is left to read.
    await vi.waitFor(async () => expect(await committedOf('paid')).toBe(5n), soon)
    await consumption.close()
  })

  test('a record again until it succeeds, with those of its key behind it', async () => {
    const client = await open()
    const flaky = topicOf('flaky', 1)
    const seen: string[] = []
    const consumption = client.consume(
      flaky,
      { group: 'flaky', retries: 2, backoff: '5ms', retryOn: 'retriable' },
      ({ key, n }, { attempt }) => {
        seen.push(`${key} ${n} ${attempt}`)
        if (n === 0 && attempt < 3) throw new RetryableError('busy')
      },
    )
    await client.produce(flaky, [{ key: 'a', n: 0 }, { key: 'a', n: 1 }]) // prettier-ignore
    await vi.waitFor(() => expect(consumption.counts.handled).toBe(2), soon)
    expect(seen).toEqual(['a 0 1', 'a 0 2', 'a 0 3', 'a 1 1'])
  })

  test('a record that fails to the last is a dead letter, as it was, with why; the others go on', async () => {
    const client = await open()
    const mails = topicOf('mails', 1)
    await client.produce(mails, events(3, 3), { headers: { trace: '7' } })
    await using poison = under.kafka().producer()
    await poison.send([{ topic: 'mails', key: 'x', value: 'no json', timestampMs: 1_750_000_000_000 }])
    await poison.send([{ topic: 'mails', key: 'y', value: '{"key":"y"}' }])
    await client.produce(mails, { key: 'k9', n: 9 })
    const handled: number[] = []
    const tries: number[] = []
    const options = { group: 'mailer', retries: 2, backoff: '1ms', deadLetters: 'shop.mailer.dlq' } as const
    const consumption = client.consume(mails, options, ({ n }, { attempt }) => {
      if (n === 1) {
        tries.push(attempt)
        throw new TypeError('no such mailbox')
      }
      handled.push(n)
    })
    await vi.waitFor(() => expect(consumption.counts).toEqual({ handled: 3, deadLetters: 3 }), soon)
    await consumption.close()
    expect([handled.toSorted((a, b) => a - b), tries]).toEqual([[0, 2, 9], [1, 2, 3]]) // prettier-ignore
    expect(await committedOf('mailer')).toBe(6n)
    const { letters } = await new DeadLetterBook(under.kafka(), 'shop', 'mailer').page()
    const told = letters.toSorted((a, b) => Number(a.offset - b.offset))
    expect(told).toMatchObject([
      { reason: 'step', stage: 'handler', errorClass: 'TypeError', message: 'no such mailbox', offset: 1n, value: { json: { n: 1 } } },
      {
        reason: 'decode',
        stage: 'source',
        topic: 'mails',
        offset: 3n,
        key: { text: 'x' },
        value: { text: 'no json' },
        timestampMs: 1_750_000_000_000,
      },
      { reason: 'validate', offset: 4n, message: expect.stringMatching(/^n: /) },
    ])
    expect(told[0]?.headers.map(({ key }) => key)).toEqual(['trace'])
  })

  test('without a place for dead letters it stops, and says where; what it did is committed, and it goes on there', async () => {
    const client = await open()
    const strict = topicOf('strict', 1)
    await client.produce(strict, events(5, 1))
    const fail = async (): Promise<void> => Promise.reject(Object.assign(new Error('no use'), { retriable: false }))
    const handled: number[] = []
    const stopped = client.consume(strict, { group: 'strict' }, async ({ n }) => (n === 3 ? fail() : void handled.push(n)))
    await expect(stopped.done).rejects.toMatchObject({
      code: 'RECORD_STEP',
      message: expect.stringMatching(/^Consumer group "strict" stopped at strict\/0 offset 3: the record failed: no use Nothing is lost/),
      details: { group: 'strict', offset: '3' },
    })
    // What lies behind it under its key is not begun.
    expect([handled, await committedOf('strict')]).toEqual([[0, 1, 2], 3n])
    const seen: number[] = []
    client.consume(strict, { group: 'strict' }, ({ n }) => void seen.push(n))
    await vi.waitFor(() => expect(seen).toEqual([3, 4]), soon)
  })

  test('nothing is begun once it closes; what runs is waited for and committed', async () => {
    const client = await open()
    const slow = topicOf('slow', 1)
    await client.produce(slow, events(4, 4))
    const begun: number[] = []
    const mayEnd = event()
    const options = { group: 'slow', concurrency: 2 }
    const consumption = client.consume(slow, options, async ({ n }) => {
      begun.push(n)
      await mayEnd.happened
    })
    await vi.waitFor(() => expect(begun).toEqual([0, 1]), soon)
    const closing = consumption.close()
    mayEnd.happen()
    await closing
    expect([begun, await committedOf('slow')]).toEqual([[0, 1], 2n])
  })

  test('a handler that does not end within the drain is told to, and its record is handed out again', async () => {
    const client = await open()
    const stuck = topicOf('stuck', 1)
    await client.produce(stuck, events(1))
    const contexts: ConsumeContext[] = []
    const never = client.consume(stuck, { group: 'stuck', drainTimeout: '50ms' }, (_value, ctx) => {
      contexts.push(ctx)
      return new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
    })
    await vi.waitFor(() => expect(contexts).toHaveLength(1), soon)
    await never.close()
    expect([contexts[0]?.signal.aborted, await committedOf('stuck')]).toEqual([true, 0n])
    const again = client.consume(stuck, { group: 'stuck' }, () => undefined)
    await vi.waitFor(() => expect(again.counts.handled).toBe(1), soon)
  })

  test('a time-out is a failed try', async () => {
    const client = await open()
    const late = topicOf('late', 1)
    await client.produce(late, events(1))
    const options = { group: 'late', retries: 1, backoff: '1ms', timeout: '30ms', deadLetters: true } as const
    const consumption = client.consume(late, options, () => new Promise(() => undefined))
    await vi.waitFor(() => expect(consumption.counts).toEqual({ handled: 0, deadLetters: 1 }), soon)
  })

  test('members share the partitions; while they come and go each record is handled, those of a key in their order', async () => {
    const client = await open()
    const shared = topicOf('shared', 4)
    const handled: (Value & { by: number })[] = []
    const member = (by: number): Consumption =>
      client.consume(shared, { group: 'shared', concurrency: 3, sessionTimeout: '6s' }, async (value) => {
        await new Promise((resolve) => setImmediate(resolve))
        handled.push({ ...value, by })
      })
    await client.produce(shared, events(200, 20))
    const first = member(1)
    await vi.waitFor(() => expect(handled).toHaveLength(200), soon)
    const second = member(2)
    let sent = 200
    await vi.waitFor(
      async () => {
        await client.produce(shared, events(20, 20, sent))
        sent += 20
        expect(handled.some(({ by }) => by === 2)).toBe(true)
      },
      { timeout: 60_000, interval: 50 },
    )
    await first.close()
    await client.produce(shared, events(100, 20, sent))
    sent += 100
    await vi.waitFor(() => expect(new Set(handled.map(({ n }) => n)).size).toBe(sent), soon)
    await second.close()
    expect(byKey(handled)).toEqual(byKey(events(sent, 20)))
  })

  test('a handler slower than the session keeps its partition: nobody else is given the record', async () => {
    const client = await open()
    const patient = topicOf('patient', 1)
    await client.produce(patient, events(3, 3))
    const begun: number[] = []
    const startedMs = performance.now()
    const options = { group: 'patient', concurrency: 1, sessionTimeout: '6s' } as const
    const consumption = client.consume(patient, options, async ({ n }, { signal }) => {
      begun.push(n)
      if (n === 0) await vi.waitFor(() => expect(performance.now() - startedMs).toBeGreaterThan(9_000), { timeout: 30_000, interval: 200 })
      signal.throwIfAborted()
    })
    await vi.waitFor(() => expect(consumption.counts.handled).toBe(3), soon)
    expect(begun).toEqual([0, 1, 2])
    await consumption.close()
    expect(await committedOf('patient')).toBe(3n)
  })

  test('a Kafka that is away for a while is waited for', { timeout: 240_000 }, async () => {
    const client = await open()
    const away = topicOf('away', 2)
    const seen = new Set<number>()
    const consumption = client.consume(away, { group: 'away' }, ({ n }) => void seen.add(n))
    await client.produce(away, events(10))
    await vi.waitFor(() => expect(seen.size).toBe(10), soon)
    await under.systems().stopKafka()
    const during = client.produce(away, events(10, 7, 10))
    await under.systems().restartKafka()
    await during
    await client.produce(away, events(10, 7, 20))
    await vi.waitFor(() => expect(seen.size).toBe(30), { timeout: 120_000, interval: 50 })
    await vi.waitFor(async () => expect(await committedOf('away')).toBe(30n), { timeout: 120_000, interval: 50 })
    await consumption.close()
    await expect(consumption.done).resolves.toBeUndefined()
  })

  judgeClientCrash(under)
}
