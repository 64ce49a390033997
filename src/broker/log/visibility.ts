import type { MillraceError } from '../../platform/index.ts'
import type { End } from './log-reader.ts'

/** Up to where readers see a log (its high watermark), and who waits for that to move. */
export class Visibility {
  #end: End
  #waiting: { offset: number; resolve: (error: MillraceError | null) => void }[] = []
  readonly #watchers = new Set<() => void>()

  constructor(end: End) {
    this.#end = end
  }

  get end(): End {
    return this.#end
  }

  /** Readers see up to `end` now; false when they did before. */
  show(end: End): boolean {
    if (end.offset <= this.#end.offset && end.segment === this.#end.segment) return false
    this.#end = end
    if (this.#waiting.length > 0) {
      const due = this.#waiting
      this.#waiting = due.filter((waiter) => waiter.offset > end.offset)
      for (const waiter of due) if (waiter.offset <= end.offset) waiter.resolve(null)
    }
    return true
  }

  /** Resolves with null once readers see up to `offset`, or with what keeps them from it. */
  until(offset: number): Promise<MillraceError | null> {
    if (this.#end.offset >= offset) return Promise.resolve(null)
    return new Promise((resolve) => this.#waiting.push({ offset, resolve }))
  }

  /** Nothing further will be seen. */
  fail(error: MillraceError): void {
    for (const waiter of this.#waiting.splice(0)) waiter.resolve(error)
  }

  /** Calls `watcher` at each `notify`; returns how to stop. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  notify(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
