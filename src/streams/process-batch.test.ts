import { expect, test } from 'vitest'
import { systemClock } from '../platform/index.ts'
import { compileStream } from './compile-steps.ts'
import { processBatch, type ProcessedBatch } from './process-batch.ts'
import { batchOf, stored, type TestRecord } from './testing/batches.ts'
import { usersStream, type TestStep } from './testing/users.ts'
import { TimeSlice } from './time-slice.ts'

const at = 1_700_000_000_000

function user(id: string, more: Partial<TestRecord> & { name?: unknown } = {}): TestRecord {
  const { name = id.toUpperCase(), ...rest } = more
  return { key: id, value: { id, name }, timestampMs: at, ...rest }
}

function run(
  records: readonly TestRecord[],
  steps: readonly TestStep[] = [],
  stopping: AbortSignal = new AbortController().signal,
): Promise<ProcessedBatch> {
  const environment = { clock: systemClock, slice: new TimeSlice(systemClock), stopping }
  return processBatch(compileStream(usersStream(steps)), batchOf(records.map(stored)), 0, environment)
}

function nameOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'name' in value ? String(value.name) : ''
}

test('each record is a row, filtered or a failure, and rows know their records', async () => {
  const processed = await run(
    [user('a'), user('b'), user('c'), user('d')],
    [
      { is: 'filter', fn: (value) => nameOf(value) !== 'B' },
      {
        is: 'map',
        fn: (value) => {
          if (nameOf(value) === 'C') throw new TypeError('no C')
          return { ...Object(value), name: `${nameOf(value)}!` }
        },
      },
    ],
  )
  expect(processed.rows).toEqual([
    { id: 'a', name: 'A!' },
    { id: 'd', name: 'D!' },
  ])
  expect([...processed.rowToRecord]).toEqual([0, 3])
  expect(processed.filtered).toBe(1)
  expect(processed.failures).toMatchObject([{ record: 2, reason: 'step', step: 'map-2', message: 'no C', errorClass: 'TypeError' }])
})

test.each<[string, TestRecord, { reason: string; message: RegExp }]>([
  ['bytes that are no JSON', user('a', { value: '{' }), { reason: 'decode', message: /not JSON/ }],
  ['invalid UTF-8', user('a', { value: Buffer.from([0x22, 0xff, 0x22]) }), { reason: 'decode', message: /not JSON/ }],
  ['a value against its schema', user('a', { name: 7 }), { reason: 'validate', message: /^name: expected text$/ }],
  ['a tombstone', user('a', { value: undefined }), { reason: 'validate', message: /tombstone/ }],
  ['a null key', user('a', { key: null }), { reason: 'validate', message: /no key/ }],
  ['a key that is not the value’s', user('a', { key: 'b' }), { reason: 'validate', message: /key is not the one its value says, "a"/ }],
  ['a key that only begins like the value’s', user('a', { key: 'ab' }), { reason: 'validate', message: /key is not the one/ }],
  ['no record time', user('a', { timestampMs: -1 }), { reason: 'validate', message: /has no time/ }],
  [
    'a time two hours ahead',
    user('a', { timestampMs: Date.now() + 7_200_000 }),
    { reason: 'validate', message: /more than an hour ahead/ },
  ],
])('%s is a dead letter that says so', async (_, record, expected) => {
  const processed = await run([record, user('z')])
  expect(processed.failures).toMatchObject([{ record: 0, reason: expected.reason, step: 'source' }])
  expect(processed.failures[0]?.message).toMatch(expected.message)
  expect(processed.rows).toEqual([{ id: 'z', name: 'Z' }])
})

test('a key beyond ASCII is compared as UTF-8', async () => {
  expect((await run([user('zoë')])).rows).toHaveLength(1)
})

test('validate steps may answer false, a reason, or throw one', async () => {
  const verdicts: Record<string, () => unknown> = {
    A: () => true,
    B: () => false,
    C: () => 'name must not be C',
    D: () => {
      throw new Error('D is gone')
    },
    E: () => undefined,
  }
  const processed = await run(
    ['a', 'b', 'c', 'd', 'e'].map((id) => user(id)),
    [{ is: 'validate', fn: (value) => verdicts[nameOf(value)]?.() }],
  )
  expect(processed.rows.map(nameOf)).toEqual(['A', 'E'])
  expect(processed.failures.map(({ reason, message }) => [reason, message])).toEqual([
    ['validate', 'The record did not pass step "validate-1".'],
    ['validate', 'name must not be C'],
    ['validate', 'D is gone'],
  ])
})

