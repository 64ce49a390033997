import type { GroupConsumer } from '../../kafka-client/index.ts'
import { asMillraceError, backoffMs, type Clock, type Logger, type MillraceError } from '../../platform/index.ts'
import type { PartitionWork } from './partition-work.ts'

const COMMIT_INTERVAL_MS = 100
const LONGEST_DELAY_MS = 2_000

/** Answers that mean: these partitions are someone else's by now, or will be; the next poll tells, and what was not committed is read again. */
const overtaken: ReadonlySet<unknown> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_MEMBER_EPOCH',
  'STALE_MEMBER_EPOCH',
  'REBALANCE_IN_PROGRESS',
])

export interface CommitsOptions {
  readonly consumer: Pick<GroupConsumer, 'commit'>
  readonly partitions: () => Iterable<PartitionWork>
  readonly clock: Clock
  readonly log: Logger
  onFailed(this: void, error: MillraceError): void
}

/** Commits what is handled, at most once in 100 ms and one commit at a time. */
export class Commits {
  readonly #options: CommitsOptions
  #cancelTimer: (() => void) | null = null
  #running: Promise<boolean> = Promise.resolve(true)
  #failures = 0
  #isClosed = false

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  /** Something was handled: commits soon. */
  schedule(): void {
    if (this.#isClosed) return
    const delayMs =
      this.#failures === 0 ? COMMIT_INTERVAL_MS : backoffMs(this.#failures, { initialMs: COMMIT_INTERVAL_MS, maxMs: LONGEST_DELAY_MS })
    this.#cancelTimer ??= this.#options.clock.after(delayMs, () => {
      this.#cancelTimer = null
      void this.flush()
    })
  }

  /** Commits now; false when that was not possible. Never rejects. */
  flush(): Promise<boolean> {
    this.#running = this.#running.then(() => this.#commit())
    return this.#running
  }

  /** No commit is begun by itself after this. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
  }

  async #commit(): Promise<boolean> {
    const { consumer, partitions, log, onFailed } = this.#options
    const due = [...partitions()].flatMap((work) => {
      const next = work.toCommit()
      return next ? [{ work, next }] : []
    })
    if (due.length === 0) return true
    try {
      await consumer.commit(due.map(({ work: { topic, partition }, next }) => ({ topic, partition, ...next, metadata: '' })))
    } catch (thrown) {
      const error = asMillraceError(thrown, 'KAFKA', 'The offsets could not be committed: ')
      if (error.code !== 'CLOSED' && !error.retriable && !overtaken.has(error.details.errorName)) onFailed(error)
      log.debug('a commit did not succeed', { error })
      this.#failures++
      this.schedule()
      return false
    }
    this.#failures = 0
    for (const { work, next } of due) work.committedUpTo(next.offset)
    return true
  }
}
