import { Cron } from 'croner'
import { durationMs } from '../core/index.ts'
import { messageOf, MillraceError } from '../platform/index.ts'
import { isTimeZone, toLocal, toUtc } from './local-time.ts'

/** Milliseconds since 1970; a run is due at `end`, its logical date is `start`. */
export interface DataInterval {
  start: number
  end: number
}

/** When a schedule fires: the boundaries of data intervals. `anchor` is where intervals of a duration are counted from. */
export interface Boundaries {
  after(ms: number, anchor: number): number | null
  atOrBefore(ms: number, anchor: number): number | null
  before(ms: number, anchor: number): number | null
}

export type Timetable =
  { is: 'manual' } | { is: 'once' } | { is: 'cron'; boundaries: Boundaries } | { is: 'every'; everyMs: number; boundaries: Boundaries }

const presets: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@quarterly': '0 0 1 */3 *',
  '@yearly': '0 0 1 1 *',
}
const dayMs = 86_400_000

/** @throws DEFINITION_INVALID naming the schedule and what is allowed */
export function parseTimetable(schedule: string | null, timezone: string, what: string): Timetable {
  if (!isTimeZone(timezone)) {
    throw new MillraceError(
      'DEFINITION_INVALID',
      `${what}: "${timezone}" is no time zone; write an IANA name such as 'Europe/Berlin', or 'UTC'.`,
    )
  }
  if (schedule === null) return { is: 'manual' }
  const text = schedule.trim()
  if (text === '@once') return { is: 'once' }
  if (text.startsWith('every ')) return everyTimetable(text.slice('every '.length).trim(), what)
  const expression = presets[text] ?? text
  if (expression.startsWith('@') || expression.split(/\s+/).length !== 5) {
    throw new MillraceError(
      'DEFINITION_INVALID',
      `${what}: "${schedule}" is no schedule; write a cron expression of five fields, 'every 10m', @once or one of ${Object.keys(presets).join(' ')}.`,
    )
  }
  return { is: 'cron', boundaries: cronBoundaries(parseCron(expression, what), expression, timezone) }
}

function everyTimetable(duration: string, what: string): Timetable {
  const everyMs = durationMs(duration, `${what}: schedule 'every …'`)
  if (everyMs < 1_000)
    throw new MillraceError('DEFINITION_INVALID', `${what}: a schedule of every ${duration} is too often; one second is the least.`)
  const floor = (ms: number, anchor: number): number => anchor + Math.floor((ms - anchor) / everyMs) * everyMs
  return {
    is: 'every',
    everyMs,
    boundaries: {
      after: (ms, anchor) => floor(ms, anchor) + everyMs,
      atOrBefore: floor,
      before: (ms, anchor) => floor(ms - 1, anchor),
    },
  }
}

