import type { Clock } from '../platform/index.ts'
import { stopIfAborted } from './stop-if-aborted.ts'

/**
 * When the next request may start: pages by `everyMs`, all requests at least `minGapMs` apart, until `forMs` after the
 * first request. On the monotonic clock, so that a clock step neither ends nor prolongs a run.
 */
export class Pacer {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #forMs: number | null
  readonly #minGapMs: number
  #startMs: number | null = null
  #dueMs = 0
  #lastRequestMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, { everyMs, forMs, minGapMs }: { everyMs: number; forMs: number | null; minGapMs: number }) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#forMs = forMs
    this.#minGapMs = minGapMs
  }

  /** Waits until the next page is due. False at once when that is after the run's end. */
  async nextPage(signal: AbortSignal): Promise<boolean> {
    stopIfAborted(signal)
    const nowMs = this.#clock.monotonicMs()
    if (this.#startMs === null) {
      this.#startMs = nowMs
      this.#dueMs = nowMs
      return true
    }
    this.#dueMs += this.#everyMs
    // After a long page the rhythm begins anew: no burst of requests to catch up.
    if (this.#dueMs < nowMs - this.#everyMs) this.#dueMs = nowMs
    const waitMs = Math.max(0, this.#dueMs - nowMs)
    if (this.isOverAfter(waitMs)) return false
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
    return true
  }

  /** Waits as long as the rate limit asks. */
  async nextRequest(signal: AbortSignal): Promise<void> {
    const waitMs = this.#lastRequestMs + this.#minGapMs - this.#clock.monotonicMs()
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
    this.#lastRequestMs = this.#clock.monotonicMs()
  }

  /** True when the run's time is over `delayMs` from now. */
  isOverAfter(delayMs: number): boolean {
    if (this.#forMs === null || this.#startMs === null) return false
    return this.#clock.monotonicMs() + delayMs - this.#startMs >= this.#forMs
  }
}
