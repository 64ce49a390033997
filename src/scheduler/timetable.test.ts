import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manualInterval, nextInterval, parseDate, parseTimetable, scheduleStart, type DataInterval } from './timetable.ts'

const at = (text: string): number => Date.parse(text)
const shown = (interval: DataInterval | null): string[] | null =>
  interval && [new Date(interval.start).toISOString(), new Date(interval.end).toISOString()]

/** When a schedule fires after `from`, `count` times. */
function fires(schedule: string, zone: string, from: string, count: number): string[] {
  const timetable = parseTimetable(schedule, zone, 'dag')
  if (timetable.is !== 'cron' && timetable.is !== 'every') throw new Error('fires never')
  const found: string[] = []
  for (let ms: number | null = at(from); found.length < count;) {
    ms = timetable.boundaries.after(ms, at(from))
    if (ms === null) break
    found.push(new Date(ms).toISOString().replace(':00.000Z', 'Z'))
  }
  return found
}

describe('cron in a time zone with daylight saving', () => {
  test('a daily time in the hour that is left out fires an hour later that day', () => {
    expect(fires('30 2 * * *', 'America/New_York', '2026-03-07T12:00:00Z', 3)).toEqual([
      '2026-03-08T07:30Z',
      '2026-03-09T06:30Z',
      '2026-03-10T06:30Z',
    ])
  })

  test('a daily time in the hour that comes twice fires once, the second time', () => {
    expect(fires('30 1 * * *', 'America/New_York', '2026-10-31T12:00:00Z', 2)).toEqual(['2026-11-01T06:30Z', '2026-11-02T06:30Z'])
  })

  test('an hourly schedule counts real hours through both changes', () => {
    expect(fires('0 * * * *', 'Europe/Berlin', '2026-03-28T23:30:00Z', 4)).toEqual([
      '2026-03-29T00:00Z',
      '2026-03-29T01:00Z',
      '2026-03-29T02:00Z',
      '2026-03-29T03:00Z',
    ])
    expect(fires('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00:00Z', 4)).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-25T01:00Z',
      '2026-10-25T01:30Z',
      '2026-10-25T02:00Z',
    ])
  })

  test('midnight is local midnight in summer and winter', () => {
    expect(fires('@daily', 'Europe/Berlin', '2026-03-27T23:00:00Z', 3)).toEqual([
      '2026-03-28T23:00Z',
      '2026-03-29T22:00Z',
      '2026-03-30T22:00Z',
    ])
  })

  test('steps forward and back agree at any instant', () => {
    const zones = fc.constantFrom('UTC', 'America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu')
    const crons = fc.constantFrom('30 1 * * *', '30 2 * * *', '0 * * * *', '*/20 * * * *', '0 0 * * 1', '15 2,3 * * *', '0 0 1 * *')
    const instants = fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') })
    fc.assert(
      fc.property(zones, crons, instants, (zone, cron, ms) => {
        const timetable = parseTimetable(cron, zone, 'dag')
        if (timetable.is !== 'cron') return false
        const fire = timetable.boundaries
        const floor = fire.atOrBefore(ms, 0) ?? Number.NaN
        const next = fire.after(ms, 0) ?? Number.NaN
        return floor <= ms && next > ms && fire.atOrBefore(floor, 0) === floor
      }),
      { numRuns: 400 },
    )
  })
})

