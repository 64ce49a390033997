import type { Batch, Header } from '../core/index.ts'

/**
 * What a stream needs of a Kafka client, and no more. `KafkaClient` of `kafka-client` has this shape; tests script it in memory.
 */
export interface StreamKafka {
  consumer(options: StreamConsumerOptions): StreamConsumer | Promise<StreamConsumer>
  producer(options: { acks: 'all' }): StreamProducer | Promise<StreamProducer>
  admin: StreamAdmin
}

export interface TopicPartition {
  topic: string
  partition: number
}

/** A partition given to this member, and what its group had committed for it. */
export interface AssignedPartition extends TopicPartition {
  committed: { offset: bigint; leaderEpoch: number; metadata: string } | null
  /** Where reading begins. */
  position: bigint
}

export interface OffsetToCommit extends TopicPartition {
  /** The next record to read. */
  offset: bigint
  leaderEpoch: number
  metadata: string
}

export interface StreamConsumerOptions {
  groupId: string
  topics: readonly string[]
  startingOffsets: 'earliest' | 'latest'
  groupInstanceId?: string
  maxBytes?: number
  onAssigned(partitions: readonly AssignedPartition[]): void
  /** Awaited before the partitions are given up. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>
  /** They belong to another member already. */
  onLost(partitions: readonly TopicPartition[]): void
}

export interface StreamConsumer {
  /** Waits for records, also an empty answer after a while. The callbacks above run within it. Rejects with OFFSET_OUT_OF_RANGE, retriable errors, CANCELLED. */
  poll(options: { signal: AbortSignal }): Promise<Batch[]>
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  commit(offsets: readonly OffsetToCommit[]): Promise<void>
  close(): Promise<void>
}

export interface OutgoingRecord {
  topic: string
  key: Uint8Array | null
  value: Uint8Array | null
  headers: readonly Header[]
  timestampMs: number
}

export interface StreamProducer {
  /** Resolves when all are acknowledged (acks=all). */
  send(records: readonly OutgoingRecord[]): Promise<unknown>
  close(): Promise<void>
}

export interface StreamAdmin {
  listOffsets(partitions: readonly TopicPartition[], at: 'latest'): Promise<readonly (TopicPartition & { offset: bigint })[]>
  createTopics(topics: readonly { name: string; partitions: number; configs: Record<string, string> }[]): Promise<unknown>
}

export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
