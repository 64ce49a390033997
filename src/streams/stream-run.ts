import { randomUUID } from 'node:crypto'
import { names, type Batch, type LoadedStream, type Sink, type StreamStatus } from '../core/index.ts'
import type { ValueCodec } from '../formats/index.ts'
import { withTransactionRights } from '../connectors/index.ts'
import { asMillraceError, backoffMs, type MillraceError, type Clock, type Logger } from '../platform/index.ts'
import { CommitTransactions } from './commit-transactions.ts'
import { Committer } from './committer.ts'
import { compileStream, type CompiledStream } from './compile-steps.ts'
import { DeadLetterLimit } from './dead-letter-limit.ts'
import { ensureDeadLetterTopics } from './dead-letter-topic.ts'
import {
  partitionKey,
  type AssignedPartition,
  type StreamConsumer,
  type StreamKafka,
  type OffsetToCommit,
  type OutgoingRecord,
  type StreamTransactions,
  type TopicPartition,
} from './kafka-ports.ts'
import { offsetOutOfRange } from './offset-out-of-range.ts'
import { PartitionProgress, sinceLastCommit } from './partition-progress.ts'
import { processBatch, type ProcessedBatch, type Row } from './process-batch.ts'
import { settledWithin } from './settled-within.ts'
import { StatusReporter, type Dependency } from './status-reporter.ts'
import { STOP_GRACE_MS, Stopping } from './stopping.ts'
import { TimeSlice } from './time-slice.ts'
import { WatermarkWatch } from './watermark-watch.ts'
import { WritePipeline } from './write-pipeline.ts'
import { persistently, RETRY_DELAYS } from './write-rows.ts'

export interface ResolvedRunOptions {
  readonly project: string
  readonly stream: LoadedStream
  readonly kafka: StreamKafka
  readonly sink: Sink<Row>
  readonly values: ValueCodec
  readonly onStatus: (status: StreamStatus) => void
  readonly log: Logger
  readonly instance?: string
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** One fetch: larger ones cost more memory and no less time (`reference/kafka.md`). */
const FETCH_BYTES = 1024 * 1024
/** A group learns of rebalances within `poll`: no wait is longer than this without one. */
const POLL_AT_LEAST_EVERY_MS = 1_000
/** How long a partition that is given up is held for the batches in hand. */
const REVOKE_GRACE_MS = 10_000
const CLOSE_TIMEOUT_MS = 10_000
/** How long a transaction is tried; well below its time-out, so that it ends by itself. */
const COMMIT_TIMEOUT_MS = 30_000

/** A stream while it runs: the loop fetch → process → write, and what begins and ends it. Used once. */
export class StreamRun {
  readonly #options: ResolvedRunOptions
  readonly #status: StatusReporter
  readonly #partitions = new Map<string, PartitionProgress>()
  readonly #queue: { progress: PartitionProgress; batch: Batch }[] = []
  readonly #stopping = new Stopping()
  readonly #slice: TimeSlice
  readonly #watch: WatermarkWatch
  readonly #transactions: CommitTransactions
  /** Names what runs it where no instance does. */
  readonly #runId = randomUUID()
  #consumer: StreamConsumer | null = null
  #committer: Committer | null = null
  #failure: MillraceError | null = null
  #mustRejoin = false
  #isPaused = false
  #fetchFailures = 0

