import { MillraceError, type Clock } from '../../platform/index.ts'

/** A clock that stands still until a test moves it; timers fire in their order while it moves. */
export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000
  #timers: { atMs: number; callback: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }
  monotonicMs(): number {
    return this.#nowMs
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.after(ms, resolve)
      signal?.addEventListener('abort', () => reject(new MillraceError('CANCELLED', 'cancelled')), { once: true })
    })
  }
  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const next = this.#timers.filter((timer) => timer.atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0]
      if (!next) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
    }
    this.#nowMs = untilMs
  }
}
