import type { StatusView, StreamStatus } from '../core/index.ts'
import type { Clock, ErrorJson } from '../platform/index.ts'

const everyMs = 5_000
const stalledMs = 60_000

export interface Readiness {
  readonly ready: boolean
  /** Each thing that is not: `load_users: 40 records wait, none was committed for 75 s`. */
  readonly because: string[]
}

/** Without details, which are for those who signed in. */
function loadProblem({ code, details }: ErrorJson): string {
  const what =
    code === 'PIPELINE_INVALID' ? 'the pipeline files do not load' : `the pipeline files as they are now are not taken up (${code})`
  return details?.goesOn === 'before' ? `${what}; what was loaded before goes on` : what
}

/** Sees which streams do not get on: records wait and none was committed for a minute, or it has been retrying for one. */
export class StallWatch {
  readonly #clock: Clock
  readonly #streams: () => readonly StreamStatus[]
  readonly #moved = new Map<string, { committed: string; sinceMs: number }>()
  readonly #ending = new AbortController()

  constructor(streams: () => readonly StreamStatus[], clock: Clock) {
    this.#clock = clock
    this.#streams = streams
    void this.#watch()
  }

  async #watch(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      this.look()
      await this.#clock.sleep(everyMs, this.#ending.signal).catch(() => undefined)
    }
  }

  look(): void {
    for (const { stream, committed, lag } of this.#streams()) {
      const text = JSON.stringify(committed)
      if (lag === 0 || this.#moved.get(stream)?.committed !== text)
        this.#moved.set(stream, { committed: text, sinceMs: this.#clock.monotonicMs() })
    }
  }

  readiness(status: Pick<StatusView, 'parts' | 'loadError'>): Readiness {
    this.look()
    const because = [
      ...(status.loadError === null ? [] : [loadProblem(status.loadError)]),
      ...status.parts.filter(({ state }) => state === 'failed').map(({ name }) => `${name} does not answer`),
      ...this.#streams().flatMap((stream) => this.#why(stream) ?? []),
    ]
    return { ready: because.length === 0, because }
  }

  #why({ stream, state, lag }: StreamStatus): string | null {
    if (state.is === 'stopped' && state.error !== null) return `${stream} has stopped`
    const retryingMs = state.is === 'retrying' ? this.#clock.nowMs() - state.sinceMs : 0
    if (retryingMs >= stalledMs) return `${stream} has been retrying for ${Math.round(retryingMs / 1_000)} s`
    const stillMs = this.#clock.monotonicMs() - (this.#moved.get(stream)?.sinceMs ?? Infinity)
    return lag > 0 && stillMs >= stalledMs
      ? `${stream}: ${lag} records wait, none was committed for ${Math.round(stillMs / 1_000)} s`
      : null
  }

  close(): void {
    this.#ending.abort()
  }
}