  constructor(options: ResolvedRunOptions) {
    this.#options = options
    this.#slice = new TimeSlice(options.clock)
    this.#status = new StatusReporter({
      stream: options.stream.topology.name,
      onStatus: options.onStatus,
      partitions: () => this.#partitions.values(),
      clock: options.clock,
      log: options.log,
    })
    this.#transactions = new CommitTransactions(() => this.#openTransactions())
    this.#watch = new WatermarkWatch({
      admin: options.kafka.admin,
      partitions: () => this.#partitions.values(),
      clock: options.clock,
      onAway: (error) => this.#status.away('fetch', error),
      onBack: () => this.#status.back('fetch'),
    })
  }

  /** One transactional id for what runs this stream here: whoever runs it next in its place takes over from it. */
  #openTransactions(): StreamTransactions {
    const { project, stream, kafka, instance = this.#runId } = this.#options
    const transactionalId = names.transactionalId(project, 'stream', stream.topology.name, instance)
    return kafka.transactionalProducer({ transactionalId, deliveryTimeoutMs: COMMIT_TIMEOUT_MS })
  }

  /** Resolves after a graceful stop; rejects with what stopped the stream. */
  async run(): Promise<void> {
    const release = this.#stopping.listen(this.#options.signal, this.#options.clock)
    try {
      const stream = compileStream(this.#options.stream, this.#options.values)
      for (const warning of stream.warnings) this.#options.log.warn(warning, { stream: stream.name })
      await this.#runCompiled(stream)
    } catch (error) {
      this.#fail(asMillraceError(error))
    } finally {
      release()
      this.#watch.close()
    }
    this.#status.stopped(this.#failure)
    if (this.#failure) throw this.#failure
  }

  async #runCompiled(stream: CompiledStream): Promise<void> {
    if (!(await this.#ensureDeadLetterTopics(stream))) return
    const committer = this.#newCommitter(stream)
    this.#committer = committer
    const pipeline = this.#pipeline(stream, committer)
    try {
      await this.#join(stream, pipeline, committer)
      while (!this.#stopping.ending.aborted) {
        await this.#turn(stream, pipeline)
        if (this.#mustRejoin) await this.#join(stream, pipeline, committer)
      }
    } catch (error) {
      this.#fail(asMillraceError(error))
    } finally {
      await this.#close(pipeline, committer)
    }
  }

  /** One turn of the loop: something to process, room to write it to, then processed and handed on. */
  async #turn(stream: CompiledStream, pipeline: WritePipeline): Promise<void> {
    if (!(await pipeline.hasRoomWithin(POLL_AT_LEAST_EVERY_MS))) return this.#pollPaused()
    if (this.#queue.length === 0) {
      this.#resume()
      await this.#poll()
    }
    const next = this.#queue.shift()
    if (!next || next.progress.isSealed || this.#stopping.ending.aborted) return
    const { progress, batch } = next
    const processed = await this.#pollingMeanwhile(this.#process(stream, progress, batch))
    if (!processed || progress.isSealed) return
    progress.readMicros = processed.lastWriteMicros
    this.#status.recordsRead += batch.count
    pipeline.submit(progress, processed)
  }

  /** Null when a stop came before what decoding takes was there. */
  async #process(stream: CompiledStream, { readMicros }: PartitionProgress, batch: Batch): Promise<ProcessedBatch | null> {
    const stopping = this.#stopping.giveUp
    const { codec } = stream
    if (!codec.isReadyFor(batch)) {
      const isReady = await this.#untilThere('schemas', () => codec.makeReadyFor(batch, stopping).then(() => true))
      if (isReady === null) return null
    }
    return processBatch(stream, batch, readMicros, { clock: this.#options.clock, slice: this.#slice, stopping })
  }

  /** Steps may take long (retries, slow calls): the group is polled meanwhile, with fetching paused (P6). Null when given up. */
  async #pollingMeanwhile<T>(work: Promise<T>): Promise<T | null> {
    const { clock } = this.#options
    work.catch(() => {}) // looked at below; a failing poll must not leave it unseen
    while (!(await settledWithin(work, POLL_AT_LEAST_EVERY_MS, clock))) {
      if (!this.#stopping.ending.aborted) await this.#pollPaused()
    }
    try {
      return await work
    } catch (error) {
      if (this.#stopping.giveUp.aborted) return null
      throw error
    }
  }

  async #pollPaused(): Promise<void> {
    this.#consumer?.pause([...this.#partitions.values()])
    this.#isPaused = true
    await this.#poll()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#consumer?.resume([...this.#partitions.values()])
    this.#isPaused = false
  }

  async #poll(): Promise<void> {
    const { clock, stream } = this.#options
    const ending = this.#stopping.ending
    try {
      const batches = (await this.#consumer?.poll({ signal: ending })) ?? []
      this.#fetchFailures = 0
      this.#status.running()
      if (batches.length > 0) this.#watch.fetched()
      for (const batch of batches) this.#enqueue(batch)
      this.#passMarkers()
    } catch (thrown) {
      if (ending.aborted) return
      const error = asMillraceError(thrown, 'KAFKA')
      if (error.code === 'OFFSET_OUT_OF_RANGE') throw offsetOutOfRange(stream.topology.name, error)
      if (!error.retriable) throw error
      this.#status.away('fetch', error)
      await clock.sleep(backoffMs(this.#fetchFailures++, RETRY_DELAYS), ending).catch(() => {})
    }
  }

  #enqueue(batch: Batch): void {
    const progress = this.#partitions.get(partitionKey(batch))
    if (!progress || progress.isSealed) return
    progress.sees(batch)
    this.#queue.push({ progress, batch })
  }

  /** What lies behind the last records of a partition, markers and aborted records, is done with too. */
  #passMarkers(): void {
    for (const place of this.#consumer?.positions() ?? []) {
      if (this.#partitions.get(partitionKey(place))?.passesTo(place.offset)) this.#committer?.schedule()
    }
  }

  /** Joins the group, as a new member when this one was fenced: what it had in hand is read again by whoever has the partition now. */
  async #join(stream: CompiledStream, pipeline: WritePipeline, committer: Committer): Promise<void> {
    this.#mustRejoin = false
    this.#dropAll()
    await this.#closeConsumer()
    this.#takeTransactions()
    const { project, kafka, instance } = this.#options
    const joined = await this.#untilThere('fetch', async () =>
      kafka.consumer({
        groupId: names.group(project, stream.name),
        topics: [stream.topic.name, names.retry(project, stream.name)],
        startingOffsets: stream.startingOffsets,
        // P5: what is replayed before the stream has ever committed there is read too.
        fromEarliest: [names.retry(project, stream.name)],
        maxBytes: FETCH_BYTES,
        assignor: 'cooperative-sticky',
        isolationLevel: 'read_committed',
        ...(instance === undefined ? {} : { groupInstanceId: instance }),
        onAssigned: (partitions) => this.#assigned(stream, partitions),
        onRevoked: (partitions) => this.#revoked(partitions, pipeline, committer),
        onLost: (partitions) => {
          this.#mustRejoin = false // the consumer has found out by itself: it is given all of them anew
          for (const progress of this.#known(partitions)) this.#forget(progress)
        },
      }),
    )
    this.#consumer = joined
  }

  #assigned(stream: CompiledStream, partitions: readonly AssignedPartition[]): void {
    const { clock, log } = this.#options
    for (const assigned of partitions) {
      const key = partitionKey(assigned)
      this.#partitions.get(key)?.drop()
      const progress = new PartitionProgress(assigned, clock.nowMs(), this.#stopping.ending)
      this.#partitions.set(key, progress)
      log.info(`reads ${key} from offset ${assigned.position}${sinceLastCommit(assigned, stream.digest)}`, { stream: stream.name })
    }
    this.#watch.assigned()
    // Not after the first fetch: that waits where there is nothing new.
    this.#status.running()
  }

  /** Called before partitions are given up: what is in hand is finished if that needs no waiting, and committed. */
  async #revoked(partitions: readonly TopicPartition[], pipeline: WritePipeline, committer: Committer): Promise<void> {
    const leaving = this.#known(partitions)
    for (const progress of leaving) progress.leave()
    await settledWithin(pipeline.drained(new Set(leaving)), REVOKE_GRACE_MS, this.#options.clock)
    await committer.flush()
    for (const progress of leaving) this.#forget(progress)
  }

  #known(partitions: readonly TopicPartition[]): PartitionProgress[] {
    return partitions.flatMap((partition) => this.#partitions.get(partitionKey(partition)) ?? [])
  }

  /** While the stream ends, the last status still shows the partition. */
  #forget(progress: PartitionProgress): void {
    progress.drop()
    if (!this.#stopping.ending.aborted) this.#partitions.delete(partitionKey(progress))
  }

  #dropAll(): void {
    for (const progress of this.#partitions.values()) progress.drop()
    this.#partitions.clear()
    this.#queue.length = 0
  }

  /** Beside the join, which reads offsets only when no transaction holds others: it waits for this where an earlier run left one open. */
  #takeTransactions(): void {
    void this.#untilThere('dead letters', () => this.#transactions.prepare()).catch((error: unknown) => {
      if (!this.#stopping.ending.aborted) this.#fail(withTransactionRights(asMillraceError(error), this.#options.project))
    })
  }

  /** False when a stop came first. */
  async #ensureDeadLetterTopics(stream: CompiledStream): Promise<boolean> {
    const { kafka, project } = this.#options
    const isThere = await this.#untilThere('dead letters', async () => {
      await ensureDeadLetterTopics(kafka, project, stream.name)
      return true
    })
    return isThere === true
  }

  /** Null when a stop came first. */
  async #untilThere<T>(dependency: Dependency, call: () => Promise<T>): Promise<T | null> {
    const result = await persistently(call, {
      who: dependency === 'schemas' ? 'The schema registry' : 'Kafka',
      clock: this.#options.clock,
      signal: this.#stopping.giveUp,
      waking: this.#stopping.ending,
      onAway: (error) => this.#status.away(dependency, error),
      onBack: () => this.#status.back(dependency),
    })
    return result.is === 'done' ? result.value : null
  }

  /** Without dead letters a plain commit will do: it is fenced by the group's generation as a transaction's is, and costs one request. */
  async #commit(offsets: readonly OffsetToCommit[], deadLetters: readonly OutgoingRecord[]): Promise<void> {
    const consumer = this.#consumer
    if (!consumer) return
    if (deadLetters.length === 0) return consumer.commit(offsets)
    return this.#transactions.commit(offsets, deadLetters, () => consumer.groupMetadata())
  }

  #newCommitter(stream: CompiledStream): Committer {
    const { clock, log } = this.#options
    return new Committer({
      commit: (offsets, deadLetters) => this.#commit(offsets, deadLetters),
      partitions: () => this.#partitions.values(),
      topologyDigest: stream.digest,
      intervalMs: this.#options.stream.topology.commitIntervalMs,
      clock,
      onCommitted: () => {
        this.#status.back('commit')
        this.#status.progressed()
      },
      onRetry: (error) => this.#status.away('commit', error),
      onFenced: (error) => {
        log.warn(`The group went on without this member: ${error.message} It joins again; what was in hand is read again.`, {
          stream: stream.name,
        })
        this.#dropAll()
        this.#mustRejoin = true
      },
      onFailed: (error) => this.#fail(error),
    })
  }

  #pipeline(stream: CompiledStream, committer: Committer): WritePipeline {
    const { project, sink, clock, log } = this.#options
    return new WritePipeline({
      project,
      stream,
      sink,
      limit: new DeadLetterLimit(this.#options.stream.topology.deadLetterLimit),
      committer,
      status: this.#status,
      clock,
      log,
      giveUp: this.#stopping.giveUp,
      onFailed: (error) => this.#fail(error),
    })
  }

  #fail(error: MillraceError): void {
    this.#failure ??= error
    this.#stopping.atOnce()
  }

  /** Finishes the batches in hand, commits, leaves the group. What cannot be finished in time is read again at the next start. */
  async #close(pipeline: WritePipeline, committer: Committer): Promise<void> {
    const { clock, log, stream } = this.#options
    await settledWithin(pipeline.drained(), STOP_GRACE_MS + 1_000, clock)
    const isCommitted = await committer.flush()
    if (!isCommitted)
      log.warn('The last offsets could not be committed: their records are read again at the next start.', { stream: stream.topology.name })
    committer.close()
    await this.#closeConsumer()
    await this.#closing('transactional producer', this.#transactions.close())
  }

  async #closeConsumer(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = null
    if (consumer) await this.#closing('consumer', consumer.close())
  }

  /** Nothing is lost when a client cannot say goodbye: the group times it out. */
  async #closing(what: string, closed: Promise<unknown>): Promise<void> {
    const { clock, log } = this.#options
    const done = closed.catch((error: unknown) => log.debug(`closing the ${what} failed`, { error }))
    if (!(await settledWithin(done, CLOSE_TIMEOUT_MS, clock))) log.warn(`The ${what} did not close within ${CLOSE_TIMEOUT_MS / 1_000} s.`)
  }
}
