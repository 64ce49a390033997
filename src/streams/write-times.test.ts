import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchOf } from './testing/batches.ts'
import { assignWriteTimes, decodeCommitMetadata, encodeCommitMetadata, previousWriteMicros, timeProblem } from './write-times.ts'

const now = 1_700_000_000_000

function batchAt(times: readonly number[]) {
  return batchOf(times.map((timestampMs) => ({ key: null, value: null, timestampMs, headers: [] })))
}

test('the write time is the record time in µs, or one more than the one before', () => {
  const batch = batchAt([now, now, now - 5, -1, now + 1, now + 3_600_001])
  const start = BigInt(now) * 1_000n
  expect(assignWriteTimes(batch, 0, now)).toBe(now * 1_000 + 1_001)
  expect([...batch.writeMicros]).toEqual([start, start + 1n, start + 2n, start + 3n, start + 1_000n, start + 1_001n])
})

test('however a partition is cut into batches, write times are the same and strictly rising (P2)', () => {
  const times = fc.array(fc.oneof(fc.constant(-1), fc.integer({ min: now - 20, max: now + 20 }), fc.constant(now + 9_000_000)), {
    minLength: 1,
    maxLength: 60,
  })
  fc.assert(
    fc.property(times, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), fc.nat({ max: now * 1_001 }), (all, cuts, previous) => {
      const whole = batchAt(all)
      assignWriteTimes(whole, previous, now)
      const pieces: bigint[] = []
      let last = previous
      for (let from = 0, cut = 0; from < all.length; cut++) {
        const size = cuts[cut % cuts.length] ?? 1
        const piece = batchAt(all.slice(from, from + size))
        // The last write time goes through the commit's metadata, as it does at a restart.
        const metadata = encodeCommitMetadata({ writeMicros: last, topology: 'x' })
        last = assignWriteTimes(piece, previousWriteMicros({ metadata }, now), now)
        pieces.push(...piece.writeMicros)
        from += size
      }
      expect(pieces).toEqual([...whole.writeMicros])
      expect(pieces.every((w, i) => w > (pieces[i - 1] ?? BigInt(previous)))).toBe(true)
    }),
  )
})

test('a partition that was never committed starts at its records’ times, one set by another tool at now', () => {
  expect(previousWriteMicros(null, now)).toBe(0)
  expect(previousWriteMicros({ metadata: '' }, now)).toBe(now * 1_000)
  expect(previousWriteMicros({ metadata: '{"v":1,"w":"17","topology":"ab"}' }, now)).toBe(17)
})

test.each([
  '',
  'null',
  '[]',
  '{',
  '{"v":2,"w":"1"}',
  '{"v":1}',
  '{"v":1,"w":1}',
  '{"v":1,"w":"-1"}',
  '{"v":1,"w":"99999999999999999"}',
  '{"v":1,"w":"9999999999999999"}',
])('commit metadata %j was not written by a stream', (text) => {
  expect(decodeCommitMetadata(text)).toBeNull()
})

test('decoding commit metadata never throws', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void decodeCommitMetadata(text)))
})

test('a time just within the hour is no problem', () => {
  expect(timeProblem(now + 3_600_000, now)).toBeNull()
  expect(timeProblem(0, now)).toBeNull()
  expect(timeProblem(now + 3_600_001, now)).toMatch(/ahead of the clock/)
  expect(timeProblem(Number.MAX_SAFE_INTEGER, now)).toMatch(/ahead of the clock/)
})
