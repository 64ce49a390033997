import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { placeOf, planMoves, type PartitionStanding, type Place } from './reset-plan.ts'

function standing(committed: number | null, { earliest = 0, latest = 100, atTime = null as number | null } = {}): PartitionStanding {
  return {
    partition: 0,
    committed: committed === null ? null : { offset: BigInt(committed), metadata: '' },
    earliest: BigInt(earliest),
    latest: BigInt(latest),
    atTime: atTime === null ? null : BigInt(atTime),
  }
}

const earliest: Place = { is: 'earliest' }
const latest: Place = { is: 'latest' }
const at = (offset: bigint): Place => ({ is: 'offset', offset })
const one = (state: PartitionStanding, place: Place, starting: 'earliest' | 'latest' = 'earliest') => planMoves([state], place, starting)[0]

describe('a place', () => {
  test('is earliest, latest, an offset or a time with its zone', () => {
    expect(placeOf('earliest')).toEqual(earliest)
    expect(placeOf('latest')).toEqual(latest)
    expect(placeOf('120')).toEqual(at(120n))
    expect(placeOf('2026-01-31T12:00:00Z')).toEqual({ is: 'time', ms: Date.UTC(2026, 0, 31, 12) })
    expect(placeOf('2026-01-31T12:00:00.250+02:00')).toEqual({ is: 'time', ms: Date.UTC(2026, 0, 31, 10, 0, 0, 250) })
    expect(placeOf('2026-01-31')).toEqual({ is: 'time', ms: Date.UTC(2026, 0, 31) })
  })

  test.each(['', 'first', '-1', '+5', '1.5', '2026-13-01T00:00:00Z', '2026-01-31T12:00:00', 'yesterday', '9'.repeat(19), '1969-01-01'])(
    '"%s" is none, and the error says what to write',
    (text) => {
      expect(() => placeOf(text)).toThrow(/write earliest, latest, an offset such as 120, or a time/)
    },
  )
})

describe('a move', () => {
  test('back reads again, forward skips, and where the stream stands already there is none', () => {
    expect(one(standing(60), earliest)).toEqual({ partition: 0, from: 60n, to: 0n, again: [0n, 60n], skipped: null, note: null })
    expect(one(standing(60), latest)).toEqual({ partition: 0, from: 60n, to: 100n, again: null, skipped: [60n, 100n], note: null })
    expect(planMoves([standing(60)], at(60n), 'earliest')).toEqual([])
  })

  test('to an offset that is not in the log ends at its first or last, and says so', () => {
    expect(one(standing(60, { earliest: 10 }), at(3n))).toMatchObject({ to: 10n, note: 'the log begins at 10' })
    expect(one(standing(60), at(500n))).toMatchObject({ to: 100n, skipped: [60n, 100n], note: 'the log ends at 100' })
  })

  test('to a time is where the broker finds it, the end when nothing is as late', () => {
    expect(one(standing(60, { atTime: 20 }), { is: 'time', ms: 1 })).toMatchObject({ to: 20n, again: [20n, 60n], note: null })
    expect(one(standing(60, { atTime: 100 }), { is: 'time', ms: 1 })).toMatchObject({ to: 100n, note: 'no record is as late as that' })
  })

  test('of a stream that never committed counts from where it would start', () => {
    expect(one(standing(null), earliest)).toBeUndefined()
    expect(one(standing(null), latest)).toMatchObject({ from: null, skipped: [0n, 100n], again: null })
    expect(one(standing(null), at(40n), 'latest')).toMatchObject({ from: null, again: [40n, 100n], skipped: null })
  })

  test('of an offset that retention has passed skips only what is still there', () => {
    expect(one(standing(5, { earliest: 30 }), earliest)).toMatchObject({ from: 5n, to: 30n, again: null, skipped: null })
    expect(one(standing(5, { earliest: 30 }), latest)).toMatchObject({
      skipped: [30n, 100n],
      note: 'offsets 5 to 29 are in the log no more',
    })
  })

  test('of an offset behind the end of a topic that was made anew takes nothing in it for read', () => {
    const moved = one(standing(500), earliest)
    expect(moved).toMatchObject({ from: 500n, to: 0n, again: null, skipped: null })
    expect(moved?.note).toMatch(/500, lies behind the log's end, 100/)
    expect(one(standing(500), latest)).toMatchObject({ skipped: [0n, 100n] })
  })

  test('always ends in the log, and reads again or skips exactly what lies between', () => {
    const offset = fc.integer({ min: 0, max: 200 })
    fc.assert(
      fc.property(fc.option(offset), offset, offset, offset, (committed, low, size, wanted) => {
        const move = one(standing(committed, { earliest: low, latest: low + size }), at(BigInt(wanted)))
        if (move === undefined) return (committed ?? low) === Math.min(Math.max(wanted, low), low + size)
        const isInLog = move.to >= BigInt(low) && move.to <= BigInt(low + size)
        const between = move.again ?? move.skipped
        const isBetween = between === null || (between[0] < between[1] && between[0] >= BigInt(low) && between[1] <= BigInt(low + size))
        return isInLog && isBetween && (move.again === null || move.skipped === null)
      }),
    )
  })
})
