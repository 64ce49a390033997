import { MillraceError } from './errors.ts'

/** Time, injected: production code never calls `Date.now` or `setTimeout` on its own where a test must steer it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  nowMs(): number
  /** A clock that never steps back, milliseconds from an arbitrary start. */
  monotonicMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `callback` once after `ms`, returns the canceller. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortReason(signal))
      const stopTimer = startTimer(ms, { unref: false }, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      const onAbort = (): void => {
        stopTimer()
        reject(abortReason(signal))
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
  after: (ms, callback) => startTimer(ms, { unref: true }, callback),
}

/** Node's timers hold 31 bits of milliseconds, 24 days, and fire at once when asked for more. */
const longestTimerMs = 2 ** 31 - 1

/** @returns the canceller */
function startTimer(ms: number, how: { unref: boolean }, callback: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (leftMs: number): void => {
    timer = leftMs > longestTimerMs ? setTimeout(() => wait(leftMs - longestTimerMs), longestTimerMs) : setTimeout(callback, leftMs)
    if (how.unref) timer.unref()
  }
  wait(ms)
  return () => clearTimeout(timer)
}

/** The reason of an aborted signal as an Error. */
export function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  if (reason instanceof Error && reason.name !== 'AbortError') return reason
  return new MillraceError('CANCELLED', 'The operation was cancelled.', { cause: reason })
}

/** Delays for retries: exponential with full jitter, never above `maxMs`. `random` gives [0, 1). */
export function backoffMs(attempt: number, options: { initialMs: number; maxMs: number }, random: () => number = Math.random): number {
  const ceiling = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(attempt, 30))
  return Math.round(ceiling / 2 + (ceiling / 2) * random())
}
