import { names, type Batch } from '../core/index.ts'
import { MillraceError, type Clock, type Logger, settledWithin } from '../platform/index.ts'
import type { CommitTransactions } from './commit-transactions.ts'
import type { CompiledStream } from './compile-steps.ts'
import {
  partitionKey,
  type AssignedPartition,
  type OffsetToCommit,
  type OutgoingRecord,
  type StreamConsumer,
  type StreamKafka,
  type TopicPartition,
} from './kafka-ports.ts'
import { PartitionProgress, sinceLastCommit } from './partition-progress.ts'

export interface StreamGroupOptions {
  readonly project: string
  readonly stream: CompiledStream
  readonly kafka: StreamKafka
  /** Makes it a static member of that id (KIP-345). */
  readonly instance?: string
  readonly clock: Clock
  readonly log: Logger
  /** The stream ends: its last status still shows what it had. */
  readonly ending: AbortSignal
  /** Partitions were given. */
  onAssigned(this: void): void
  /** The consumer found out by itself that the group went on without it: it is given all partitions anew. */
  onLost(this: void): void
  /** Before these are given up: what is in hand of them is finished if that needs no waiting, and committed. Never rejects. */
  onLeaving(this: void, leaving: ReadonlySet<PartitionProgress>): Promise<void>
}

/** One fetch: larger ones cost more memory and no less time (`reference/kafka.md`). */
const FETCH_BYTES = 1024 * 1024
const CLOSE_TIMEOUT_MS = 10_000

/** A stream's membership in its consumer group: which partitions it has, how far each has come, and what it commits for them. */
export class StreamGroup {
  readonly #options: StreamGroupOptions
  readonly #partitions: Map<string, PartitionProgress>
  #consumer: StreamConsumer | null = null
  #isPaused = false

  /** @param partitions kept by this from now on */
  constructor(options: StreamGroupOptions, partitions: Map<string, PartitionProgress>) {
    this.#options = options
    this.#partitions = partitions
  }

  /** Joins the group, as a new member when there was one: what that had in hand is read again by whoever has the partition now. */
  async join(): Promise<void> {
    const { project, stream, kafka, instance } = this.#options
    this.#consumer = await kafka.consumer({
      groupId: names.group(project, stream.name),
      topics: [stream.topic.name, names.retry(project, stream.name)],
      startingOffsets: stream.startingOffsets,
      // P5: what is replayed before the stream has ever committed there is read too.
      fromEarliest: [names.retry(project, stream.name)],
      maxBytes: FETCH_BYTES,
      assignor: 'cooperative-sticky',
      isolationLevel: 'read_committed',
      ...(instance === undefined ? {} : { groupInstanceId: instance }),
      onAssigned: (partitions) => this.#assigned(partitions),
      onRevoked: (partitions) => this.#revoked(partitions),
      onLost: (partitions) => {
        this.#options.onLost()
        for (const progress of this.#known(partitions)) this.#forget(progress)
      },
    })
    this.#isPaused = false
  }

  async poll(signal: AbortSignal): Promise<Batch[]> {
    return (await this.#consumer?.poll({ signal })) ?? []
  }

  pause(): void {
    this.#consumer?.pause([...this.#partitions.values()])
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#consumer?.resume([...this.#partitions.values()])
    this.#isPaused = false
  }

  progressOf(batch: Batch): PartitionProgress | null {
    return this.#partitions.get(partitionKey(batch)) ?? null
  }

  /** What lies behind the last records of a partition, markers and aborted records, is done with too; true when that is to be committed. */
  passMarkers(): boolean {
    const passed = (this.#consumer?.positions() ?? []).map((at) => this.#partitions.get(partitionKey(at))?.passesTo(at.offset) ?? false)
    return passed.includes(true)
  }

  /** Without dead letters a plain commit will do: it is fenced by the group's generation as a transaction's is, and costs one request. */
  async commit(
    offsets: readonly OffsetToCommit[],
    deadLetters: readonly OutgoingRecord[],
    transactions: CommitTransactions,
  ): Promise<void> {
    const consumer = this.#consumer
    // Not to be taken for done: dead letters would be lost (P5).
    if (!consumer) throw new MillraceError('CLOSED', 'The stream is in no group at the moment.', { retriable: true })
    if (deadLetters.length === 0) return consumer.commit(offsets)
    return transactions.commit(offsets, deadLetters, consumer)
  }

  /** What was in hand is not this member's any more. */
  dropAll(): void {
    for (const progress of this.#partitions.values()) progress.drop()
    this.#partitions.clear()
  }

  /** Leaves the group. Never rejects. */
  async close(): Promise<void> {
    const { clock, log } = this.#options
    const consumer = this.#consumer
    this.#consumer = null
    if (consumer) await closing('consumer', consumer.close(), clock, log)
  }

  #assigned(partitions: readonly AssignedPartition[]): void {
    const { clock, log, stream, ending, onAssigned } = this.#options
    for (const assigned of partitions) {
      const key = partitionKey(assigned)
      this.#partitions.get(key)?.drop()
      this.#partitions.set(key, new PartitionProgress(assigned, clock.nowMs(), ending))
      log.info(`reads ${key} from offset ${assigned.position}${sinceLastCommit(assigned, stream.digest)}`, { stream: stream.name })
    }
    onAssigned()
  }

  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = this.#known(partitions)
    for (const progress of leaving) progress.leave()
    await this.#options.onLeaving(new Set(leaving))
    for (const progress of leaving) this.#forget(progress)
  }

  #known(partitions: readonly TopicPartition[]): PartitionProgress[] {
    return partitions.flatMap((partition) => this.#partitions.get(partitionKey(partition)) ?? [])
  }

  #forget(progress: PartitionProgress): void {
    progress.drop()
    if (!this.#options.ending.aborted) this.#partitions.delete(partitionKey(progress))
  }
}

/** Nothing is lost when a client cannot say goodbye: the group times it out. Never rejects. */
export async function closing(what: string, closed: Promise<unknown>, clock: Clock, log: Logger): Promise<void> {
  const done = closed.catch((error: unknown) => log.debug(`closing the ${what} failed`, { error }))
  if (!(await settledWithin(done, CLOSE_TIMEOUT_MS, clock))) log.warn(`The ${what} did not close within ${CLOSE_TIMEOUT_MS / 1_000} s.`)
}
