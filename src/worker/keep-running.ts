import { startingStatus, type StreamState, type StreamStatus } from '../core/index.ts'
import { isLockedOut } from '../kafka-client/index.ts'
import { asMillraceError, backoffMs, type Clock, type ErrorJson, type Logger } from '../platform/index.ts'

export interface KeepRunningOptions {
  name: string
  /** Runs the stream until it is told to stop, and tells how it does; rejects with what it failed at. */
  run(this: void, onStatus: (status: StreamStatus) => void): Promise<void>
  tell(this: void, status: StreamStatus): void
  log: Logger
  clock: Clock
  signal: AbortSignal
}

const BACKOFF = { initialMs: 200, maxMs: 10_000 }
/** Whoever sets a password right does it by hand, and many wrong ones in a row lock accounts. */
const AUTHENTICATION_BACKOFF = { initialMs: 1_000, maxMs: 30_000 }
/** What ran for so long begins with the shortest delay when it fails again. */
const RAN_WELL_MS = 60_000

/**
 * Keeps a stream running. Systems that are away, and those that do not let it in — a password or a right is mended there, while this process
 * runs on —, are waited for, with the reason shown (P6); what the stream itself stops at is final, and shown. Never rejects.
 */
export async function keepRunning({ name, run, tell, log, clock, signal }: KeepRunningOptions): Promise<void> {
  const shown = new ShownStatus(name, tell)
  for (let attempt = 0; !signal.aborted; attempt++) {
    const startedMs = clock.monotonicMs()
    try {
      await run((status) => shown.take(status))
      return shown.stopped(null)
    } catch (error) {
      if (signal.aborted) break
      const failure = asMillraceError(error)
      const mayNot = isLockedOut(failure)
      if (!failure.retriable && !mayNot) {
        log.error(`stream ${name} stopped: ${failure.message}`, { error })
        return shown.stopped(failure.toJSON())
      }
      log.warn(`stream ${name} is retried: ${failure.message}`)
      if (clock.monotonicMs() - startedMs > RAN_WELL_MS) attempt = 0
      shown.retrying(failure.toJSON(), clock.nowMs(), attempt)
      await clock.sleep(backoffMs(attempt, mayNot ? AUTHENTICATION_BACKOFF : BACKOFF), signal).catch(() => undefined)
    }
  }
  shown.stopped(null)
}

/** The status that others see: what one try after another says of itself, as one. */
class ShownStatus {
  readonly #tell: (status: StreamStatus) => void
  #last: StreamStatus
  /** What it has been retried for, until it runs again. */
  #problem: { error: ErrorJson; sinceMs: number; attempt: number } | null = null

  constructor(name: string, tell: (status: StreamStatus) => void) {
    this.#tell = tell
    this.#last = startingStatus(name)
    tell(this.#last)
  }

  take(status: StreamStatus): void {
    const { state } = status
    // Whether it stays stopped is not the try's to say.
    if (state.is === 'stopped') this.#last = { ...status, state: this.#last.state }
    else {
      if (state.is === 'running') this.#problem = null
      // What it waits for by itself is told as it is: it may be another problem by now.
      this.#show(status, this.#problem && state.is === 'starting' ? { is: 'retrying', ...this.#problem } : state)
    }
  }

  retrying(error: ErrorJson, nowMs: number, attempt: number): void {
    this.#problem = { error, sinceMs: this.#problem?.sinceMs ?? nowMs, attempt }
    this.#show(this.#last, { is: 'retrying', ...this.#problem })
  }

  stopped(error: ErrorJson | null): void {
    this.#show(this.#last, { is: 'stopped', error })
  }

  #show(status: StreamStatus, state: StreamState): void {
    this.#last = { ...status, state }
    this.#tell(this.#last)
  }
}
