import { setImmediate as nextTurn } from 'node:timers/promises'
import { abortReason, type Clock } from '../platform/index.ts'

interface Timer {
  readonly atMs: number
  readonly fire: () => void
}

/** A clock that moves only when a test says so; timers fire in the order of their times while it moves. */
export class TestClock implements Clock {
  #nowMs: number
  #sleeping = 0
  readonly #timers = new Set<Timer>()

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  /** Somebody sleeps: nothing of his goes on before the clock moves. */
  get hasSleepers(): boolean {
    return this.#sleeping > 0
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw abortReason(signal)
    const slept = Promise.withResolvers<void>()
    const cancel = this.after(ms, slept.resolve)
    const onAbort = (): void => slept.reject(abortReason(signal))
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#sleeping++
    try {
      await slept.promise
    } finally {
      this.#sleeping--
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** What is due at once does not wait for the clock. */
  after(ms: number, callback: () => void): () => void {
    if (ms <= 0) {
      const immediate = setImmediate(callback)
      return () => clearImmediate(immediate)
    }
    const timer: Timer = { atMs: this.#nowMs + ms, fire: callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Moves it, timer by timer; `settled` is awaited after each that somebody slept for, so that what he then waits for is in order too. */
  async advance(ms: number, settled: () => Promise<void>): Promise<void> {
    const untilMs = this.#nowMs + ms
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      const sleeping = this.#sleeping
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.fire()
      await nextTurn()
      if (this.#sleeping < sleeping) await settled()
    }
    this.#nowMs = untilMs
    await settled()
  }

  #next(untilMs: number): Timer | null {
    let first: Timer | null = null
    for (const timer of this.#timers) if (timer.atMs <= untilMs && (first === null || timer.atMs < first.atMs)) first = timer
    return first
  }
}
