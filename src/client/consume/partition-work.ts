import type { Batch } from '../../core/index.ts'
import type { AssignedPartition } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { Lanes } from './dispatcher.ts'
import type { Leaving } from './handle-record.ts'
import { OffsetProgress, type NextOffset, type TakenBatch } from './offset-progress.ts'

/**
 * A partition while this member has it. Each assignment is a new object: work that began under an earlier one finds its own `isDropped` set
 * and ends without a trace.
 */
export class PartitionWork implements Leaving {
  readonly topic: string
  readonly partition: number
  readonly lanes: Lanes = new Map()
  /** Batches that wait for what decoding takes; those behind them wait too. Never rejects. */
  preparing: Promise<void> | null = null
  /** Of batches that are not handled whole. */
  bufferedBytes = 0
  readonly #progress: OffsetProgress
  readonly #leaving = new AbortController()
  readonly #givingUp = new AbortController()
  #committed: bigint
  #running = 0
  #onIdle: (() => void)[] = []

  constructor({ topic, partition, position, committed }: AssignedPartition) {
    this.topic = topic
    this.partition = partition
    this.#committed = position
    this.#progress = new OffsetProgress(position, committed?.leaderEpoch ?? -1)
  }

  /** Nothing more of it is begun. */
  get leaving(): AbortSignal {
    return this.#leaving.signal
  }

  get giveUp(): AbortSignal {
    return this.#givingUp.signal
  }

  /** It is no longer ours: nothing more may be committed. */
  get isDropped(): boolean {
    return this.#givingUp.signal.aborted
  }

  leave(): void {
    this.#leaving.abort(goesAway())
  }

  drop(): void {
    this.leave()
    this.#givingUp.abort(goesAway())
  }

  take(batch: Batch): TakenBatch {
    if (batch.count > 0) this.bufferedBytes += batch.bytes.byteLength
    return this.#progress.take(batch)
  }

  finish(taken: TakenBatch, i: number): void {
    this.#progress.finish(taken, i)
    if (taken.left === 0) this.bufferedBytes -= taken.batch.bytes.byteLength
  }

  /** The consumer reads on at `position`: what lies before it and was not handed out needs no reading again. */
  passTo(position: bigint): void {
    // Of a partition on its way out batches are left, and they lie before it.
    if (!this.leaving.aborted) this.#progress.passTo(position)
  }

  /** Runs a record's work unless the partition is on its way out. */
  async running(work: () => Promise<void>): Promise<void> {
    if (this.leaving.aborted) return
    this.#running++
    try {
      await work()
    } finally {
      if (--this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
    }
  }

  /** Resolves when no record's work runs. */
  idle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve))
  }

  /** What there is to commit; null: nothing new. */
  toCommit(): NextOffset | null {
    return this.isDropped || this.#progress.next.offset <= this.#committed ? null : this.#progress.next
  }

  committedUpTo(offset: bigint): void {
    this.#committed = offset
  }
}

function goesAway(): MillraceError {
  return new MillraceError('CANCELLED', 'The partition goes to another member, or the consumer closes: the record is handed out again.')
}
