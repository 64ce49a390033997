import { expect, test } from 'vitest'
import { startingStatus, type StreamState, type StreamStatus } from '../core/index.ts'
import { MillraceError, silentLogger, type Clock } from '../platform/index.ts'
import { keepRunning } from './keep-running.ts'

type Try = (onStatus: (status: StreamStatus) => void) => Promise<void>

/** A time that passes only while somebody sleeps. */
function sleepingClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = []
  const now = (): number => slept.reduce((sum, ms) => sum + ms, 1_000_000)
  return {
    slept,
    nowMs: now,
    monotonicMs: now,
    after: () => () => undefined,
    sleep: async (ms) => void slept.push(ms),
  }
}

/** Runs a stream whose tries go as told, one after another. */
async function kept(...tries: Try[]): Promise<{ states: StreamState[]; told: StreamStatus[]; clock: ReturnType<typeof sleepingClock> }> {
  const told: StreamStatus[] = []
  const clock = sleepingClock()
  await keepRunning({
    name: 's',
    run: (onStatus) => tries.shift()?.(onStatus) ?? Promise.resolve(),
    tell: (status) => told.push(status),
    log: silentLogger,
    clock,
    signal: new AbortController().signal,
  })
  return { states: told.map(({ state }) => state), told, clock }
}

const failing =
  (error: MillraceError): Try =>
  async (onStatus) => {
    onStatus(startingStatus('s'))
    onStatus({ ...startingStatus('s'), recordsRead: 7, state: { is: 'stopped', error: error.toJSON() } })
    throw error
  }
const running: Try = async (onStatus) => {
  onStatus(startingStatus('s'))
  onStatus({ ...startingStatus('s'), state: { is: 'running' } })
}
const wrongPassword = new MillraceError('AUTHENTICATION_FAILED', 'SASL: wrong password')
const mayNotRead = new MillraceError('KAFKA', 'may not read', { details: { errorName: 'GROUP_AUTHORIZATION_FAILED' } })

test.each([wrongPassword, mayNotRead, new MillraceError('UNREACHABLE', 'nobody listens')])(
  'a stream that is not let in, or finds nobody, waits and says since when, until it runs: $message',
  async (error) => {
    const { states, clock } = await kept(failing(error), failing(error), running)
    const retrying = states.filter((state) => state.is === 'retrying')
    expect(new Set(retrying.map(({ sinceMs }) => sinceMs))).toEqual(new Set([1_000_000]))
    expect(retrying.map((state) => state.error.message)).toEqual(retrying.map(() => error.message))
    // It was stopped at no time, nor did it begin anew.
    expect(states.map(({ is }) => is).filter((is, i, all) => is !== all[i - 1])).toEqual(['starting', 'retrying', 'running', 'stopped'])
    expect(states.at(-1)).toEqual({ is: 'stopped', error: null })
    expect(clock.slept).toHaveLength(2)
  },
)

test('a wrong password is tried less and less often, twice a minute in the end', async () => {
  const { clock } = await kept(...Array.from({ length: 12 }, () => failing(wrongPassword)), running)
  expect(clock.slept.length).toBe(12)
  expect(Math.max(...clock.slept)).toBeLessThanOrEqual(30_000)
  expect(Math.min(...clock.slept.slice(-3))).toBeGreaterThan(10_000)
})

test('what the stream itself stops at is final, with what it had counted', async () => {
  const limit = new MillraceError('DEAD_LETTER_LIMIT', 'too many')
  const { told, clock } = await kept(failing(limit), running)
  expect(told.at(-1)).toMatchObject({ recordsRead: 7, state: { is: 'stopped', error: { code: 'DEAD_LETTER_LIMIT' } } })
  expect(clock.slept).toEqual([])
})

test('a problem that is over is no reason for the next one', async () => {
  const away = new MillraceError('UNREACHABLE', 'nobody listens')
  const ranAndFailed: Try = async (onStatus) => {
    await running(onStatus)
    throw away
  }
  const { states } = await kept(failing(wrongPassword), ranAndFailed, running)
  const retrying = states.filter((state) => state.is === 'retrying')
  expect(retrying.at(-1)).toMatchObject({ error: { code: 'UNREACHABLE' } })
  expect(retrying.at(-1)?.sinceMs).toBeGreaterThan(1_000_000)
})

test('what a try waits for by itself is told, not what the one before it failed at', async () => {
  const away = new MillraceError('UNREACHABLE', 'nobody listens').toJSON()
  const waiting: Try = async (onStatus) => {
    onStatus(startingStatus('s'))
    onStatus({ ...startingStatus('s'), state: { is: 'retrying', error: away, sinceMs: 5, attempt: 0 } })
    await running(onStatus)
  }
  const { states } = await kept(failing(wrongPassword), waiting)
  expect(states).toContainEqual({ is: 'retrying', error: away, sinceMs: 5, attempt: 0 })
})
