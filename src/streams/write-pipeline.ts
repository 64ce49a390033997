import { names, type RecordFailure, type Sink } from '../core/index.ts'
import { asMillraceError, MillraceError, type Clock, type Logger, settledWithin } from '../platform/index.ts'
import type { Committer } from './committer.ts'
import type { CompiledStream } from './compile-steps.ts'
import type { DeadLetterLimit } from './dead-letter-limit.ts'
import { deadLetterRecord } from './dead-letters.ts'
import type { PartitionProgress, PendingDeadLetters } from './partition-progress.ts'
import type { ProcessedBatch, Row } from './process-batch.ts'
import type { StatusReporter } from './status-reporter.ts'
import { writeRows, type Persistence, type Persisted } from './write-rows.ts'

export interface WritePipelineOptions {
  project: string
  stream: CompiledStream
  sink: Sink<Row>
  limit: DeadLetterLimit
  committer: Committer
  status: StatusReporter
  clock: Clock
  log: Logger
  /** Aborts calls in progress: the grace of a stop is over, or the stream has failed. */
  giveUp: AbortSignal
  onFailed(error: MillraceError): void
}

/** What may be on its way to the table at once: enough to keep it busy, and a bound on memory while it is sick (P6). */
const MAX_BATCHES = 64
const MAX_BYTES = 4 * 1024 * 1024

/**
 * The second half of a stream: while one batch is decoded, earlier ones are written. Writes run beside each other (their
 * write times decide which version stays, P2); batches settle one after another, in the order they came in.
 */
export class WritePipeline {
  readonly #options: WritePipelineOptions
  readonly #inFlight = new Map<Promise<void>, { progress: PartitionProgress; bytes: number }>()
  #bytes = 0
  #last: Promise<void> = Promise.resolve()
  #hasFailed = false

  constructor(options: WritePipelineOptions) {
    this.#options = options
  }

  /** Never rejects; a failure that stops the stream goes to `onFailed`. */
  submit(progress: PartitionProgress, processed: ProcessedBatch): void {
    const written = this.#write(progress, processed)
    const done = this.#settleAfter(this.#last, written, progress, processed)
    this.#last = done
    void this.#track(done, progress, processed.batch.bytes.byteLength)
  }

  /** Waits for room at most `ms`; false when there is none. */
  async hasRoomWithin(ms: number): Promise<boolean> {
    while (this.#inFlight.size >= MAX_BATCHES || (this.#inFlight.size > 0 && this.#bytes >= MAX_BYTES)) {
      const [oldest] = this.#inFlight.keys()
      if (!oldest || !(await settledWithin(oldest, ms, this.#options.clock))) return false
    }
    return true
  }

  /** Resolves when the batches of these partitions (all: none given) have settled or were abandoned. */
  async drained(of?: ReadonlySet<PartitionProgress>): Promise<void> {
    const waiting = [...this.#inFlight].filter(([, { progress }]) => !of || of.has(progress))
    await Promise.all(waiting.map(([done]) => done))
  }

  async #track(done: Promise<void>, progress: PartitionProgress, bytes: number): Promise<void> {
    this.#inFlight.set(done, { progress, bytes })
    this.#bytes += bytes
    await done
    this.#inFlight.delete(done)
    this.#bytes -= bytes
  }

  #write(progress: PartitionProgress, processed: ProcessedBatch): Promise<Persisted<RecordFailure[]>> {
    const { sink, stream } = this.#options
    return writeRows(sink, stream.sinkId, processed, this.#persistence(progress))
  }

  async #settleAfter(
    before: Promise<void>,
    written: Promise<Persisted<RecordFailure[]>>,
    progress: PartitionProgress,
    processed: ProcessedBatch,
  ): Promise<void> {
    try {
      const refused = await written
      await before
      if (refused.is === 'abandoned' || this.#hasFailed) progress.seal()
      if (progress.isSealed) return
      await this.#settle(progress, processed, refused.is === 'done' ? refused.value : [])
    } catch (error) {
      this.#hasFailed = true
      progress.seal()
      this.#options.onFailed(asMillraceError(error))
    }
  }

  async #settle(progress: PartitionProgress, processed: ProcessedBatch, refused: readonly RecordFailure[]): Promise<void> {
    const { status, committer } = this.#options
    const { batch } = processed
    const failures = refused.length === 0 ? processed.failures : [...processed.failures, ...refused].toSorted((a, b) => a.record - b.record)
    this.#checkLimit(processed, failures)
    // P5: dead letters and offset are one transaction; a crash neither loses nor repeats one.
    progress.settle(batch, processed.lastWriteMicros, failures.length > 0 ? this.#deadLetters(processed, failures) : null)
    status.rowsWritten += processed.rows.length - refused.length
    status.filtered += processed.filtered
    // Waited for, so that no more of them gather than one batch has (P6).
    if (failures.length > 0) await committer.untilDeadLettersAreCommitted(progress, progress.waking)
    else committer.schedule()
  }

  /** P6: at the limit nothing of the batch becomes a dead letter, and its offsets stay: with the stream repaired it is read again. */
  #checkLimit({ batch }: ProcessedBatch, failures: readonly RecordFailure[]): void {
    // Replays that fail again tell nothing of the stream; a person asked for them.
    if (batch.topic !== this.#options.stream.topic.name) return
    const over = this.#options.limit.take(
      batch.count,
      failures.map((failure) => failure.record),
    )
    const last = failures.at(-1)
    if (!over || !last) return
    const { name } = this.#options.stream
    throw new MillraceError(
      'DEAD_LETTER_LIMIT',
      `Stream "${name}" stopped: ${over.failed} of its last ${over.of} records failed, the last at step "${last.step}" (${last.reason}): ${last.message} Nothing is lost: repair the stream and start it again; it goes on at ${batch.topic}/${batch.partition} offset ${batch.offsets[0]}.`,
      {
        details: {
          stream: name,
          failed: over.failed,
          of: over.of,
          topic: batch.topic,
          partition: batch.partition,
          offset: String(batch.offsets[0]),
        },
      },
    )
  }

  #deadLetters({ batch }: ProcessedBatch, failures: readonly RecordFailure[]): PendingDeadLetters {
    const { project, stream, status, log } = this.#options
    const last = failures.at(-1)
    return {
      records: failures.map((failure) => deadLetterRecord(project, stream.name, batch, failure)),
      onCommitted: () => {
        status.deadLetters += failures.length
        if (!last) return
        const { topic, partition } = batch
        status.lastDeadLetter = { reason: last.reason, message: last.message, topic, partition, offset: String(batch.offsets[last.record]) }
        log.warn(
          `${failures.length} of ${batch.count} records went to ${names.deadLetters(project, stream.name)}; the last: ${last.message}`,
          {
            stream: stream.name,
            ...status.lastDeadLetter,
            step: last.step,
          },
        )
      },
    }
  }

  #persistence(progress: PartitionProgress): Persistence {
    const { clock, status, giveUp } = this.#options
    return {
      who: null,
      clock,
      signal: giveUp,
      waking: progress.waking,
      onAway: (error) => status.away('table', error),
      onBack: () => status.back('table'),
    }
  }
}
