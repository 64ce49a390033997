import { asMillraceError, MillraceError } from '../platform/index.ts'
import type { RecordHeader } from './batch.ts'
import { CLOSE_TIMEOUT_MS, type CloseOptions, settledBy } from './closing.ts'
import type { Cluster, TopicMetadata } from './cluster.ts'
import { type ProducerOptions, type ResolvedProducerOptions, resolveProducerOptions } from './options.ts'
import { Partitioner } from './partitioner.ts'
import { type Acknowledged, type PreparedRecord, SendCall, sizeOfRecord } from './producer-batch.ts'
import { Sender, type SenderTransaction } from './sender.ts'

export interface OutgoingRecord {
  topic: string
  /** Default: by the key's murmur2 hash, or whatever partition is being filled for null keys. */
  partition?: number
  key: Uint8Array | string | null
  value: Uint8Array | string | null
  headers?: readonly RecordHeader[]
  /** Default: now. */
  timestampMs?: number
}

export interface Producer extends AsyncDisposable {
  /**
   * Resolves when every record is acknowledged, in the order given. Rejects when one of them failed for good — others of the call may
   * have been written —: KAFKA or KAFKA_RETRIABLE with details `{ errorCode, errorName }`, TIMED_OUT, CLOSED. Keys and values must not be
   * changed before that. Records of one partition keep the order of the calls.
   */
  send(records: readonly OutgoingRecord[]): Promise<Acknowledged[]>
  /** Resolves when all that was given to `send` before is acknowledged or has failed. */
  flush(): Promise<void>
  /**
   * Flushes, for as long as `timeoutMs` (default 5,000), then closes its connections; what is left rejects with CLOSED, and a warning says
   * how much it was. Whether it was written is unknown: who must know calls `flush`, or waits for `send`, first.
   */
  close(options?: CloseOptions): Promise<void>
}

const METADATA_INTERVAL_MS = 60_000

/** What a transactional producer sends with. */
export interface TransactionSink extends Producer {
  /** Wakes what waits for a partition to join the transaction. */
  wake(): void
  /** Fails all that is not acknowledged, with `error`; resolves when nothing is on its way. */
  abandon(error: MillraceError): Promise<void>
  /** With nothing on its way: goes on under another producer epoch. */
  beginAnew(): void
}

class KafkaProducer implements TransactionSink {
  readonly #cluster: Cluster
  readonly #options: ResolvedProducerOptions
  readonly #sender: Sender
  readonly #partitioner = new Partitioner()
  readonly #pending = new Set<SendCall>()
  readonly #lookups = new Map<string, Promise<TopicMetadata>>()
  readonly #onClose: (producer: Producer) => void
  #bufferedBytes = 0
  #roomWaiters: (() => void)[] = []
  #entering: Promise<void> | null = null
  #flushes = 0
  #metadataAtMs: number
  /** No more records are taken. */
  #isClosed = false
  /** Nothing more is sent. */
  #hasEnded = false

  constructor(
    cluster: Cluster,
    options: ResolvedProducerOptions,
    onClose: (producer: Producer) => void,
    transaction: SenderTransaction | null = null,
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#onClose = onClose
    this.#metadataAtMs = cluster.clock.monotonicMs()
    this.#sender = new Sender(cluster, options, (sizeBytes) => this.#release(sizeBytes), transaction)
  }

