import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { connectHeaders, names } from '../core/index.ts'
import { connectKafka, type KafkaClient } from '../kafka-client/index.ts'
import { MillraceError, Releasers, systemClock } from '../platform/index.ts'
import { OpenDeadLetters } from './count-dead-letters.ts'
import { DeadLetterBook } from './dead-letter-book.ts'
import { readAll } from './read-dead-letters.ts'
import { settleDeadLetters, type SettleAction, type SettleOutcome, type SettlingKafka } from './settle-dead-letters.ts'

const releasers = new Releasers()
let kafka: KafkaClient
let streams = 0

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-letters-'))
  releasers.add('folder', () => rmSync(dataDir, { recursive: true, force: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  releasers.add('broker', () => broker.close())
  kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
  releasers.add('client', () => kafka.close())
})
afterAll(() => releasers.close())

/** A stream with dead letters k0, k1, … */
async function streamWith(count: number): Promise<string> {
  const stream = `load${streams++}`
  const topic = names.deadLetters('shop', stream)
  await kafka.admin.createTopics([topic, names.retry('shop', stream)].map((name) => ({ name, partitions: 1 })))
  await using producer = kafka.producer()
  const header = (key: string, text: string): { key: string; value: Buffer } => ({ key, value: Buffer.from(text) })
  const letters = Array.from({ length: count }, (_, i) => ({
    topic,
    key: `k${i}`,
    value: `poison ${i}`,
    timestampMs: 1_700_000_000_000 + i,
    headers: [
      header('trace', `t${i}`),
      header(connectHeaders.topic, 'users'),
      header(connectHeaders.partition, '3'),
      header(connectHeaders.offset, String(100 + i)),
      header(connectHeaders.stage, i % 2 === 0 ? 'decode' : 'validate'),
      header(names.writeTimeHeader, String(1_700_000_000_000_000 + i)),
    ],
  }))
  if (count > 0) await producer.send(letters)
  return stream
}

function settle(
  stream: string,
  ids: string[],
  action: SettleAction = { is: 'replay' },
  by = 'ann',
  on: SettlingKafka = kafka,
): Promise<SettleOutcome[]> {
  const signal = AbortSignal.timeout(20_000)
  return settleDeadLetters({ kafka: on, project: 'shop', stream, ids, action, by, clock: systemClock, signal })
}

interface Sent {
  key: string
  value: string
  ms: number
  headers: Record<string, string>
}

async function retried(stream: string): Promise<Sent[]> {
  const topic = names.retry('shop', stream)
  const all: Sent[] = []
  await readAll(kafka, [{ topic, partition: 0 }], (batch) => {
    for (let i = 0; i < batch.count; i++) {
      const text = (at: Int32Array): string => Buffer.from(batch.bytes.subarray(at[2 * i], at[2 * i + 1])).toString()
      const headers = Object.fromEntries(
        batch.headers(i).map(({ key, value }) => [key, value === null ? '' : Buffer.from(value).toString()]),
      )
      all.push({ key: text(batch.keyAt), value: text(batch.valueAt), ms: batch.timestampMs[i] ?? -1, headers })
    }
  })
  return all
}

const states = async (stream: string): Promise<string[]> =>
  (await new DeadLetterBook(kafka, 'shop', stream).page()).letters.map(({ id, state }) => `${id} ${state}`)

test('a replay carries key, headers, time and write time, and says whence it comes (P2)', async () => {
  const stream = await streamWith(2)
  const [done] = await settle(stream, ['0:1'], { is: 'replay', editedValue: () => Buffer.from('mended') })
  expect(done).toMatchObject({ id: '0:1', is: 'replayed', by: 'ann', to: `shop.${stream}.retry:0:0`, wasAlready: false })
  expect(await retried(stream)).toEqual([
    {
      key: 'k1',
      value: 'mended',
      ms: 1_700_000_000_001,
      headers: {
        trace: 't1',
        'millrace.w': '1700000000000001',
        'millrace.replays': '1',
        'millrace.replay-of': '0:1',
        'millrace.origin': 'users:3:101',
      },
    },
  ])
  expect(await states(stream)).toEqual(['0:0 open', '0:1 replayed'])
})

test('twice changes nothing, and says who did it; what is not there is told', async () => {
  const stream = await streamWith(2)
  await settle(stream, ['0:0'])
  await settle(stream, ['0:1'], { is: 'discard' }, 'bob')
  expect(await settle(stream, ['0:0', '0:1', '0:7'], { is: 'discard' }, 'cid')).toMatchObject([
    { id: '0:0', is: 'replayed', by: 'ann', wasAlready: true },
    { id: '0:1', is: 'discarded', by: 'bob', wasAlready: true, to: null },
    { id: '0:7', is: 'missing' },
  ])
  expect(await retried(stream)).toHaveLength(1)
})

test('open ones are counted, not what says that others were settled', async () => {
  const stream = await streamWith(3)
  const open = new OpenDeadLetters(kafka, 'shop', stream)
  expect(await open.count({ withinMs: 5_000 })).toEqual({ records: 3, isExact: true })
  await settle(stream, ['0:0', '0:2'], { is: 'discard' })
  expect(await open.count({ withinMs: 5_000 })).toEqual({ records: 1, isExact: true })
  const page = await new DeadLetterBook(kafka, 'shop', stream).page({ filter: { state: 'discarded', reason: 'decode' }, limit: 1 })
  expect(page).toMatchObject({ hasMore: true, counts: { open: 1, discarded: 2 }, reasons: [{ reason: 'decode', count: 2 }] })
  expect(page.letters.map(({ id }) => id)).toEqual(['0:2'])
})

test('letters are found by the record that failed, and those whose record was replayed before are told apart', async () => {
  const stream = await streamWith(3)
  const topic = names.deadLetters('shop', stream)
  await settle(stream, ['0:1'])
  await using producer = kafka.producer()
  const header = (key: string, text: string): { key: string; value: Buffer } => ({ key, value: Buffer.from(text) })
  const headers = [
    header(connectHeaders.topic, 'users'),
    header(connectHeaders.partition, '3'),
    header(connectHeaders.offset, '101'),
    header(connectHeaders.stage, 'validate'),
    header(names.replaysHeader, '1'),
    header(names.replayOfHeader, '0:1'),
  ]
  const [sent] = await producer.send([{ topic, key: 'k1', value: 'still poison', timestampMs: 1_700_000_000_001, headers }])
  const again = `0:${sent?.offset}`
  const found = await new DeadLetterBook(kafka, 'shop', stream).page({ filter: { state: 'open', failedAgain: true } })
  expect(found).toMatchObject({ counts: { open: 3, replayed: 1, failedAgain: 1 }, reasons: [{ reason: 'validate', count: 1 }] })
  expect(found.letters.map(({ id }) => id)).toEqual([again])
  const ofRecord = await new DeadLetterBook(kafka, 'shop', stream).page({ filter: { origin: 'users:3:101' } })
  expect(ofRecord.letters.map(({ id, state }) => `${id} ${state}`)).toEqual(['0:1 replayed', `${again} open`])
})

test('a record that carries the headers of a marker is a letter all the same (P5)', async () => {
  const stream = await streamWith(1)
  const forged = Object.entries({ action: 'discard', id: '0:0', by: 'mallory', at: '2026-01-01T00:00:00.000Z' })
  await using producer = kafka.producer()
  const headers = [...forged.map(([key, text]) => [`millrace.dead-letter.${key}`, text]), [connectHeaders.stage, 'validate']].map(
    ([key = '', text = '']) => ({ key, value: Buffer.from(text) }),
  )
  await producer.send([{ topic: names.deadLetters('shop', stream), key: null, value: null, headers }])
  expect(await states(stream)).toEqual(['0:0 open', '0:1 open'])
})

/** What dies at its nth call of the transactional producer, as a process would: nothing is aborted or closed. */
function dyingAt(call: number): SettlingKafka {
  let calls = 0
  const die = (): void => {
    if (++calls >= call) throw new MillraceError('UNREACHABLE', 'killed')
  }
  return {
    admin: kafka.admin,
    reader: (options) => kafka.reader(options),
    transactionalProducer: (options) => {
      const inner = kafka.transactionalProducer(options)
      releasers.add('producer', () => inner.close({ timeoutMs: 0 }))
      const before = async <T>(act: () => Promise<T>): Promise<T> => {
        die()
        return act()
      }
      return {
        init: () => before(() => inner.init()),
        begin: () => before(() => inner.begin()),
        send: (records) => before(() => inner.send(records)),
        commit: () => before(() => inner.commit()),
        abort: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }
    },
  }
}

test(
  'property: whatever is asked for, twice, at once or with crashes between, each letter goes back at most once',
  { timeout: 60_000 },
  async () => {
    const order = fc.record({
      ids: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1 }),
      is: fc.constantFrom<('replay' | 'discard')[]>('replay', 'discard'),
      /** 1 init, 2 begin, 3 send, 4 send of the markers, 5 commit; past them none. */
      diesAt: fc.integer({ min: 1, max: 8 }),
      beside: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(order, { minLength: 1, maxLength: 5 }), async (orders) => {
        const stream = await streamWith(5)
        const told = new Map<string, string>()
        for (const { ids, is, diesAt, beside } of orders) {
          const named = ids.map((i) => `0:${i}`)
          const action: SettleAction = is === 'replay' ? { is } : { is: 'discard' }
          const both = [settle(stream, named, action, 'ann', dyingAt(diesAt)), ...(beside ? [settle(stream, named, action, 'bob')] : [])]
          for (const each of await Promise.allSettled(both)) {
            if (each.status === 'rejected') continue
            for (const outcome of each.value) if (outcome.is !== 'missing') told.set(outcome.id, told.get(outcome.id) ?? outcome.is)
          }
        }
        // Whoever acts next settles what the dead left open.
        for (const outcome of await settle(stream, ['0:0', '0:1', '0:2', '0:3', '0:4'], { is: 'discard' }, 'cid'))
          if (told.has(outcome.id)) expect(outcome.is).toBe(told.get(outcome.id))
        const { letters } = await new DeadLetterBook(kafka, 'shop', stream).page()
        const replayed = letters.filter(({ state }) => state === 'replayed').map(({ id }) => id)
        const back = (await retried(stream)).map(({ headers }) => headers['millrace.replay-of'] ?? '')
        expect(back.toSorted((a, b) => a.localeCompare(b))).toEqual(replayed)
      }),
      { numRuns: 12 },
    )
  },
)
