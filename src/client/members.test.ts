import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { schema, topic } from '../authoring/index.ts'
import { startKafka, type KafkaFailure, type TestKafka } from '../testing/index.ts'
import { connect, type Consumption, type Millrace } from './index.ts'

const Event = schema('Event', { key: z.string(), n: z.int32() })
const COUNT = 120
const KEYS = 11

let kafka: TestKafka
let millrace: Millrace

beforeAll(async () => {
  kafka = await startKafka({ autoCreateTopics: false, config: { 'group.min.session.timeout.ms': '500' } })
  millrace = await connect({ project: 'shop', kafka: { bootstrapServers: [kafka.bootstrapServers] } })
})
afterAll(async () => {
  await millrace.close()
  await kafka.close()
})

interface Plan {
  /** Members that come one after another, each closed when all of them together have handled so many more records; the last one stays. */
  members: { concurrency: number; after: number; drainTimeout: '0ms' | '1s'; turns: number; isHurried: boolean }[]
  /** What commits, heartbeats and fetches meet. */
  failures: { request: string; failure: KafkaFailure }[]
}

const plans: fc.Arbitrary<Plan> = fc.record({
  members: fc.array(
    fc.record({
      concurrency: fc.integer({ min: 1, max: 6 }),
      after: fc.integer({ min: 1, max: 40 }),
      drainTimeout: fc.constantFrom('0ms', '1s'),
      turns: fc.nat({ max: 5 }),
      isHurried: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  failures: fc.array(
    fc.record({
      request: fc.constantFrom('OffsetCommit', 'Heartbeat', 'Fetch', 'JoinGroup'),
      failure: fc.constantFrom<KafkaFailure>({ disconnect: true }, { delayMs: 20 }),
    }),
    { maxLength: 5 },
  ),
})

let runs = 0

/** A member; `onHandled` is told of what its handler finished, not of what it was given. */
function join(
  events: ReturnType<typeof eventsTopic>,
  { concurrency, drainTimeout, turns }: Plan['members'][number],
  onHandled: (value: { key: string; n: number }) => void,
): Consumption {
  const options = { group: events.name, concurrency, drainTimeout, sessionTimeout: '1s' } as const
  return millrace.consume(events, options, async (value, { signal }) => {
    // Some take longer than those behind them.
    for (let turn = (value.n * 7) % (turns + 1); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
    onHandled(value)
  })
}

function eventsTopic(name: string) {
  return topic(name, { value: Event, key: 'key', partitions: 3, format: 'json' })
}

test('property: whoever comes and goes, and whatever fails, each record is handled, and first after those before it of its key', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async ({ members, failures }) => {
      const events = eventsTopic(`members-${runs++}`)
      await millrace.produce(
        events,
        Array.from({ length: COUNT }, (_, n) => ({ key: `k${n % KEYS}`, n })),
      )
      const handled: { key: string; n: number }[] = []
      for (const { request, failure } of failures) kafka.failNext(request, failure)
      const going: Promise<void>[] = []
      for (const member of members) {
        const until = Math.min(COUNT, handled.length + member.after)
        const consumption = join(events, member, (value) => handled.push(value))
        await vi.waitFor(() => expect(handled.length).toBeGreaterThanOrEqual(until), { timeout: 30_000, interval: 2 })
        const closing = consumption.close()
        // The next one may join while this one still goes.
        if (member.isHurried) going.push(closing)
        else await closing
      }
      const last = join(events, { concurrency: 4, after: 0, drainTimeout: '1s', turns: 0, isHurried: false }, (value) =>
        handled.push(value),
      )
      await vi.waitFor(() => expect(new Set(handled.map(({ n }) => n)).size).toBe(COUNT), { timeout: 30_000, interval: 5 })
      await Promise.all([...going, last.close()])
      kafka.clearFailures()
      const next = new Map<string, number>()
      for (const { key, n } of handled) {
        const expected = next.get(key) ?? Number(key.slice(1))
        expect(n).toBeLessThanOrEqual(expected)
        if (n === expected) next.set(key, n + KEYS)
      }
    }),
    { numRuns: 10 },
  )
})
