import { errorCodes } from '../kafka-wire/index.ts'
import { abortReason, MillraceError } from '../platform/index.ts'
import type { Batch } from './batch.ts'
import type { Cluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import { type FetchPartition, fetchPartition } from './fetch-partition.ts'
import { Fetcher } from './fetcher.ts'
import { findOffsets } from './list-offsets.ts'
import type { IsolationLevel, ReaderOptions, StartingPoint, TopicPartition } from './options.ts'

/** Reads a topic without a group: nothing is committed. */
export interface TopicReader extends AsyncDisposable {
  /**
   * Records as they come, in offset order per partition; empty after `maxWaitMs` without any. The first call finds where to begin.
   * Rejects OFFSET_OUT_OF_RANGE, details `{ topic, partition, offset, logStartOffset }`; KAFKA, CANCELLED, CLOSED.
   */
  poll(options?: { signal?: AbortSignal }): Promise<Batch[]>
  /** True when every partition was read up to its end last seen: the high watermark, with `read_committed` the last stable offset. False before the first `poll`. */
  atEnd(): boolean
  /** Where each partition's next record is read, and its end as `atEnd` takes it (`highWatermark`); empty before the first `poll`. */
  positions(): (TopicPartition & { offset: bigint; highWatermark: bigint })[]
  close(): Promise<void>
}

class KafkaTopicReader implements TopicReader {
  readonly #cluster: Cluster
  readonly #options: ReaderOptions
  readonly #maxWaitMs: number
  readonly #isolationLevel: IsolationLevel
  readonly #fetcher: Fetcher
  readonly #purpose: string
  readonly #onClose: (reader: TopicReader) => void
  #beginning: Promise<void> | null = null
  #hasBegun = false
  #isClosed = false

  constructor(cluster: Cluster, options: ReaderOptions, onClose: (reader: TopicReader) => void) {
    this.#cluster = cluster
    this.#options = options
    this.#maxWaitMs = options.maxWaitMs ?? 500
    this.#purpose = cluster.newPurpose('reader')
    this.#onClose = onClose
    this.#isolationLevel = options.isolationLevel ?? 'read_uncommitted'
    const { maxBytes = 1024 * 1024 } = options
    this.#fetcher = new Fetcher(cluster, { maxBytes, maxWaitMs: this.#maxWaitMs, minBytes: 1, isolationLevel: this.#isolationLevel })
  }

  async poll({ signal }: { signal?: AbortSignal } = {}): Promise<Batch[]> {
    this.#check(signal)
    if (!this.#hasBegun) await this.#begin(signal)
    this.#check(signal)
    const ready = this.#fetcher.take()
    if (ready.length > 0) return ready
    await this.#fetcher.wait(this.#maxWaitMs, signal)
    this.#check(signal)
    return this.#fetcher.take()
  }

  atEnd(): boolean {
    return this.#hasBegun && this.#fetcher.partitions.every(({ position, highWatermark }) => position >= highWatermark)
  }

  positions(): (TopicPartition & { offset: bigint; highWatermark: bigint })[] {
    return this.#fetcher.partitions.map(({ topic, partition, position, highWatermark }) => ({
      topic,
      partition,
      offset: position,
      highWatermark,
    }))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#fetcher.close()
    this.#cluster.connections.release(this.#purpose)
    this.#onClose(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #check(signal: AbortSignal | undefined): void {
    if (this.#isClosed) throw new MillraceError('CLOSED', 'The reader is closed.')
    if (signal?.aborted) throw abortReason(signal)
  }

  async #begin(signal: AbortSignal | undefined): Promise<void> {
    this.#beginning ??= this.#findPositions(signal).finally(() => (this.#beginning = null))
    await this.#beginning
  }

  async #findPositions(signal: AbortSignal | undefined): Promise<void> {
    const { topic: name, from } = this.#options
    // What the client knows of it may be of a topic of that name that is there no more.
    await this.#cluster.refresh([name]).catch(() => undefined)
    const topic = await this.#cluster.waitForTopic(name, this.#cluster.options.requestTimeoutMs, signal)
    const chosen = this.#options.partitions ?? topic.leaders.map((_, partition) => partition)
    const partitions = chosen.map((partition): TopicPartition => ({ topic: name, partition }))
    const missing = partitions.find(({ partition }) => partition >= topic.leaders.length)
    if (missing)
      throw kafkaError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `Partition ${missing.partition} of "${name}"`, { details: { ...missing } })
    const ends = await findOffsets(this.#cluster, this.#purpose, partitions, 'latest', {
      ...(signal ? { signal } : {}),
      isolationLevel: this.#isolationLevel,
    })
    const starts = await this.#startOffsets(partitions, signal)
    const states = partitions.map(({ partition }): FetchPartition => {
      const end = ends.find((listed) => listed.partition === partition)?.offset ?? -1n
      const position = givenOffset(from, partition) ?? starts.get(partition) ?? end
      const state = fetchPartition({ topic: name, partition, topicId: topic.topicId, position, positionEpoch: -1 })
      return { ...state, highWatermark: end }
    })
    this.#hasBegun = true
    this.#fetcher.add(states)
  }

  async #startOffsets(partitions: readonly TopicPartition[], signal: AbortSignal | undefined): Promise<Map<number, bigint>> {
    const { from } = this.#options
    if (from === 'latest') return new Map()
    const unknown = partitions.filter(({ partition }) => givenOffset(from, partition) === null)
    if (unknown.length === 0) return new Map()
    const at = typeof from === 'object' && 'timestampMs' in from ? from : 'earliest'
    const found = await findOffsets(this.#cluster, this.#purpose, unknown, at, {
      ...(signal ? { signal } : {}),
      isolationLevel: this.#isolationLevel,
    })
    return new Map(found.map(({ partition, offset }) => [partition, offset]))
  }
}

/** Null: it has to be asked for. */
function givenOffset(from: StartingPoint, partition: number): bigint | null {
  if (typeof from !== 'object' || 'timestampMs' in from) return null
  return 'offset' in from ? from.offset : (from.offsets.get(partition) ?? null)
}

export function createReader(cluster: Cluster, options: ReaderOptions, onClose: (reader: TopicReader) => void): TopicReader {
  return new KafkaTopicReader(cluster, options, onClose)
}
