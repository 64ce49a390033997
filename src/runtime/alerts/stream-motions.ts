import type { StreamMotion } from '../../api-server/index.ts'
import type { StreamStatus } from '../../core/index.ts'
import type { Clock } from '../../platform/index.ts'

/** Sees since when streams do not get on: the one judgement of `/readyz` and of the alert that a stream has stalled. */
export class StreamMotions {
  readonly #clock: Clock
  readonly #streams: () => readonly StreamStatus[]
  readonly #committed = new Map<string, { text: string; sinceMs: number; hasMoved: boolean }>()

  constructor(streams: () => readonly StreamStatus[], clock: Clock) {
    this.#clock = clock
    this.#streams = streams
  }

  /** As they are now. Who waits for a minute without a commit has to be looked at more often than that. */
  look(): StreamMotion[] {
    return this.#streams().map((status) => this.#motionOf(status))
  }

  #motionOf({ stream, state, lag, committed }: StreamStatus): StreamMotion {
    const nowMs = this.#clock.monotonicMs()
    const text = JSON.stringify(committed)
    const before = this.#committed.get(stream)
    const seen = before?.text === text ? before : { text, sinceMs: nowMs, hasMoved: before !== undefined }
    // With nothing to do a stream does not stand still.
    if (lag === 0) seen.sinceMs = nowMs
    this.#committed.set(stream, seen)
    if (state.is === 'stopped') return { stream, is: 'stopped', failed: state.error !== null }
    const waitedMs = nowMs - seen.sinceMs
    const retriedMs = state.is === 'retrying' ? this.#clock.nowMs() - state.sinceMs : null
    // One that fails again and again begins to retry each time: what it has not committed says for how long.
    if (retriedMs !== null && retriedMs >= waitedMs) return { stream, is: 'retrying', forMs: retriedMs }
    if (lag > 0) return { stream, is: 'waiting', records: lag, forMs: waitedMs, hasMoved: seen.hasMoved }
    return { stream, is: state.is === 'starting' ? 'starting' : 'moving' }
  }
}
