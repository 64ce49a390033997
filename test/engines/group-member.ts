import type { ConsumerOptions, GroupConsumer, KafkaClient, TopicPartition } from '../../src/kafka-client/index.ts'
import { rowsOf } from './transaction-copier.ts'

export type Protocol = Pick<ConsumerOptions, 'groupProtocol' | 'assignor'>

export const numbersOf = (partitions: readonly TopicPartition[]): number[] => partitions.map(({ partition }) => partition)

/** A member that reads, and commits what it has read before it gives anything up. */
export class Member {
  readonly consumer: GroupConsumer
  readonly assigned: number[] = []
  readonly revoked: number[] = []
  readonly lost: number[] = []
  readonly #running: Promise<void>
  readonly #stopping = new AbortController()
  readonly #done = new Map<number, bigint>()
  readonly #topic: string
  readonly #read: string[]

  constructor({ kafka, topic, protocol, read }: { kafka: KafkaClient; topic: string; protocol: Protocol; read: string[] }) {
    this.#topic = topic
    this.#read = read
    this.consumer = kafka.consumer({
      groupId: topic,
      topics: [topic],
      startingOffsets: 'earliest',
      maxWaitMs: 100,
      heartbeatIntervalMs: 100,
      ...protocol,
      onAssigned: (partitions) => void this.assigned.push(...numbersOf(partitions)),
      onRevoked: async (partitions) => {
        this.revoked.push(...numbersOf(partitions))
        await this.#commit(numbersOf(partitions))
      },
      onLost: (partitions) => void this.lost.push(...numbersOf(partitions)),
    })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.consumer.close()
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      for (const batch of await this.consumer.poll()) {
        this.#read.push(...rowsOf(batch).map(({ key }) => key))
        this.#done.set(batch.partition, batch.nextOffset)
      }
    }
  }

  async #commit(partitions: readonly number[]): Promise<void> {
    const topic = this.#topic
    const offsets = partitions.flatMap((partition) => {
      const offset = this.#done.get(partition)
      return offset === undefined ? [] : [{ topic, partition, offset, leaderEpoch: -1, metadata: '' }]
    })
    await this.consumer.commit(offsets)
  }
}
