import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../platform/index.ts'

/** Longest synchronous stretch: heartbeats, socket reads and timers wait no longer than this. */
const SLICE_MS = 50

/** Gives the event loop a turn when work has held it for 50 ms, however many batches that work was cut into. */
export class TimeSlice {
  readonly #clock: Clock
  #since: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonicMs()
  }

  /** True when it is time to await `yield`. */
  isOver(): boolean {
    return this.#clock.monotonicMs() - this.#since >= SLICE_MS
  }

  async yield(): Promise<void> {
    await setImmediate()
    this.#since = this.#clock.monotonicMs()
  }
}