test.each([
  ['nothing', undefined, /returned nothing/],
  ['null', null, /gave null/],
  ['a list', [], /gave a list/],
  ['a number', 3, /gave a number/],
])('a map that returns %s is told so', async (_, result, message) => {
  const { failures } = await run([user('a')], [{ is: 'map', fn: () => result }])
  expect(failures).toMatchObject([{ reason: 'step' }])
  expect(failures[0]?.message).toMatch(message)
})

test('a retriable error is tried again, and only then a dead letter; another error is one at once', async () => {
  const calls: string[] = []
  const processed = await run(
    ['a', 'b', 'c'].map((id) => user(id)),
    [
      {
        is: 'each',
        retry: { retries: 2 },
        fn: (value) => {
          const name = nameOf(value)
          calls.push(name)
          if (name === 'A' && calls.filter((call) => call === 'A').length < 3) throw Object.assign(new Error('503'), { retriable: true })
          if (name === 'B') return Promise.reject(Object.assign(new Error('503'), { retriable: true }))
          if (name === 'C') throw new Error('404')
          return undefined
        },
      },
    ],
  )
  expect(processed.rows.map(nameOf)).toEqual(['A'])
  expect(processed.failures.map(({ record, message }) => [record, message])).toEqual([
    [1, '503'],
    [2, '404'],
  ])
  expect(calls.toSorted()).toEqual(['A', 'A', 'A', 'B', 'B', 'B', 'C'])
})

test('a step that takes too long is told by its signal, tried again, and then a dead letter', async () => {
  const aborted: unknown[] = []
  const { failures } = await run(
    [user('a')],
    [
      {
        is: 'map',
        timeoutMs: 10,
        retry: { retries: 1 },
        fn: (_, { signal }) => new Promise(() => signal.addEventListener('abort', () => aborted.push(signal.reason))),
      },
    ],
  )
  expect(failures).toMatchObject([
    { reason: 'step', errorClass: 'TIMED_OUT', message: 'Step "map-1" took longer than its time-out of 10 ms.' },
  ])
  expect(aborted).toHaveLength(2)
})

test('asynchronous steps of different keys run beside each other, those of one key in order', async () => {
  const started: string[] = []
  const gates = new Map<string, () => void>()
  const processing = run(
    [user('a', { name: '1' }), user('b', { name: '1' }), user('a', { name: '2' })],
    [
      {
        is: 'map',
        fn: async (value, { key }) => {
          const id = `${String(key && Buffer.from(key))}${nameOf(value)}`
          started.push(id)
          if (id !== 'a2') await new Promise<void>((resolve) => gates.set(id, resolve))
          return value
        },
      },
    ],
  )
  await expect.poll(() => started).toEqual(['a1', 'b1'])
  gates.get('b1')?.()
  gates.get('a1')?.()
  const { rows } = await processing
  expect(started).toEqual(['a1', 'b1', 'a2'])
  expect(rows.map(nameOf)).toEqual(['1', '1', '2'])
})

test('a batch whose step never ends is given up when the stream must stop', async () => {
  const stopping = new AbortController()
  const processing = run([user('a')], [{ is: 'map', fn: () => new Promise(() => {}) }], stopping.signal)
  stopping.abort(new Error('stop'))
  await expect(processing).rejects.toThrow('stop')
})

/** Holds the thread for 3 ms. */
function busy(): true {
  const end = performance.now() + 3
  while (performance.now() < end);
  return true
}

test('long synchronous work lets timers run', async () => {
  let ticks = 0
  const timer = setInterval(() => ticks++, 10)
  await run(
    Array.from({ length: 100 }, (_, i) => user(`u${i}`)),
    [{ is: 'filter', fn: busy }],
  )
  clearInterval(timer)
  expect(ticks).toBeGreaterThanOrEqual(2)
})
