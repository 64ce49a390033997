import { MillraceError, type Clock } from '../platform/index.ts'

/** How long a stop waits for the batches in hand. */
export const STOP_GRACE_MS = 5_000

/** How a stream ends: first nothing more is fetched, then, after a grace, calls in progress are given up. */
export class Stopping {
  /** A stop was asked for, or the stream failed: fetch no more. */
  readonly ending: AbortSignal
  /** Calls in progress are to be given up. */
  readonly giveUp: AbortSignal
  readonly #ending = new AbortController()
  readonly #givingUp = new AbortController()

  constructor() {
    this.ending = this.#ending.signal
    this.giveUp = this.#givingUp.signal
  }

  /** Ends gracefully once `signal` aborts; returns what undoes the listening. */
  listen(signal: AbortSignal, clock: Clock): () => void {
    let cancelTimer: (() => void) | null = null
    const stop = (): void => {
      this.#ending.abort(cancelled())
      cancelTimer = clock.after(STOP_GRACE_MS, () => this.#givingUp.abort(cancelled()))
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    return () => {
      signal.removeEventListener('abort', stop)
      cancelTimer?.()
    }
  }

  /** Without a grace. */
  atOnce(): void {
    this.#ending.abort(cancelled())
    this.#givingUp.abort(cancelled())
  }
}

function cancelled(): MillraceError {
  return new MillraceError('CANCELLED', 'The stream is stopping.')
}
