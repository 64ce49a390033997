import { asMillraceError, backoffMs, MillraceError, type Clock } from '../platform/index.ts'
import type { OffsetToCommit, OutgoingRecord } from './kafka-ports.ts'
import { whileSlow } from './while-slow.ts'
import type { PartitionProgress } from './partition-progress.ts'

export interface CommitterOptions {
  /** Both or neither (P5). */
  commit(this: void, offsets: readonly OffsetToCommit[], deadLetters: readonly OutgoingRecord[]): Promise<void>
  /** Partitions that may have something to commit. */
  partitions(this: void): Iterable<PartitionProgress>
  topologyDigest: string
  intervalMs: number
  clock: Clock
  onCommitted(this: void): void
  /** It will be tried again. */
  onRetry(this: void, error: MillraceError): void
  /** The group has gone on without this member. */
  onFenced(this: void, error: MillraceError): void
  onFailed(this: void, error: MillraceError): void
}

/** What settles while the coordinator is away is read again after a crash: its first commit should not be late when it is back. */
const LONGEST_DELAY_MS = 2_000

/** Answers that mean: these partitions are someone else's by now; only joining again helps. */
const fenced: ReadonlySet<unknown> = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH', 'STALE_MEMBER_EPOCH'])

/**
 * Whether the commit has taken place is not known, or another one has the transactions of this stream: what the group has committed
 * must be read again before anything is written.
 */
function mustReadAgain(error: MillraceError): boolean {
  return fenced.has(error.details.errorName) || error.code === 'PRODUCER_FENCED' || error.details.outcome === 'unknown'
}

/**
 * Commits what is settled, at most once per interval and one commit at a time. It is called only after rows are acknowledged, and
 * dead letters go with the offsets (P5): a crash repeats rows, under the same write time (P2), and neither loses nor doubles a dead letter.
 */
export class Committer {
  readonly #options: CommitterOptions
  #cancelTimer: (() => void) | null = null
  #running: Promise<boolean> = Promise.resolve(true)
  #failures = 0
  #isClosed = false

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** Something settled: commits within the interval. */
  schedule(): void {
    this.#scheduleIn(this.#delayMs(), this.#options.clock)
  }

  /** Commits now; true when nothing settled is left uncommitted. Never rejects: failures go to the callbacks. */
  flush(): Promise<boolean> {
    this.#running = this.#running.then(() => this.#commit())
    return this.#running
  }

  /** Commits now, and again with back-off until the dead letters of this partition are; false when it went, or `waking` aborted, before. */
  async untilDeadLettersAreCommitted(progress: PartitionProgress, waking: AbortSignal): Promise<boolean> {
    for (;;) {
      await this.flush()
      if (progress.hasNoDeadLetters) return true
      if (progress.isDropped || this.#isClosed || waking.aborted) return false
      await this.#options.clock.sleep(this.#delayMs(), waking).catch(() => undefined)
    }
  }

  /** No commit begins after this. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }

  #delayMs(): number {
    const { intervalMs } = this.#options
    if (this.#failures === 0) return intervalMs
    return backoffMs(this.#failures, { initialMs: Math.max(intervalMs, 50), maxMs: LONGEST_DELAY_MS })
  }

  #scheduleIn(ms: number, clock: Clock): void {
    if (this.#isClosed) return
    this.#cancelTimer ??= clock.after(ms, () => {
      this.#cancelTimer = null
      void this.flush()
    })
  }

  async #commit(): Promise<boolean> {
    const { partitions, topologyDigest, commit, clock, onRetry } = this.#options
    const due: { progress: PartitionProgress; offset: OffsetToCommit }[] = []
    for (const progress of partitions()) {
      const offset = progress.toCommit(topologyDigest)
      if (offset) due.push({ progress, offset })
    }
    if (due.length === 0) return true
    if (this.#isClosed) return false
    try {
      const deadLetters = due.flatMap(({ progress }) => progress.deadLettersToCommit())
      const committed = commit(
        due.map(({ offset }) => offset),
        deadLetters,
      )
      await whileSlow(committed, clock, 'Kafka', onRetry)
    } catch (error) {
      this.#failed(asMillraceError(error, 'KAFKA', 'The offsets could not be committed: '))
      return false
    }
    for (const { progress, offset } of due) progress.committedUpTo(offset.offset)
    this.#failures = 0
    this.#options.onCommitted()
    return true
  }

  #failed(error: MillraceError): void {
    const { onFenced, onRetry, onFailed } = this.#options
    if (mustReadAgain(error)) {
      // The coordinator has answered: what the new member settles is committed at the usual pace.
      this.#failures = 0
      return onFenced(error)
    }
    // A rebalance in progress is no error of ours: the revocation that comes with it, or the next interval, commits.
    if (!error.retriable && error.details.errorName !== 'REBALANCE_IN_PROGRESS') {
      this.close()
      return onFailed(error)
    }
    this.#failures++
    onRetry(error)
    this.schedule()
  }
}
