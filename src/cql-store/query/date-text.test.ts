import fc from 'fast-check'
import { expect, it } from 'vitest'
import { dateText, timestampText } from './date-text.ts'

const [first, last] = [Date.UTC(1000, 0, 1), Date.UTC(9999, 11, 31, 23, 59, 59, 999)]

it('writes usual times as JavaScript does', () => {
  fc.assert(
    fc.property(fc.integer({ min: first, max: last }), (ms) => {
      expect(timestampText(BigInt(ms), 'T')).toBe(new Date(ms).toISOString())
      expect(dateText(Math.floor(ms / 86_400_000))).toBe(new Date(ms).toISOString().slice(0, 10))
    }),
  )
})

it.each([
  [-(2 ** 31), '-5877641-06-23'],
  [2 ** 31 - 1, '+5881580-07-11'],
  [-719_529, '-0001-12-31'],
  [-719_528, '0000-01-01'],
  [2_932_897, '+10000-01-01'],
  [-141_428, '1582-10-14'],
])('writes day %i as Java does: %s', (days, text) => expect(dateText(days)).toBe(text))

it.each([
  [-12_219_292_800_001n, '1582-10-14 23:59:59.999Z'],
  [-62_135_769_600_001n, '0001-12-29 23:59:59.999Z'],
  [253_402_300_800_000n, '+10000-01-01 00:00:00.000Z'],
  [2n ** 63n - 1n, '+292278994-08-17 07:12:55.807Z'],
  [-(2n ** 63n), '+292275056-05-16 16:47:04.192Z'],
])('writes millisecond %s as Java does: %s', (ms, text) => expect(timestampText(ms, ' ')).toBe(text))
