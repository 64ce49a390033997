import type { Topic } from '../../authoring/index.ts'
import { definition, keyHash, type Batch } from '../../core/index.ts'
import type { AssignedPartition, GroupConsumer, TopicPartition } from '../../kafka-client/index.ts'
import { asMillraceError, backoffMs, MillraceError, settledWithin, type Clock, type Logger } from '../../platform/index.ts'
import type { Systems } from '../systems.ts'
import { Commits } from './commits.ts'
import { DeadLetterWriter } from './dead-letter-writer.ts'
import { Dispatcher } from './dispatcher.ts'
import { handleRecord, type HandleRecord, type Leaving } from './handle-record.ts'
import type { TakenBatch } from './offset-progress.ts'
import type { Handler, ResolvedConsumeOptions } from './options.ts'
import { PartitionWork } from './partition-work.ts'
import { valueReader } from './read-values.ts'
import { stoppedBy } from './stopped-by.ts'

/** A consumer while it runs. */
export interface Consumption extends AsyncDisposable {
  /**
   * Resolves when the consumer was closed; rejects with what stopped it. A service that looks at it nowhere ends with that as an unhandled
   * rejection: a consumer does not stop in silence.
   */
  readonly done: Promise<void>
  /** Since it began. */
  readonly counts: ConsumedCounts
  /** Begins no more records, waits for those that are handled (`drainTimeout`), commits and leaves the group. Never rejects. */
  close(): Promise<void>
}

export interface ConsumedCounts {
  /** Records whose handler succeeded. */
  handled: number
  /** Records that went to the dead-letter topic. */
  deadLetters: number
}

/** What is read ahead of the handlers at most, but for the batch that passes it. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024
const RETRY_DELAYS = { initialMs: 100, maxMs: 2_000 }
/** Beyond the drain, so that a rebalance waits for it. */
const REBALANCE_MARGIN_MS = 30_000
/** How long partitions are held for their last commit. */
const COMMIT_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 5_000

export interface ConsumptionOptions {
  readonly systems: Systems
  readonly topic: Topic<never, unknown>
  readonly options: ResolvedConsumeOptions
  readonly handler: Handler<unknown>
  readonly clock: Clock
  /** Whatever it ended with: looking at `done` for it would take the failure from whoever should see it. */
  onEnded(this: void): void
}

/** Reads a topic as a member of a group, and hands its records to a handler: at least once each, those of a key in their order. */
export class RunningConsumption implements Consumption {
  readonly done: Promise<void>
  readonly counts: ConsumedCounts = { handled: 0, deadLetters: 0 }
  readonly #systems: Systems
  readonly #topic: string
  readonly #options: ResolvedConsumeOptions
  readonly #record: HandleRecord & { readonly values: ReturnType<typeof valueReader> }
  readonly #clock: Clock
  readonly #log: Logger
  readonly #deadLetters: DeadLetterWriter | null
  readonly #dispatcher: Dispatcher
  readonly #partitions = new Map<number, PartitionWork>()
  readonly #ending = new AbortController()
  #consumer: GroupConsumer | null = null
  #commits: Commits | null = null
  #isPaused = false
  #pollFailures = 0
  #failure: MillraceError | null = null

