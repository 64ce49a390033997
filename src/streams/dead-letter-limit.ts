import type { Topology } from '../core/index.ts'

/**
 * Counts failures among the last `window` records: a stream whose every record fails (a broken deploy) must not turn its
 * whole topic into dead letters (P6). Counting starts anew with each start of the stream.
 */
export class DeadLetterLimit {
  readonly #limit: Topology['deadLetterLimit']
  readonly #recent: Uint8Array
  #next = 0
  #seen = 0
  #failed = 0

  constructor(limit: Topology['deadLetterLimit']) {
    this.#limit = limit
    this.#recent = new Uint8Array(Math.max(1, limit.window))
  }

  /**
   * Takes the records of a batch, in order.
   * @param failed indexes of those that failed, rising
   * @returns the counts at the first record that passed the limit, or null
   */
  take(count: number, failed: readonly number[]): { failed: number; of: number } | null {
    let nextFailed = 0
    let exceeded: { failed: number; of: number } | null = null
    for (let i = 0; i < count; i++) {
      const isFailed = failed[nextFailed] === i
      if (isFailed) nextFailed++
      this.#push(isFailed ? 1 : 0)
      if (isFailed) exceeded ??= this.#check()
    }
    return exceeded
  }

  #push(bit: 0 | 1): void {
    this.#failed += bit - (this.#recent[this.#next] ?? 0)
    this.#recent[this.#next] = bit
    this.#next = (this.#next + 1) % this.#recent.length
    this.#seen = Math.min(this.#seen + 1, this.#recent.length)
  }

  #check(): { failed: number; of: number } | null {
    const isOver = this.#failed >= this.#limit.atLeast && this.#failed > this.#limit.ratio * this.#seen
    return isOver ? { failed: this.#failed, of: this.#seen } : null
  }
}