function parseCron(expression: string, what: string): Cron {
  try {
    // Fields are read on the local wall clock; the time zone is applied here, as Airflow applies it.
    return new Cron(expression, { timezone: 'UTC', paused: true })
  } catch (error) {
    throw new MillraceError('DEFINITION_INVALID', `${what}: schedule "${expression}": ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Daylight saving as in Airflow's `CronMixin`: an expression that fires every hour counts real hours (an hour that comes
 * twice has both its runs); one at fixed hours fires once a day, at the second 01:30 of a doubled hour, at 03:30 for a skipped 02:30.
 */
function cronBoundaries(cron: Cron, expression: string, zone: string): Boundaries {
  const everyHour = ['*', '*/1', '0-23'].includes(expression.split(/\s+/)[1] ?? '')
  const step = (ms: number, localOf: (local: number) => number | null): number | null => {
    const local = toLocal(ms, zone)
    const scheduled = localOf(local)
    if (scheduled === null) return null
    const deltaMs = scheduled - local
    return everyHour && Math.abs(deltaMs) < dayMs ? ms + deltaMs : toUtc(scheduled, zone)
  }
  const next = (local: number): number | null => cron.nextRun(new Date(local))?.getTime() ?? null
  const previous = (local: number): number | null => cron.previousRuns(1, new Date(local))[0]?.getTime() ?? null
  const after = (ms: number): number | null => {
    // A time that moved out of a gap may land at or before `ms`: then the one after it.
    let from = wholeSecond(ms)
    for (let tries = 0; tries < 3; tries++) {
      const fires = step(from, next)
      if (fires === null || fires > ms) return fires
      from = from + 3_600_000
    }
    return null
  }
  const before = (ms: number): number | null => {
    const fires = step(ms, previous)
    if (fires === null || fires < ms) return fires
    return step(ms - 3_600_000, previous)
  }
  return { after, before, atOrBefore: (ms) => before(wholeSecond(ms) + 1_000) }
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000
}

/** When the next scheduled run is due, or null. */
export interface ScheduleState {
  /** Nothing is run for an interval that starts before this. */
  startMs: number
  /** End of the last interval that a run was made for. */
  cursorMs: number
  catchup: boolean
  /** The last logical date there may be. */
  endDateMs: number | null
  /** `@once` has had its run. */
  ranOnce: boolean
}

/**
 * The next data interval to make a run for; due at its end, which may have passed. Without `catchup` all but the latest
 * complete interval are passed over.
 */
export function nextInterval(timetable: Timetable, state: ScheduleState, nowMs: number): DataInterval | null {
  const interval = intervalFrom(timetable, state, nowMs)
  return interval && state.endDateMs !== null && interval.start > state.endDateMs ? null : interval
}

/**
 * The cursor to go on from. A clock that was ahead has left it in the future; without `catchup`, which has then passed over the intervals in
 * between, they are offered again, and those that did run are known by their logical date.
 */
export function soundCursor(timetable: Timetable, state: ScheduleState, nowMs: number): number {
  if (state.catchup || state.cursorMs <= nowMs || (timetable.is !== 'cron' && timetable.is !== 'every')) return state.cursorMs
  return Math.max(state.startMs, timetable.boundaries.atOrBefore(nowMs, state.startMs) ?? state.startMs)
}

function intervalFrom(timetable: Timetable, state: ScheduleState, nowMs: number): DataInterval | null {
  if (timetable.is === 'manual') return null
  if (timetable.is === 'once') return state.ranOnce ? null : { start: state.startMs, end: state.startMs }
  const { boundaries } = timetable
  let base = soundCursor(timetable, state, nowMs)
  if (!state.catchup) {
    const latestEnd = boundaries.atOrBefore(nowMs, state.startMs)
    const latestStart = latestEnd === null ? null : boundaries.before(latestEnd, state.startMs)
    base = Math.max(base, latestStart ?? base)
  }
  const start = boundaries.after(base - 1, state.startMs)
  const end = start === null ? null : boundaries.after(start, state.startMs)
  return start === null || end === null ? null : { start, end }
}

/**
 * Where a schedule begins. With a start date, as Airflow: the first boundary from it on. Without: at the interval that
 * registration falls into, so that nothing is run for the past and a `@daily` runs at the next midnight.
 */
export function scheduleStart(timetable: Timetable, startDateMs: number | null, nowMs: number): number | null {
  if (timetable.is === 'manual') return null
  if (startDateMs !== null) return timetable.is === 'cron' ? (timetable.boundaries.after(startDateMs - 1, 0) ?? startDateMs) : startDateMs
  return timetable.is === 'cron' ? (timetable.boundaries.atOrBefore(nowMs, 0) ?? nowMs) : nowMs
}

/** The data interval of a manual run: the last complete one, as Airflow infers it; empty without a repeating schedule. */
export function manualInterval(timetable: Timetable, nowMs: number): DataInterval {
  if (timetable.is === 'every') return { start: nowMs - timetable.everyMs, end: nowMs }
  if (timetable.is !== 'cron') return { start: nowMs, end: nowMs }
  const end = timetable.boundaries.atOrBefore(nowMs, 0) ?? nowMs
  return { start: timetable.boundaries.before(end, 0) ?? end, end }
}

/** An ISO 8601 date or time; one without offset is local to the dag's time zone. DEFINITION_INVALID when it is none. */
export function parseDate(text: string | null, timezone: string, what: string): number | null {
  if (text === null) return null
  const hasOffset = /T.*(?:Z|[+-]\d{2}:?\d{2})$/i.test(text)
  const parsed = Date.parse(hasOffset ? text : `${text.includes('T') ? text : `${text}T00:00:00`}Z`)
  if (Number.isNaN(parsed))
    throw new MillraceError('DEFINITION_INVALID', `${what}: "${text}" is no ISO 8601 date, such as '2026-01-31' or '2026-01-31T06:00:00Z'.`)
  return hasOffset ? parsed : toUtc(parsed, timezone)
}
