import { expect, test } from 'vitest'
import { errorCodes, errorName, isRetriable } from './index.ts'

test('every error code has one name, and a newer one still reads as something', () => {
  for (const [name, code] of Object.entries(errorCodes)) expect(errorName(code)).toBe(name)
  expect(errorName(9999)).toBe('ERROR_9999')
})

test('a moved leader is worth another try, a fenced producer is not', () => {
  expect(isRetriable(errorCodes.NOT_LEADER_OR_FOLLOWER)).toBe(true)
  expect(isRetriable(errorCodes.PRODUCER_FENCED)).toBe(false)
})