describe('the next data interval', () => {
  const daily = parseTimetable('@daily', 'UTC', 'dag')
  const state = {
    startMs: at('2026-03-01T00:00:00Z'),
    cursorMs: at('2026-03-02T00:00:00Z'),
    catchup: false,
    endDateMs: null,
    ranOnce: false,
  }

  test('is the one after the last', () => {
    expect(shown(nextInterval(daily, state, at('2026-03-02T12:00:00Z')))).toEqual(['2026-03-02T00:00:00.000Z', '2026-03-03T00:00:00.000Z'])
  })

  test('is the latest complete one after a pause without catchup, the first missed one with it', () => {
    const now = at('2026-03-10T06:00:00Z')
    expect(shown(nextInterval(daily, state, now))?.[0]).toBe('2026-03-09T00:00:00.000Z')
    expect(shown(nextInterval(daily, { ...state, catchup: true }, now))?.[0]).toBe('2026-03-02T00:00:00.000Z')
  })

  test('is not after the end date', () => {
    expect(nextInterval(daily, { ...state, endDateMs: at('2026-03-01T12:00:00Z') }, at('2026-03-02T12:00:00Z'))).toBeNull()
    expect(nextInterval(daily, { ...state, endDateMs: at('2026-03-02T00:00:00Z') }, at('2026-03-02T12:00:00Z'))).not.toBeNull()
  })

  test('is near again when the clock that was a year ahead has stepped back', () => {
    const ahead = { ...state, cursorMs: at('2027-03-02T00:00:00Z') }
    expect(shown(nextInterval(daily, ahead, at('2026-03-02T12:00:00Z')))?.[0]).toBe('2026-03-02T00:00:00.000Z')
  })
})

test('without a start date a schedule begins in the interval it is registered in', () => {
  const now = at('2026-03-02T12:00:00Z')
  expect(scheduleStart(parseTimetable('@daily', 'UTC', 'dag'), null, now)).toBe(at('2026-03-02T00:00:00Z'))
  expect(scheduleStart(parseTimetable('every 10m', 'UTC', 'dag'), null, now)).toBe(now)
  expect(scheduleStart(parseTimetable(null, 'UTC', 'dag'), null, now)).toBeNull()
})

test('a start date between two boundaries begins at the next', () => {
  expect(scheduleStart(parseTimetable('@daily', 'UTC', 'dag'), at('2026-01-01T06:00:00Z'), 0)).toBe(at('2026-01-02T00:00:00Z'))
})

test('every 10m counts from where it began', () => {
  expect(fires('every 10m', 'UTC', '2026-03-02T12:03:00Z', 2)).toEqual(['2026-03-02T12:13Z', '2026-03-02T12:23Z'])
})

test('a manual run has the last complete interval', () => {
  const now = at('2026-03-02T12:00:00Z')
  expect(shown(manualInterval(parseTimetable('@daily', 'UTC', 'dag'), now))).toEqual([
    '2026-03-01T00:00:00.000Z',
    '2026-03-02T00:00:00.000Z',
  ])
  expect(shown(manualInterval(parseTimetable('every 1h', 'UTC', 'dag'), now))?.[0]).toBe('2026-03-02T11:00:00.000Z')
  expect(manualInterval(parseTimetable(null, 'UTC', 'dag'), now)).toEqual({ start: now, end: now })
})

test.each([
  ['@sometimes', 'UTC', /no schedule/],
  ['* * *', 'UTC', /five fields/],
  ['61 * * * *', 'UTC', /61/],
  ['every ten minutes', 'UTC', /not a duration/],
  ['every 5ms', 'UTC', /too often/],
  ['@daily', 'Europe/Atlantis', /no time zone/],
])('%s in %s is refused with what is wrong', (schedule, zone, message) => {
  expect(() => parseTimetable(schedule, zone, 'dag jobs')).toThrow(message)
})

test('a date without offset is local to the dag', () => {
  expect(parseDate('2026-07-01', 'Europe/Berlin', 'dag')).toBe(at('2026-06-30T22:00:00Z'))
  expect(parseDate('2026-07-01T06:00:00', 'Europe/Berlin', 'dag')).toBe(at('2026-07-01T04:00:00Z'))
  expect(parseDate('2026-07-01T06:00:00+01:00', 'Europe/Berlin', 'dag')).toBe(at('2026-07-01T05:00:00Z'))
  expect(() => parseDate('tomorrow', 'UTC', 'dag jobs: startDate')).toThrow(/startDate: "tomorrow" is no ISO 8601 date/)
})