  constructor({ systems, topic, options, handler, clock, onEnded }: ConsumptionOptions) {
    const { def, schema } = topic[definition]
    this.#systems = systems
    this.#topic = def.name
    this.#options = options
    this.#clock = clock
    this.#log = systems.log
    this.#record = {
      parse: topic.value[definition].parse,
      values: valueReader(systems.registry, schema.fields),
      makeReady: (batch, leaving) => this.#makeReady(batch, leaving),
      handler,
      options,
      clock,
    }
    const { group, deadLetters } = options
    this.#deadLetters = deadLetters === null ? null : new DeadLetterWriter({ systems, group, topic: deadLetters, clock })
    this.#dispatcher = new Dispatcher(options.concurrency)
    this.done = this.#run(onEnded)
  }

  async close(): Promise<void> {
    this.#end()
    await this.done.catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run(onEnded: () => void): Promise<void> {
    // Not within the caller's own turn.
    await Promise.resolve()
    try {
      await this.#untilThere(async () => this.#deadLetters?.ensureTopic())
      const consumer = await this.#untilThere(() => this.#open())
      if (consumer !== null) await this.#consume(consumer)
    } catch (error) {
      this.#fail(asMillraceError(error))
    }
    await this.#deadLetters?.close()
    onEnded()
    if (this.#failure) throw this.#failure
  }

  async #consume(consumer: GroupConsumer): Promise<void> {
    const commits = new Commits({
      consumer,
      partitions: () => this.#partitions.values(),
      clock: this.#clock,
      log: this.#log,
      onFailed: (error) => this.#fail(error),
    })
    this.#consumer = consumer
    this.#commits = commits
    try {
      while (!this.#ending.signal.aborted) await this.#turn(consumer)
    } catch (error) {
      this.#fail(asMillraceError(error))
    } finally {
      await this.#giveUp([...this.#partitions.values()])
      commits.close()
      await consumer.close({ timeoutMs: CLOSE_TIMEOUT_MS })
    }
  }

  async #open(): Promise<GroupConsumer> {
    const kafka = await this.#systems.kafka()
    const { group, startingOffsets, sessionTimeoutMs, drainTimeoutMs } = this.#options
    return kafka.consumer({
      groupId: group,
      topics: [this.#topic],
      startingOffsets,
      assignor: 'cooperative-sticky',
      isolationLevel: 'read_committed',
      sessionTimeoutMs,
      rebalanceTimeoutMs: drainTimeoutMs + REBALANCE_MARGIN_MS,
      onAssigned: (partitions) => this.#assigned(partitions),
      onRevoked: (partitions) => this.#giveUp(this.#worksOf(partitions)),
      onLost: (partitions) => this.#lost(this.#worksOf(partitions)),
    })
  }

  /** Polls without end, with nothing fetched while enough waits: rebalances are heard of within a poll, however long handlers take. */
  async #turn(consumer: GroupConsumer): Promise<void> {
    this.#throttle(consumer)
    try {
      for (const batch of await consumer.poll({ signal: this.#ending.signal })) this.#take(batch)
      this.#pollFailures = 0
      this.#passMarkers(consumer)
    } catch (thrown) {
      if (this.#ending.signal.aborted) return
      const error = asMillraceError(thrown, 'KAFKA')
      if (!error.retriable) throw error
      this.#log.warn('The consumer waits for Kafka.', { group: this.#options.group, error })
      await this.#pause(backoffMs(this.#pollFailures++, RETRY_DELAYS))
    }
  }

  /** Partitions that came since are paused too. */
  #throttle(consumer: GroupConsumer): void {
    this.#isPaused = this.#bufferedBytes() >= MAX_BUFFERED_BYTES
    if (this.#isPaused) consumer.pause(consumer.assignment())
    else consumer.resume(consumer.assignment())
  }

  #bufferedBytes(): number {
    let bytes = 0
    for (const { bufferedBytes } of this.#partitions.values()) bytes += bufferedBytes
    return bytes
  }

  #take(batch: Batch): void {
    const work = this.#partitions.get(batch.partition)
    if (!work || work.leaving.aborted) return
    const taken = work.take(batch)
    const { values } = this.#record
    if (work.preparing === null && values.isReadyFor(batch)) return this.#dispatch(work, batch, taken)
    const preparing = (work.preparing ?? Promise.resolve()).then(() => this.#prepare(work, batch, taken))
    const settled = preparing.then(() => {
      if (work.preparing === settled) work.preparing = null
    })
    work.preparing = settled
  }

  /** Never rejects: what keeps values from being read, and is not away for a while, stops the consumer. */
  async #prepare(work: PartitionWork, batch: Batch, taken: TakenBatch): Promise<void> {
    try {
      if (await this.#makeReady(batch, work)) this.#dispatch(work, batch, taken)
    } catch (error) {
      if (!work.isDropped) this.#fail(asMillraceError(error))
    }
  }

  /** Waits for a registry that is away; false when the consumer ended first. */
  async #makeReady(batch: Batch, { giveUp }: Leaving): Promise<boolean> {
    return (await this.#untilThere(() => this.#record.values.makeReadyFor(batch, giveUp).then(() => true))) ?? false
  }

  #dispatch(work: PartitionWork, batch: Batch, taken: TakenBatch): void {
    const { lanes } = work
    for (let i = 0; i < batch.count; i++) {
      const job = (): Promise<void> => work.running(() => this.#handle(work, batch, taken, i))
      const hasKey = (batch.keyAt[2 * i] ?? -1) >= 0
      if (this.#options.orderBy === 'partition') this.#dispatcher.add(job, { lanes, number: 0 })
      else this.#dispatcher.add(job, hasKey ? { lanes, number: keyHash(batch, i) } : null)
    }
    // A batch without records, of which compaction left nothing, moves the group on too.
    if (batch.count === 0) this.#commits?.schedule()
  }

  /** Never rejects. */
  async #handle(work: PartitionWork, batch: Batch, taken: TakenBatch, i: number): Promise<void> {
    try {
      const handled = await handleRecord(this.#record, batch, i, work)
      if (handled.is === 'abandoned') return
      if (handled.is === 'failed') {
        const { failure, cause, attempts } = handled
        const at = { topic: batch.topic, partition: batch.partition, offset: batch.offsets[i] ?? -1n }
        if (this.#deadLetters === null) return this.#fail(stoppedBy({ group: this.#options.group, at, failure, cause, attempts }))
        if (!(await this.#deadLetters.write(batch, failure, work.giveUp))) return
        this.counts.deadLetters++
      } else this.counts.handled++
      if (work.isDropped) return
      work.finish(taken, i)
      this.#commits?.schedule()
      if (this.#isPaused && this.#consumer && this.#bufferedBytes() < MAX_BUFFERED_BYTES / 2) this.#throttle(this.#consumer)
    } catch (error) {
      if (!work.isDropped) this.#fail(asMillraceError(error))
    }
  }

  /** What a partition ends with, where that is no record, is committed once all before it is handled. */
  #passMarkers(consumer: GroupConsumer): void {
    for (const { partition, offset } of consumer.positions()) {
      const work = this.#partitions.get(partition)
      work?.passTo(offset)
      if (work?.toCommit()) this.#commits?.schedule()
    }
  }

  #assigned(partitions: readonly AssignedPartition[]): void {
    for (const assigned of partitions) this.#partitions.set(assigned.partition, new PartitionWork(assigned))
  }

  #worksOf(partitions: readonly TopicPartition[]): PartitionWork[] {
    return partitions.flatMap(({ partition }) => this.#partitions.get(partition) ?? [])
  }

  /** Finishes what is in hand, as far as the time goes, commits that, and lets go of the rest. */
  async #giveUp(works: readonly PartitionWork[]): Promise<void> {
    for (const work of works) work.leave()
    await settledWithin(Promise.all(works.map((work) => work.idle())), this.#options.drainTimeoutMs, this.#clock)
    const committing = this.#commits?.flush() ?? Promise.resolve(true)
    const isCommitted = (await settledWithin(committing, COMMIT_TIMEOUT_MS, this.#clock)) && (await committing)
    if (!isCommitted) this.#log.warn('Offsets could not be committed: their records are handed out again.', { group: this.#options.group })
    this.#lost(works)
  }

  #lost(works: readonly PartitionWork[]): void {
    for (const work of works) {
      work.drop()
      if (this.#partitions.get(work.partition) === work) this.#partitions.delete(work.partition)
    }
  }

  #fail(error: MillraceError): void {
    this.#failure ??= error
    this.#end()
  }

  /** At once: a record behind one that failed must not be begun. */
  #end(): void {
    for (const work of this.#partitions.values()) work.leave()
    this.#ending.abort(new MillraceError('CLOSED', 'The consumer is closed.'))
  }

  /** Calls again while a system is away; null when the consumer ended first. */
  async #untilThere<T>(call: () => Promise<T>): Promise<T | null> {
    for (let attempt = 0; !this.#ending.signal.aborted; attempt++) {
      try {
        return await call()
      } catch (thrown) {
        const error = asMillraceError(thrown)
        if (!error.retriable) throw error
        this.#log.warn('The consumer waits.', { group: this.#options.group, topic: this.#topic, error })
        await this.#pause(backoffMs(attempt, RETRY_DELAYS))
      }
    }
    return null
  }

  /** Ends early, without rejecting, when the consumer ends. */
  async #pause(ms: number): Promise<void> {
    await this.#clock.sleep(ms, this.#ending.signal).catch(() => undefined)
  }
}
