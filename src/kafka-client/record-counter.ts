import { errorCodes, fetch, readBatchHeader } from '../kafka-wire/index.ts'
import { AbortedRecords, type AbortedTransaction } from './aborted-transactions.ts'
import type { Cluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import { findOffsets } from './list-offsets.ts'
import { isolationLevels, type TopicPartition } from './options.ts'

export interface RecordCount {
  records: number
  /** False while some of them were counted by their offsets, which markers and aborted records take too. */
  isExact: boolean
}

/** Counts the records of a topic as a reader with `read_committed` would see them: markers of transactions and aborted records are none. */
export interface RecordCounter extends AsyncDisposable {
  /**
   * Goes on where the last call stopped, for as long as `withinMs`, and reads batch headers only. What is left then, or is more than
   * `mostOffsets` (default 2,000,000) anyway, counts by its offsets. One call at a time. Rejects KAFKA, KAFKA_RETRIABLE, UNREACHABLE.
   */
  count(options: { withinMs: number; mostOffsets?: number }): Promise<RecordCount>
  /** Of parts of its partitions, counted as `count` does, and kept by nobody; in the order of the ranges. */
  between(ranges: readonly OffsetRange[], options: { withinMs: number; mostOffsets?: number }): Promise<RecordCount[]>
  close(): Promise<void>
}

/** Offsets of a partition from `from` to before `to`. */
export interface OffsetRange {
  partition: number
  from: bigint
  to: bigint
}

/** What has been counted of a partition: from the log's start to `position`. */
interface Counted {
  start: bigint
  position: bigint
  records: number
}

const FETCH_BY_NAME_AT_MOST = 12
const mostCounted = 2_000_000
const FETCH_BYTES = 4 * 1024 * 1024

class KafkaRecordCounter implements RecordCounter {
  readonly #cluster: Cluster
  readonly #topic: string
  readonly #purpose: string
  readonly #onClose: (counter: RecordCounter) => void
  #topicId = ''
  readonly #counted = new Map<number, Counted>()

  constructor(cluster: Cluster, topic: string, onClose: (counter: RecordCounter) => void) {
    this.#cluster = cluster
    this.#topic = topic
    this.#purpose = cluster.newPurpose('counter')
    this.#onClose = onClose
  }

  async count({ withinMs, mostOffsets = mostCounted }: { withinMs: number; mostOffsets?: number }): Promise<RecordCount> {
    const { clock } = this.#cluster
    const partitions = await this.#partitions()
    const [starts, ends] = await Promise.all([
      findOffsets(this.#cluster, this.#purpose, partitions, 'earliest'),
      findOffsets(this.#cluster, this.#purpose, partitions, 'latest', { isolationLevel: 'read_committed' }),
    ])
    // Of the reading: each call gets on, however slow the answers before it were.
    const deadlineMs = clock.monotonicMs() + withinMs
    const total: RecordCount = { records: 0, isExact: true }
    for (const { partition, offset: end } of ends) {
      const start = starts.find((each) => each.partition === partition)?.offset ?? 0n
      const counted = this.#since(partition, start)
      const until = Number(end - counted.position) <= mostOffsets ? end : counted.position
      while (counted.position < until && clock.monotonicMs() < deadlineMs) await this.#countOn(partition, counted, end)
      const left = end > counted.position ? Number(end - counted.position) : 0
      total.records += counted.records + left
      total.isExact &&= left === 0
    }
    return total
  }

  async between(
    ranges: readonly OffsetRange[],
    { withinMs, mostOffsets = mostCounted }: { withinMs: number; mostOffsets?: number },
  ): Promise<RecordCount[]> {
    const { clock } = this.#cluster
    await this.#partitions()
    const deadlineMs = clock.monotonicMs() + withinMs
    const counts: RecordCount[] = []
    for (const { partition, from, to } of ranges) {
      const counted: Counted = { start: from, position: from, records: 0 }
      const until = Number(to - from) <= mostOffsets ? to : from
      while (counted.position < until && clock.monotonicMs() < deadlineMs) await this.#countOn(partition, counted, to, to)
      const left = to > counted.position ? Number(to - counted.position) : 0
      counts.push({ records: counted.records + left, isExact: left === 0 })
    }
    return counts
  }

  async close(): Promise<void> {
    this.#cluster.connections.release(this.#purpose)
    this.#onClose(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #partitions(): Promise<TopicPartition[]> {
    await this.#cluster.retrying(() => this.#cluster.refresh([this.#topic]))
    const topic = this.#cluster.topic(this.#topic)
    if (!topic) {
      const errorCode = this.#cluster.topicError(this.#topic) || errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      throw kafkaError(errorCode, `Topic "${this.#topic}"`, { details: { topic: this.#topic } })
    }
    // A topic of the same name, made again.
    if (topic.topicId !== this.#topicId) this.#counted.clear()
    this.#topicId = topic.topicId
    return topic.leaders.map((_, partition) => ({ topic: this.#topic, partition }))
  }

  /** Where retention has taken what was counted, the counting begins anew. */
  #since(partition: number, start: bigint): Counted {
    const known = this.#counted.get(partition)
    if (known && known.start === start) return known
    const counted = { start, position: start, records: 0 }
    this.#counted.set(partition, counted)
    return counted
  }

  /** @param before records from this offset on are not counted */
  async #countOn(partition: number, counted: Counted, end: bigint, before: bigint | null = null): Promise<void> {
    const { bytes, aborted } = await this.#fetch(partition, counted.position)
    const abortedRecords = new AbortedRecords(aborted)
    let from = counted.position
    for (let at = 0; ;) {
      const header = readBatchHeader(bytes, at)
      if (!header) break
      const lastOfAll = header.baseOffset + BigInt(header.lastOffsetDelta)
      const last = before !== null && lastOfAll >= before ? before - 1n : lastOfAll
      if (last >= from) {
        const isSkipped = abortedRecords.holds(bytes, at, header) || header.isControl
        if (!isSkipped) counted.records += Math.min(header.recordCount, Number(last - from) + 1)
        from = last + 1n
      }
      at += header.sizeBytes
    }
    // Nothing to read before the end: compaction left a gap.
    counted.position = from > counted.position ? from : end
  }

  async #fetch(partition: number, fetchOffset: bigint): Promise<{ bytes: Uint8Array; aborted: readonly AbortedTransaction[] }> {
    return this.#cluster.retrying(async () => {
      try {
        return await this.#fetchOnce(partition, fetchOffset)
      } catch (error) {
        // Its leader may be another one by now.
        await this.#cluster.refresh([this.#topic]).catch(() => undefined)
        throw error
      }
    })
  }

  async #fetchOnce(partition: number, fetchOffset: bigint): Promise<{ bytes: Uint8Array; aborted: readonly AbortedTransaction[] }> {
    const leader = this.#cluster.leader(this.#topic, partition)
    const answer = await this.#cluster.ask(
      this.#cluster.toNode(leader?.nodeId ?? -1, this.#purpose),
      fetch,
      FETCH_BY_NAME_AT_MOST,
      () => ({
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: FETCH_BYTES,
        isolationLevel: isolationLevels.read_committed,
        topics: [
          {
            topic: this.#topic,
            partitions: [{ partition, currentLeaderEpoch: -1, fetchOffset, partitionMaxBytes: FETCH_BYTES }],
          },
        ],
      }),
      this.#cluster.options.answerTimeoutMs,
    )
    const said = answer.responses[0]?.partitions[0]
    const errorCode = answer.errorCode || (said?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR)
    if (errorCode !== errorCodes.NONE) throw kafkaError(errorCode, `Counting ${this.#topic}-${partition}`, { details: { partition } })
    return { bytes: said?.records ?? new Uint8Array(), aborted: said?.abortedTransactions ?? [] }
  }
}

export function createRecordCounter(cluster: Cluster, topic: string, onClose: (counter: RecordCounter) => void): RecordCounter {
  return new KafkaRecordCounter(cluster, topic, onClose)
}
