import type { StreamStatus } from '../../core/index.ts'

/**
 * When streams had dead letters, from the counts that their workers tell, which begin at 0 with each worker. Those of a worker
 * that died before it told are not seen.
 */
export class RecentLetters {
  readonly #keepMs: number
  readonly #seen = new Map<string, { last: number; added: { atMs: number; count: number }[] }>()

  /** @param keepMs how far back any rule looks */
  constructor(keepMs: number) {
    this.#keepMs = keepMs
  }

  look(statuses: readonly StreamStatus[], nowMs: number): void {
    for (const { stream, deadLetters } of statuses) {
      const seen = this.#seen.get(stream) ?? { last: 0, added: [] }
      const count = deadLetters < seen.last ? deadLetters : deadLetters - seen.last
      const added = seen.added.filter(({ atMs }) => nowMs - atMs < this.#keepMs)
      if (count > 0) added.push({ atMs: nowMs, count })
      this.#seen.set(stream, { last: deadLetters, added })
    }
  }

  within(stream: string, ms: number, nowMs: number): number {
    const added = this.#seen.get(stream)?.added ?? []
    return added.reduce((sum, { atMs, count }) => sum + (nowMs - atMs < ms ? count : 0), 0)
  }
}
