import { randomUUID } from 'node:crypto'
import { names, type Batch, type LoadedStream, type Sink, type StreamStatus } from '../core/index.ts'
import type { ValueCodec } from '../formats/index.ts'
import { withTransactionRights } from '../connectors/index.ts'
import { asMillraceError, backoffMs, type MillraceError, type Clock, type Logger, settledWithin } from '../platform/index.ts'
import { CommitTransactions } from './commit-transactions.ts'
import { Committer } from './committer.ts'
import { compileStream, type CompiledStream } from './compile-steps.ts'
import { DeadLetterLimit } from './dead-letter-limit.ts'
import { ensureDeadLetterTopics } from './dead-letter-topic.ts'
import type { StreamKafka, StreamTransactions } from './kafka-ports.ts'
import { offsetOutOfRange } from './offset-out-of-range.ts'
import type { PartitionProgress } from './partition-progress.ts'
import { processBatch, type ProcessedBatch, type Row } from './process-batch.ts'
import { StatusReporter, type Dependency } from './status-reporter.ts'
import { STOP_GRACE_MS, Stopping } from './stopping.ts'
import { closing, StreamGroup } from './stream-group.ts'
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

/** A group learns of rebalances within `poll`: no wait is longer than this without one. */
const POLL_AT_LEAST_EVERY_MS = 1_000
/** How long a partition that is given up is held for the batches in hand. */
const REVOKE_GRACE_MS = 10_000
/** How long a transaction is tried; well below its time-out, so that it ends by itself. */
const COMMIT_TIMEOUT_MS = 30_000

interface Parts {
  readonly stream: CompiledStream
  readonly group: StreamGroup
  readonly committer: Committer
  readonly pipeline: WritePipeline
}

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
  #failure: MillraceError | null = null
  #mustRejoin = false
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
    const { clock, log } = this.#options
    const group = new StreamGroup(
      {
        ...this.#options,
        stream,
        ending: this.#stopping.ending,
        onAssigned: () => {
          this.#watch.assigned()
          // Not after the first fetch: that waits where there is nothing new.
          this.#status.running()
        },
        onLost: () => {
          this.#mustRejoin = false
        },
        onLeaving: async (leaving) => {
          await settledWithin(pipeline.drained(leaving), REVOKE_GRACE_MS, clock)
          await committer.flush()
        },
      },
      this.#partitions,
    )
    const committer = this.#newCommitter(stream, group)
    const pipeline = this.#pipeline(stream, committer)
    const parts: Parts = { stream, group, committer, pipeline }
    try {
      await this.#join(group)
      while (!this.#stopping.ending.aborted) {
        await this.#turn(parts)
        if (this.#mustRejoin) await this.#join(group)
      }
    } catch (error) {
      this.#fail(asMillraceError(error))
    } finally {
      await this.#close(parts)
      await closing('transactional producer', this.#transactions.close(), clock, log)
    }
  }

  /** One turn of the loop: something to process, room to write it to, then processed and handed on. */
  async #turn(parts: Parts): Promise<void> {
    const { stream, group, pipeline } = parts
    if (!(await pipeline.hasRoomWithin(POLL_AT_LEAST_EVERY_MS))) return this.#pollPaused(parts)
    if (this.#queue.length === 0) {
      group.resume()
      await this.#poll(parts)
    }
    const next = this.#queue.shift()
    if (!next || next.progress.isSealed || this.#stopping.ending.aborted) return
    const { progress, batch } = next
    const processed = await this.#pollingMeanwhile(parts, this.#process(stream, progress, batch))
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
  async #pollingMeanwhile<T>(parts: Parts, work: Promise<T>): Promise<T | null> {
    const { clock } = this.#options
    work.catch(() => {}) // looked at below; a failing poll must not leave it unseen
    while (!(await settledWithin(work, POLL_AT_LEAST_EVERY_MS, clock))) {
      if (!this.#stopping.ending.aborted) await this.#pollPaused(parts)
    }
    try {
      return await work
    } catch (error) {
      if (this.#stopping.giveUp.aborted) return null
      throw error
    }
  }

  async #pollPaused(parts: Parts): Promise<void> {
    parts.group.pause()
    await this.#poll(parts)
  }

  async #poll({ group, committer }: Parts): Promise<void> {
    const { clock, stream } = this.#options
    const ending = this.#stopping.ending
    try {
      const batches = await group.poll(ending)
      this.#fetchFailures = 0
      this.#status.running()
      if (batches.length > 0) this.#watch.fetched()
      for (const batch of batches) this.#enqueue(batch, group.progressOf(batch))
      if (group.passMarkers()) committer.schedule()
    } catch (thrown) {
      if (ending.aborted) return
      const error = asMillraceError(thrown, 'KAFKA')
      if (error.code === 'OFFSET_OUT_OF_RANGE') throw offsetOutOfRange(stream.topology.name, error)
      if (!error.retriable) throw error
      this.#status.away('fetch', error)
      await clock.sleep(backoffMs(this.#fetchFailures++, RETRY_DELAYS), ending).catch(() => {})
    }
  }

  #enqueue(batch: Batch, progress: PartitionProgress | null): void {
    if (!progress || progress.isSealed) return
    progress.sees(batch)
    this.#queue.push({ progress, batch })
  }

  async #join(group: StreamGroup): Promise<void> {
    this.#mustRejoin = false
    this.#dropAll(group)
    await group.close()
    this.#takeTransactions()
    await this.#untilThere('fetch', () => group.join())
  }

  #dropAll(group: StreamGroup): void {
    group.dropAll()
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

  #newCommitter(stream: CompiledStream, group: StreamGroup): Committer {
    const { clock, log } = this.#options
    return new Committer({
      commit: (offsets, deadLetters) => group.commit(offsets, deadLetters, this.#transactions),
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
        this.#dropAll(group)
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
  async #close({ pipeline, committer, group }: Parts): Promise<void> {
    const { clock, log, stream } = this.#options
    await settledWithin(pipeline.drained(), STOP_GRACE_MS + 1_000, clock)
    const isCommitted = await committer.flush()
    if (!isCommitted)
      log.warn('The last offsets could not be committed: their records are read again at the next start.', { stream: stream.topology.name })
    committer.close()
    await group.close()
  }
}
