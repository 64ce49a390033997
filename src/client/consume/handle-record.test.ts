import { expect, test } from 'vitest'
import { jsonCodec } from '../../formats/index.ts'
import { MillraceError, systemClock } from '../../platform/index.ts'
import { batchOf } from '../../streams/index.ts'
import { RetryableError } from '../retryable-error.ts'
import { handleRecord, type Handled, type HandleRecord } from './handle-record.ts'
import type { Handler } from './options.ts'

const never = new AbortController().signal

function handle(
  handler: Handler<unknown>,
  options: Partial<HandleRecord['options']> = {},
  value: string | null = '1',
  reading: Partial<Pick<HandleRecord, 'values' | 'makeReady'>> = {},
): Promise<Handled> {
  const record = { key: null, value: value === null ? null : Buffer.from(value), timestampMs: 1, headers: [] }
  const batch = batchOf([record], { topic: 't', partition: 0, leaderEpoch: 0, firstOffset: 0n, highWatermark: 1n })
  return handleRecord(
    {
      handler,
      values: jsonCodec,
      parse: (given) =>
        typeof given === 'number' ? { ok: true, value: given } : { ok: false, problems: [{ path: 'n', message: 'is none' }] },
      options: { retries: 2, retryOn: 'any', backoffMs: 1, timeoutMs: null, ...options },
      clock: systemClock,
      makeReady: () => Promise.resolve(true),
      ...reading,
    },
    batch,
    0,
    { leaving: never, giveUp: never },
  )
}

const throwing = (make: () => unknown): { handler: Handler<unknown>; attempts: number[] } => {
  const attempts: number[] = []
  return {
    attempts,
    handler: (_value, { attempt }) => {
      attempts.push(attempt)
      throw make()
    },
  }
}

test.each<['any' | 'retriable', string, () => unknown, number]>([
  ['any', 'any error', () => new TypeError('x'), 3],
  ['any', 'no error at all', () => 'x', 3],
  ['any', 'one that says that trying is no use', () => Object.assign(new Error('x'), { retriable: false }), 1],
  ['retriable', 'any error', () => new TypeError('x'), 1],
  ['retriable', 'a RetryableError', () => new RetryableError('x'), 3],
])('with retryOn %s, %s is thrown: %i tries', async (retryOn, _what, make, tries) => {
  const { handler, attempts } = throwing(make)
  expect(await handle(handler, { retryOn })).toMatchObject({ is: 'failed', attempts: tries, failure: { reason: 'step', step: 'handler' } })
  expect(attempts).toEqual(Array.from({ length: tries }, (_, i) => i + 1))
})

test.each<[string, string | null, string, RegExp]>([
  ['bytes that are no value', '{', 'decode', /not JSON/],
  ['a value that the schema refuses', '"x"', 'validate', /^n: is none$/],
  ['a tombstone', null, 'validate', /tombstone/],
])('%s never reaches the handler', async (_what, value, reason, message) => {
  const { handler, attempts } = throwing(() => new Error('x'))
  expect(await handle(handler, {}, value)).toMatchObject({ is: 'failed', failure: { reason, message: expect.stringMatching(message) } })
  expect(attempts).toEqual([])
})

test('a handler that is over its time hears of it, and is tried again', async () => {
  const signals: AbortSignal[] = []
  const handled = await handle(
    (_value, { signal, attempt }) => {
      signals.push(signal)
      return attempt < 3 ? new Promise(() => undefined) : undefined
    },
    { timeoutMs: 5 },
  )
  expect([handled, signals.map(({ aborted }) => aborted)]).toEqual([{ is: 'handled' }, [true, true, false]])
})

test('a value whose schema was forgotten meanwhile is read once that is there again; where the consumer ends first, it is left', async () => {
  let isReady = false
  const values: HandleRecord['values'] = {
    isReadyFor: () => isReady,
    decode: (bytes) => (isReady ? jsonCodec.decode(bytes) : { ok: false, error: new MillraceError('RECORD_DECODE', 'not at hand') }),
  }
  const makeReady = (becomes: boolean) => () => Promise.resolve((isReady = becomes))
  expect(await handle(() => undefined, {}, '1', { values, makeReady: makeReady(false) })).toEqual({ is: 'abandoned' })
  expect(await handle(() => undefined, {}, '1', { values, makeReady: makeReady(true) })).toEqual({ is: 'handled' })
})
