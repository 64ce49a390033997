import type { AttemptStart, StartAttempt } from '../../../src/scheduler/index.ts'
import type { AttemptEnd } from '../../../src/scheduler/index.ts'

export interface ControlledAttempt {
  run: AttemptStart
  end: (end: AttemptEnd) => void
  cancelled: boolean
}

/** Attempts that end when a test says so, or by themselves after `forMs`. */
export function controlledAttempts(forMs: number | null): {
  start: StartAttempt
  all: ControlledAttempt[]
  of: (taskId: string) => ControlledAttempt[]
} {
  const all: ControlledAttempt[] = []
  const start: StartAttempt = (run, on) => {
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>()
    const attempt: ControlledAttempt = { run, end: resolve, cancelled: false }
    all.push(attempt)
    const beat = setInterval(() => on.heartbeat(), 1_000)
    void promise.then(() => clearInterval(beat))
    if (forMs !== null) setTimeout(() => resolve({ is: 'ok', value: null }), forMs)
    const cancel = (reason: string): void => {
      attempt.cancelled = true
      resolve({ is: 'cancelled', reason })
    }
    return { end: promise, cancel }
  }
  return { start, all, of: (taskId) => all.filter((each) => each.run.attempt.taskId === taskId) }
}
