import { expect, test } from 'vitest'
import { describeMs, retryDelayMs } from './retry.ts'

const fixed = { retryDelayMs: 10_000, retryExponentialBackoff: false, maxRetryDelayMs: 60_000 }

test('a fixed delay stays as it is', () => {
  expect([1, 2, 9].map((failures) => retryDelayMs(fixed, failures))).toEqual([10_000, 10_000, 10_000])
})

test('exponential back-off doubles up to its limit', () => {
  const doubling = { ...fixed, retryExponentialBackoff: true }
  expect([1, 2, 3, 4, 500].map((failures) => retryDelayMs(doubling, failures))).toEqual([10_000, 20_000, 40_000, 60_000, 60_000])
})

test('lengths of time are told in the unit that fits', () => {
  expect([500, 90_000, 300_000, 7_200_000].map(describeMs)).toEqual(['500ms', '90s', '5m', '2h'])
})
