import type { StreamState, StreamStatus } from '../core/index.ts'
import type { Clock, Logger, MillraceError } from '../platform/index.ts'
import { partitionKey } from './kafka-ports.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** A system a stream depends on; while one is away the stream is `retrying`. */
export type Dependency = 'table' | 'fetch' | 'schemas' | 'commit' | 'dead letters'

export interface StatusReporterOptions {
  stream: string
  onStatus(this: void, status: StreamStatus): void
  partitions(this: void): Iterable<PartitionProgress>
  clock: Clock
  log: Logger
}

const PERIOD_MS = 1_000
/** Counts that change are told after this, together. */
const SOON_MS = 100

/** Keeps a stream's counts and state, and tells them: state at once when it changes, counts soon after, and all once a second. */
export class StatusReporter {
  recordsRead = 0
  rowsWritten = 0
  filtered = 0
  deadLetters = 0
  lastDeadLetter: StreamStatus['lastDeadLetter'] = null
  readonly #options: StatusReporterOptions
  readonly #away = new Map<Dependency, { error: MillraceError; sinceMs: number; attempt: number }>()
  #base: StreamState = { is: 'starting' }
  #cancelTimer: (() => void) | null = null
  #cancelSoon: (() => void) | null = null
  #isOver = false

  constructor(options: StatusReporterOptions) {
    this.#options = options
    this.#emit()
    this.#tick()
  }

  /** The group has answered; later calls change nothing. */
  running(): void {
    if (this.#base.is !== 'starting') return
    this.#base = { is: 'running' }
    this.#emit()
  }

  /** Tells the last status and ends. */
  stopped(error: MillraceError | null): void {
    this.#cancelTimer?.()
    this.#cancelSoon?.()
    this.#away.clear()
    this.#base = { is: 'stopped', error: error?.toJSON() ?? null }
    this.#emit()
    this.#isOver = true
  }

  /** Something was committed. */
  progressed(): void {
    this.#cancelSoon ??= this.#options.clock.after(SOON_MS, () => {
      this.#cancelSoon = null
      this.#emit()
    })
  }

  /** A call to `dependency` failed and will be made again (P6). */
  away(dependency: Dependency, error: MillraceError): void {
    const before = this.#away.get(dependency)
    this.#away.set(dependency, { error, sinceMs: before?.sinceMs ?? this.#options.clock.nowMs(), attempt: (before?.attempt ?? 0) + 1 })
    if (before && before.error.message === error.message) return
    this.#options.log.warn(`${dependency}: ${error.message} Trying again.`, { stream: this.#options.stream, code: error.code })
    this.#emit()
  }

  back(dependency: Dependency): void {
    const before = this.#away.get(dependency)
    if (!before) return
    this.#away.delete(dependency)
    const seconds = Math.round((this.#options.clock.nowMs() - before.sinceMs) / 1_000)
    this.#options.log.info(`${dependency}: works again after ${seconds} s.`, { stream: this.#options.stream, attempts: before.attempt })
    this.#emit()
  }

  #state(): StreamState {
    if (this.#base.is === 'stopped') return this.#base
    const [away] = [...this.#away.values()].toSorted((a, b) => a.sinceMs - b.sinceMs)
    return away ? { is: 'retrying', error: away.error.toJSON(), sinceMs: away.sinceMs, attempt: away.attempt } : this.#base
  }

  #tick(): void {
    this.#cancelTimer = this.#options.clock.after(PERIOD_MS, () => {
      this.#emit()
      this.#tick()
    })
  }

  #emit(): void {
    if (this.#isOver) return
    const committed: Record<string, string> = {}
    let lag = 0n
    for (const progress of this.#options.partitions()) {
      if (progress.committed !== null) committed[partitionKey(progress)] = progress.committed.toString()
      lag += progress.lag
    }
    const { recordsRead, rowsWritten, filtered, deadLetters, lastDeadLetter } = this
    const { stream } = this.#options
    this.#options.onStatus({
      stream,
      state: this.#state(),
      recordsRead,
      rowsWritten,
      filtered,
      deadLetters,
      lag: Number(lag),
      committed,
      lastDeadLetter,
    })
  }
}