  send(records: readonly OutgoingRecord[]): Promise<Acknowledged[]> {
    if (this.#isClosed) return Promise.reject(new MillraceError('CLOSED', 'The producer is closed.'))
    const call = new SendCall(records.length)
    const { promise } = call
    this.#pending.add(call)
    const settled = (): void => void this.#pending.delete(call)
    promise.then(settled, settled)
    const unknown = this.#unknownTopics(records)
    // Waiting for one topic's metadata must not hold up sends to others.
    if (unknown.length === 0) this.#enter(records, call)
    else
      Promise.all(unknown.map((topic) => this.#lookUp(topic))).then(
        () => this.#enter(records, call),
        (error: unknown) => call.fail(asMillraceError(error)),
      )
    return promise
  }

  async flush(): Promise<void> {
    this.#flushes++
    this.#sender.hurry = true
    this.#sender.drainSoon()
    await Promise.allSettled([...this.#pending].map(({ promise }) => promise))
    this.#sender.hurry = --this.#flushes > 0
  }

  wake(): void {
    this.#sender.drainSoon()
  }

  async abandon(error: MillraceError): Promise<void> {
    // Those that wait for a topic or for room are in no batch yet; what has failed does not get into one later.
    for (const call of this.#pending) call.fail(error)
    await this.#sender.abandon(error)
  }

  beginAnew(): void {
    this.#sender.beginAnew()
  }

  async close({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const { clock, log } = this.#cluster
    if (!(await settledBy(this.flush(), clock.monotonicMs() + timeoutMs, clock))) {
      const message = `The producer closed after ${timeoutMs} ms with records that were not acknowledged; their senders are told.`
      log.warn(message, { calls: this.#pending.size, bytes: this.#bufferedBytes })
    }
    this.#hasEnded = true
    const closed = new MillraceError('CLOSED', 'The producer is closed.')
    this.#sender.close(closed)
    // Those that wait for a topic or for room are in no batch yet.
    for (const call of this.#pending) call.fail(closed)
    this.#onClose(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** At once where there is room, else behind those that wait already. */
  #enter(records: readonly OutgoingRecord[], call: SendCall): void {
    if (!this.#entering && this.#bufferedBytes < this.#options.maxBufferedBytes) {
      const done = this.#append(records, call, 0)
      if (done === records.length) return
      this.#queueUp(this.#enterLater(records, call, done))
      return
    }
    this.#queueUp((this.#entering ?? Promise.resolve()).then(() => this.#enterLater(records, call, 0)))
  }

  #queueUp(entering: Promise<void>): void {
    const tail = entering.finally(() => {
      if (this.#entering === tail) this.#entering = null
    })
    this.#entering = tail
  }

  /** Never rejects: the call is told. */
  async #enterLater(records: readonly OutgoingRecord[], call: SendCall, from: number): Promise<void> {
    try {
      for (let at = from; at < records.length; at = this.#append(records, call, at)) {
        const topic = records[at]?.topic ?? ''
        if (!this.#cluster.topic(topic)) await this.#lookUp(topic)
        while (this.#bufferedBytes >= this.#options.maxBufferedBytes) await this.#room()
      }
    } catch (error) {
      call.fail(asMillraceError(error))
    }
  }

  /** Appends from `at` on until the buffer is full or a topic is unknown; returns where it stopped. */
  #append(records: readonly OutgoingRecord[], call: SendCall, at: number): number {
    if (this.#hasEnded || call.hasFailed) return records.length
    const nowMs = this.#cluster.clock.nowMs()
    const createdAtMs = this.#cluster.clock.monotonicMs()
    if (createdAtMs - this.#metadataAtMs > METADATA_INTERVAL_MS) this.#refreshMetadata(createdAtMs)
    let slot = at
    for (; slot < records.length && this.#bufferedBytes < this.#options.maxBufferedBytes; slot++) {
      const record = records[slot]
      const topic = record && this.#cluster.topic(record.topic)
      if (!topic) break
      this.#appendOne(topic, record, call, slot, nowMs, createdAtMs)
    }
    return slot
  }

  #appendOne(topic: TopicMetadata, record: OutgoingRecord, call: SendCall, slot: number, nowMs: number, createdAtMs: number): void {
    const partitionCount = topic.leaders.length
    const prepared: PreparedRecord = {
      key: asBytes(record.key),
      value: asBytes(record.value),
      headers: record.headers ? [...record.headers] : noHeaders,
      timestampMs: record.timestampMs ?? nowMs,
    }
    const partition = record.partition ?? this.#partitioner.partition(topic.name, prepared.key, partitionCount)
    if (partition < 0 || partition >= partitionCount) {
      const details = { topic: topic.name, partition, partitionCount }
      call.fail(new MillraceError('BAD_REQUEST', `Topic "${topic.name}" has no partition ${partition}.`, { details }))
      return
    }
    const sizeBytes = sizeOfRecord(prepared)
    const queue = this.#sender.queue(topic.name, partition)
    const { addedBytes, closed } = queue.append(prepared, sizeBytes, call, slot, this.#options.batchBytes, createdAtMs)
    this.#bufferedBytes += addedBytes
    if (closed && prepared.key === null) this.#partitioner.batchClosed(topic.name, partition, partitionCount)
    this.#sender.wake(queue, closed || this.#bufferedBytes >= this.#options.maxBufferedBytes)
  }

  #unknownTopics(records: readonly OutgoingRecord[]): string[] {
    const unknown = new Set<string>()
    let last: string | null = null
    for (const { topic } of records) {
      if (topic !== last && !this.#cluster.topic(topic)) unknown.add(topic)
      last = topic
    }
    return [...unknown]
  }

  #lookUp(topic: string): Promise<TopicMetadata> {
    const known = this.#lookups.get(topic)
    if (known) return known
    const lookup = this.#cluster.waitForTopic(topic, this.#cluster.options.requestTimeoutMs).finally(() => this.#lookups.delete(topic))
    this.#lookups.set(topic, lookup)
    return lookup
  }

  /** Now and then, so that new partitions get their share of the records. */
  #refreshMetadata(nowMs: number): void {
    this.#metadataAtMs = nowMs
    this.#cluster.refresh(this.#sender.topics).catch(() => undefined)
  }

  #room(): Promise<void> {
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  #release(sizeBytes: number): void {
    this.#bufferedBytes -= sizeBytes
    if (this.#bufferedBytes >= this.#options.maxBufferedBytes || this.#roomWaiters.length === 0) return
    for (const resolve of this.#roomWaiters.splice(0)) resolve()
  }
}

const noHeaders: RecordHeader[] = []

function asBytes(value: Uint8Array | string | null): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value) : value
}

export function createProducer(cluster: Cluster, options: ProducerOptions | undefined, onClose: (producer: Producer) => void): Producer {
  return new KafkaProducer(cluster, resolveProducerOptions(options), onClose)
}

export function createTransactionSink(cluster: Cluster, options: ResolvedProducerOptions, transaction: SenderTransaction): TransactionSink {
  return new KafkaProducer(cluster, options, () => undefined, transaction)
}
