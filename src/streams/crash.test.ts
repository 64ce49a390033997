import * as fc from 'fast-check'
import { setTimeout } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import type { Row } from './process-batch.ts'
import type { TestRecord } from './testing/batches.ts'
import { ScriptedKafka } from './testing/scripted-kafka.ts'
import { startRun, type TestRun } from './testing/start-run.ts'
import { TableModel } from './testing/table-model.ts'
import { usersStream } from './testing/users.ts'

function die(): never {
  throw new MillraceError('INTERNAL', 'killed')
}

const at = 1_700_000_000_000

interface Plan {
  /** Of each record: key, version's time, whether it is broken. */
  records: { key: number; timeMs: number; isBroken: boolean }[]
  /** Most records of each fetch, in turn. */
  batchSizes: number[]
  /** Each start of the stream is killed at this many operations (fetch, write, dead letters, commit: before or after). */
  crashes: number[]
  /** Share of a write's rows that arrive when it is cut off. */
  cutAt: number
  /** How long each write takes, in turn, ms. */
  delays: number[]
  /** Partition 0 is taken away and given back at these fetches, counted over all starts. */
  rebalances: { atFetch: number; how: 'revoke' | 'lose' }[]
}

const plans: fc.Arbitrary<Plan> = fc.record({
  records: fc.array(fc.record({ key: fc.nat({ max: 5 }), timeMs: fc.integer({ min: at, max: at + 3 }), isBroken: fc.boolean() }), {
    minLength: 1,
    maxLength: 60,
  }),
  batchSizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
  crashes: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
  cutAt: fc.double({ min: 0, max: 1, noNaN: true }),
  delays: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 4 }),
  rebalances: fc.array(fc.record({ atFetch: fc.nat({ max: 40 }), how: fc.constantFrom('revoke', 'lose') }), { maxLength: 6 }),
})

/** Keys 0–2 are in partition 0, the others in 1. */
function produce(kafka: ScriptedKafka, records: Plan['records']): void {
  for (const [version, { key, timeMs, isBroken }] of records.entries()) {
    const id = `k${key}`
    const record: TestRecord = { key: id, value: isBroken ? `broken ${version}` : { id, name: `v${version}` }, timestampMs: timeMs }
    kafka.produce('users', key < 3 ? 0 : 1, [record])
  }
}

/** By the rule itself: of each key the last version in the topic that is not broken. */
function expectedTable(records: Plan['records']): Record<string, Row> {
  const table = new Map<string, Row>()
  for (const [version, { key, isBroken }] of records.entries()) if (!isBroken) table.set(`k${key}`, { id: `k${key}`, name: `v${version}` })
  return Object.fromEntries([...table].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** A process that dies at its n-th operation: the operation is cut off, and nothing it does after that reaches anyone. */
function mortal(
  kafka: ScriptedKafka,
  table: TableModel,
  { dieAt, cutAt, delay }: { dieAt: number; cutAt: number; delay: () => Promise<void> },
  start: () => TestRun,
): TestRun {
  let operations = 0
  const count = (): void => {
    if (++operations >= dieAt) die()
  }
  kafka.onOperation = count
  table.beforeWrite = async (rows, arrive) => {
    await delay()
    if (operations >= dieAt) die()
    if (++operations < dieAt) return
    for (let i = 0; i < Math.floor(rows.length * cutAt); i++) arrive(i)
    die()
  }
  table.afterWrite = count
  return start()
}

const zero = { topic: 'users', partition: 0 }

test('any batching, with crashes and rebalances anywhere, leaves the table that one undisturbed run leaves, and each dead letter once', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async ({ records, batchSizes, crashes, cutAt, delays, rebalances }) => {
      const kafka = new ScriptedKafka()
      const table = new TableModel()
      let polls = 0
      kafka.latency = () => {
        polls++
        for (const { how } of rebalances.filter(({ atFetch }) => atFetch === polls)) {
          kafka.take(how, [zero])
          kafka.give([zero])
        }
        return setTimeout(1)
      }
      let fetches = 0
      kafka.batchSize = () => batchSizes[fetches++ % batchSizes.length] ?? 1
      produce(kafka, records)
      let writes = 0
      const delay = (): Promise<void> => setTimeout(delays[writes++ % delays.length] ?? 0)
      const start = (): TestRun =>
        startRun({ kafka, table, stream: usersStream([], { limit: { window: 1_000, ratio: 1, atLeast: 1_000 }, commitIntervalMs: 0 }) })
      for (const dieAt of crashes) {
        const run = mortal(kafka, table, { dieAt, cutAt, delay }, start)
        // It may also come to the end of the topic alive.
        await vi.waitFor(() => expect(isAtEnd(kafka) || run.last().state.is === 'stopped').toBe(true), { interval: 2, timeout: 60_000 })
        await run.stop().catch(() => {})
      }
      kafka.onOperation = () => {}
      table.beforeWrite = () => {}
      table.afterWrite = () => {}
      const last = start()
      await vi.waitFor(() => expect(isAtEnd(kafka)).toBe(true), { interval: 2, timeout: 60_000 })
      await last.stop()
      expect(table.content()).toEqual(expectedTable(records))
      // Each once: dead letters and offsets are one transaction (P5).
      expect(kafka.sent.map(({ value }) => String(value)).toSorted()).toEqual(
        records.flatMap(({ isBroken }, version) => (isBroken ? [`broken ${version}`] : [])).toSorted(),
      )
      expect(writeTimesPerVersion(table)).toBe(true)
    }),
    { numRuns: 60 },
  )
})

function isAtEnd(kafka: ScriptedKafka): boolean {
  return [...kafka.partitions].every(([partition, log]) => kafka.committed.get(partition)?.offset === BigInt(log.length))
}

/** A version that was written again carried the same write time each time (P2). */
function writeTimesPerVersion(table: TableModel): boolean {
  const times = new Map<string, bigint>()
  return table.writes.every(({ version, w }) => (times.get(version) ?? w) === w && times.set(version, w))
}
