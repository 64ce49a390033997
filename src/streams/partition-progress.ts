import type { Batch } from '../core/index.ts'
import type { AssignedPartition, OffsetToCommit, OutgoingRecord } from './kafka-ports.ts'
import { decodeCommitMetadata, encodeCommitMetadata, previousWriteMicros } from './write-times.ts'

/** Dead letters of a batch, to be written in the transaction that commits its offset (P5). */
export interface PendingDeadLetters {
  records: readonly OutgoingRecord[]
  onCommitted(this: void): void
}

/**
 * How far a stream has come with one assigned partition. Each assignment is a new object: work that began under an earlier
 * one finds its own `isDropped` set and ends without a trace.
 *
 * Three places: `read` (handed to the steps), `settled` (rows and dead letters acknowledged), `committed`.
 */
export class PartitionProgress {
  readonly topic: string
  readonly partition: number
  /** Write time of the last record handed to the steps, µs: the next batch's `previous` (P2). */
  readMicros: number
  /** It is no longer ours: nothing more may be committed. */
  isDropped = false
  /** One of its batches was abandoned: nothing after that batch may settle; what settled before it may be committed. */
  isSealed = false
  /** Ends waits for sick systems: the stream stops, or the partition is being given up. */
  readonly waking: AbortSignal
  readonly #leaving = new AbortController()
  #settled: { offset: bigint; leaderEpoch: number; writeMicros: number }
  #committed: bigint
  /** Behind the last batch that was fetched. */
  #handedOut: bigint
  #deadLetters: { upTo: bigint; pending: PendingDeadLetters }[] = []
  #hasCommit: boolean
  #highWatermark: bigint

  constructor(assigned: AssignedPartition, nowMs: number, stopping: AbortSignal) {
    this.waking = AbortSignal.any([stopping, this.#leaving.signal])
    this.topic = assigned.topic
    this.partition = assigned.partition
    this.readMicros = previousWriteMicros(assigned.committed, nowMs)
    this.#settled = { offset: assigned.position, leaderEpoch: assigned.committed?.leaderEpoch ?? -1, writeMicros: this.readMicros }
    this.#committed = assigned.position
    this.#handedOut = assigned.position
    this.#hasCommit = assigned.committed !== null
    this.#highWatermark = assigned.position
  }

  /** It is being given up: what can be finished without waiting is finished, the rest is abandoned. */
  leave(): void {
    this.#leaving.abort()
  }

  /** A batch is not finished: those after it must not be either, or its records would be lost. */
  seal(): void {
    this.isSealed = true
    this.#leaving.abort()
  }

  drop(): void {
    this.isDropped = true
    this.seal()
  }

  /** A batch was fetched. */
  sees(batch: Batch): void {
    this.endsAt(batch.highWatermark)
    this.#handedOut = batch.nextOffset
  }

  /** Nothing more is to be read before `offset` (markers, aborted records); true when that moves what can be committed. */
  passesTo(offset: bigint): boolean {
    const isIdle = this.#settled.offset === this.#handedOut && !this.isSealed
    if (!isIdle || offset <= this.#handedOut) return false
    this.#handedOut = offset
    this.#settled = { ...this.#settled, offset }
    return true
  }

  /** The broker says where the partition ends. */
  endsAt(highWatermark: bigint): void {
    if (highWatermark > this.#highWatermark) this.#highWatermark = highWatermark
  }

  /** All rows of a batch are acknowledged; batches of a partition settle in order. Its dead letters go with its offset. */
  settle(batch: Batch, writeMicros: number, deadLetters: PendingDeadLetters | null = null): void {
    this.#settled = { offset: batch.nextOffset, leaderEpoch: batch.leaderEpoch, writeMicros }
    if (deadLetters) this.#deadLetters.push({ upTo: batch.nextOffset, pending: deadLetters })
  }

  /** Of what `toCommit` says, the dead letters. */
  deadLettersToCommit(): OutgoingRecord[] {
    return this.#deadLetters.flatMap(({ pending }) => pending.records)
  }

  /** False while dead letters wait for the commit of their offset. */
  get hasNoDeadLetters(): boolean {
    return this.#deadLetters.length === 0
  }

  /** What there is to commit, or null. */
  toCommit(topologyDigest: string): OffsetToCommit | null {
    if (this.isDropped || this.#settled.offset <= this.#committed) return null
    const { offset, leaderEpoch, writeMicros } = this.#settled
    const metadata = encodeCommitMetadata({ writeMicros, topology: topologyDigest })
    return { topic: this.topic, partition: this.partition, offset, leaderEpoch, metadata }
  }

  committedUpTo(offset: bigint): void {
    this.#committed = offset
    this.#hasCommit = true
    const done = this.#deadLetters.filter(({ upTo }) => upTo <= offset)
    this.#deadLetters = this.#deadLetters.filter(({ upTo }) => upTo > offset)
    for (const { pending } of done) pending.onCommitted()
  }

  /** Null when the group has never committed one. */
  get committed(): bigint | null {
    return this.#hasCommit ? this.#committed : null
  }

  /** Records known to be in the partition and not committed. */
  get lag(): bigint {
    return this.#highWatermark > this.#committed ? this.#highWatermark - this.#committed : 0n
  }
}

/** What is remarkable about the offset that a partition begins at, for the log. */
export function sinceLastCommit({ committed }: AssignedPartition, topologyDigest: string): string {
  if (!committed) return ', its first'
  const metadata = decodeCommitMetadata(committed.metadata)
  if (!metadata) return ', which was set by hand: what is read again is written as of now'
  return metadata.topology === topologyDigest ? '' : '; the steps have changed since it was committed'
}
