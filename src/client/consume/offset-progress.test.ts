import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { OffsetProgress, type TakenBatch } from './offset-progress.ts'

/** A batch of these offsets, which ends `gap` offsets behind the last: markers, records that compaction removed. */
function batchOf(offsets: readonly bigint[], nextOffset: bigint): TakenBatch['batch'] {
  return { offsets: BigInt64Array.from(offsets), count: offsets.length, nextOffset, leaderEpoch: 3, bytes: new Uint8Array() }
}

/** Sizes of batches, gaps between records, and the order in which the records are finished, mixed with the taking. */
const histories = fc
  .array(fc.array(fc.nat({ max: 3 }), { maxLength: 6 }), { minLength: 1, maxLength: 6 })
  .chain((batches) =>
    fc.record({ batches: fc.constant(batches), picks: fc.array(fc.nat({ max: 1_000 }), { maxLength: 60 }), tail: fc.nat({ max: 2 }) }),
  )

test('property: what may be committed is the lowest offset that is not handled, never falls, and is the end once all is handled', () => {
  fc.assert(
    fc.property(histories, ({ batches, picks, tail }) => {
      const progress = new OffsetProgress(10n, 1)
      const open: { taken: TakenBatch; i: number; offset: bigint }[] = []
      const waiting = [...batches]
      const handled: bigint[] = []
      let end = 10n
      let before = 10n
      const takeOne = (): void => {
        const gaps = waiting.shift()
        if (!gaps) return
        const offsets = gaps.map((gap) => {
          const offset = end + BigInt(gap)
          end = offset + 1n
          return offset
        })
        end += BigInt(tail)
        const taken = progress.take(batchOf(offsets, end))
        for (const [i, offset] of offsets.entries()) open.push({ taken, i, offset })
      }
      const check = (): void => {
        const lowest = open.reduce<bigint | null>((low, { offset }) => (low === null || offset < low ? offset : low), null)
        const { offset } = progress.next
        expect(offset >= before).toBe(true)
        before = offset
        // Where nothing lies between a handled record and the next one, either place is right.
        if (lowest === null) expect(offset).toBe(end)
        else expect(offset <= lowest && handled.every((each) => each < offset || each > lowest)).toBe(true)
        expect(progress.isIdle).toBe(open.length === 0)
      }
      const finishOne = (pick: number): void => {
        const [one] = open.splice(pick % open.length, 1)
        if (!one) return
        progress.finish(one.taken, one.i)
        handled.push(one.offset)
      }
      for (const pick of picks) {
        if (pick % 3 === 0 || open.length === 0) takeOne()
        else finishOne(pick)
        check()
      }
      while (waiting.length > 0) takeOne()
      while (open.length > 0) finishOne(open.length - 1)
      check()
    }),
  )
})

test('records handled in order are committed up to the first that is not', () => {
  const progress = new OffsetProgress(0n, -1)
  const taken = progress.take(batchOf([0n, 1n, 2n], 3n))
  expect(progress.next).toEqual({ offset: 0n, leaderEpoch: -1 })
  progress.finish(taken, 1)
  expect(progress.next.offset).toBe(0n)
  progress.finish(taken, 0)
  expect(progress.next).toEqual({ offset: 2n, leaderEpoch: 3 })
})

test('markers are passed only when nothing is in hand', () => {
  const progress = new OffsetProgress(0n, -1)
  const taken = progress.take(batchOf([0n], 1n))
  progress.passTo(5n)
  expect(progress.next.offset).toBe(0n)
  progress.finish(taken, 0)
  progress.passTo(5n)
  progress.passTo(2n)
  expect(progress.next.offset).toBe(5n)
})
