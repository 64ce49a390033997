import type { Batch } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import {
  batchOf,
  type OffsetToCommit,
  type OutgoingRecord,
  type StoredRecord,
  type StreamConsumer,
  type StreamConsumerOptions,
  type StreamKafka,
  type StreamTransactions,
} from '../streams/index.ts'

interface Partition {
  readonly topic: string
  readonly partition: number
  readonly records: StoredRecord[]
  /** Where the consumer's next record is. */
  position: number
  committed: number
  isPaused: boolean
}

const leaderEpoch = 0

/** One topic, the one group that reads it, and the dead letters, as the processing code of a stream sees Kafka; all of it in memory. */
export class MemoryKafka {
  readonly #partitions: readonly Partition[]
  readonly #deadLetters: OutgoingRecord[] = []
  #waiting: (() => void) | null = null

  constructor(topic: string, partitions: number) {
    this.#partitions = Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      records: [],
      position: 0,
      committed: 0,
      isPaused: false,
    }))
  }

  /** @returns the record's offset */
  append(partition: number, record: StoredRecord): bigint {
    const { records } = this.#partition(partition)
    records.push(record)
    return BigInt(records.length - 1)
  }

  /** What was appended is there to be read: records that come together are read together. */
  wake(): void {
    this.#waiting?.()
  }

  /** All records were read, and what became of them is committed. */
  get isDone(): boolean {
    return this.#waiting !== null && this.#partitions.every(({ records, committed }) => committed === records.length)
  }

  /** As a batch of the dead-letter topic; null when there are none. */
  deadLetters(): Batch | null {
    const records = this.#deadLetters
    const [first] = records
    if (!first) return null
    return batchOf(records, { topic: first.topic, partition: 0, leaderEpoch, firstOffset: 0n, highWatermark: BigInt(records.length) })
  }

  client(): StreamKafka {
    return {
      admin: {
        createTopics: async () => [],
        listOffsets: async (asked) => asked.map((place) => ({ ...place, offset: BigInt(this.#partition(place.partition).records.length) })),
      },
      consumer: (options) => this.#consumer(options),
      transactionalProducer: () => this.#transactions(),
    }
  }

  #partition(partition: number): Partition {
    const found = this.#partitions[partition]
    if (!found) throw new MillraceError('BAD_REQUEST', `There is no partition ${partition}: the topic has ${this.#partitions.length}.`)
    return found
  }

  #consumer(options: StreamConsumerOptions): StreamConsumer {
    let isAssigned = false
    const pausing = (isPaused: boolean) => (places: readonly { partition: number }[]) => {
      for (const { partition } of places) this.#partition(partition).isPaused = isPaused
    }
    return {
      poll: async ({ signal }) => {
        signal.throwIfAborted()
        const ready = this.#fetch()
        if (ready.length > 0) return ready
        // The first answer comes at once: the stream then knows that it runs.
        if (!isAssigned) {
          isAssigned = true
          options.onAssigned(this.#partitions.map(({ topic, partition }) => ({ topic, partition, committed: null, position: 0n })))
          return []
        }
        // Whoever has paused everything asks by the way, while he waits for something else.
        if (this.#partitions.every(({ isPaused }) => isPaused)) return []
        await this.#untilWoken(signal)
        return this.#fetch()
      },
      pause: pausing(true),
      resume: pausing(false),
      positions: () => this.#partitions.map(({ topic, partition, position }) => ({ topic, partition, offset: BigInt(position) })),
      commit: async (offsets) => this.#commit(offsets),
      groupMetadata: () => ({ groupId: options.groupId, memberId: 'test', generationId: 1, groupInstanceId: null }),
      hasMovedOnFrom: () => false,
      close: async () => {},
    }
  }

  async #untilWoken(signal: AbortSignal): Promise<void> {
    const woken = Promise.withResolvers<void>()
    const onAbort = (): void => woken.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting = woken.resolve
    try {
      await woken.promise
    } finally {
      this.#waiting = null
      signal.removeEventListener('abort', onAbort)
    }
  }

  #fetch(): Batch[] {
    return this.#partitions.flatMap((from) => {
      const records = from.isPaused ? [] : from.records.slice(from.position)
      if (records.length === 0) return []
      const { topic, partition, position } = from
      from.position += records.length
      const highWatermark = BigInt(from.records.length)
      return [batchOf(records, { topic, partition, leaderEpoch, firstOffset: BigInt(position), highWatermark })]
    })
  }

  /** Records and offsets take effect together, at the commit. */
  #transactions(): StreamTransactions {
    let sent: readonly OutgoingRecord[] = []
    let offsets: readonly OffsetToCommit[] = []
    return {
      state: { is: 'ready' },
      init: async () => {},
      begin: async () => {
        sent = []
        offsets = []
      },
      send: async (records) => void (sent = records),
      sendOffsets: async (given) => void (offsets = given),
      commit: async () => {
        // Views on a batch are valid as long as it is.
        this.#deadLetters.push(
          ...sent.map((record) => ({ ...record, key: record.key?.slice() ?? null, value: record.value?.slice() ?? null })),
        )
        this.#commit(offsets)
      },
      abort: async () => {},
      close: async () => {},
    }
  }

  #commit(offsets: readonly OffsetToCommit[]): void {
    for (const { partition, offset } of offsets) this.#partition(partition).committed = Number(offset)
  }
}
