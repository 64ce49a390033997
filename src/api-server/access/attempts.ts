import type { Clock } from '../../platform/index.ts'

const freeFailures = 5
const longestWaitMs = 300_000
const forgottenAfterMs = 900_000
const mostNames = 1_000

/**
 * Limits guesses: after five failures a name waits one second, then twice as long after each, five minutes at most. A name
 * without failures for a quarter of an hour is forgotten. Bounded: the oldest name gives way.
 */
export class Attempts {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #failures = new Map<string, { count: number; lastMs: number }>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** How long this name has to wait before its next attempt, 0 when it may try. */
  waitMs(name: string): number {
    const failed = this.#failures.get(name)
    if (failed === undefined || failed.count < freeFailures) return 0
    const wait = Math.min(longestWaitMs, 1_000 * 2 ** (failed.count - freeFailures))
    return Math.max(0, failed.lastMs + wait - this.#clock.monotonicMs())
  }

  failed(name: string): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [each, { lastMs }] of this.#failures) if (nowMs - lastMs > forgottenAfterMs) this.#failures.delete(each)
    const count = (this.#failures.get(name)?.count ?? 0) + 1
    this.#failures.delete(name)
    const [oldest] = this.#failures.keys()
    if (this.#failures.size >= mostNames && oldest !== undefined) this.#failures.delete(oldest)
    this.#failures.set(name, { count, lastMs: nowMs })
  }

  /** It was wrong: the wait that `failed` began, begins now. */
  answered(name: string): void {
    const failed = this.#failures.get(name)
    if (failed !== undefined) failed.lastMs = this.#clock.monotonicMs()
  }

  succeeded(name: string): void {
    this.#failures.delete(name)
  }
}
