import type { Batch, Header } from '../core/index.ts'

/**
 * What a stream needs of a Kafka client, and no more. `KafkaClient` of `kafka-client` has this shape; tests script it in memory.
 */
export interface StreamKafka {
  consumer(options: StreamConsumerOptions): StreamConsumer | Promise<StreamConsumer>
  transactionalProducer(options: { transactionalId: string; deliveryTimeoutMs: number }): StreamTransactions
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
  /** Topics that begin at the earliest all the same. */
  fromEarliest: readonly string[]
  groupInstanceId?: string
  maxBytes?: number
  /** Of a rebalance only what moves is told. */
  assignor: 'cooperative-sticky'
  /** Records of aborted transactions are no records. */
  isolationLevel: 'read_committed'
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
  /** Where each assigned partition's next record is read; what lies between it and the last record handed out needs no reading again. */
  positions(): readonly (TopicPartition & { offset: bigint })[]
  commit(offsets: readonly OffsetToCommit[]): Promise<void>
  /** By which a transaction's offsets are fenced (KIP-447). Throws when the group has gone on without this member. */
  groupMetadata(): GroupMetadata
  /** The member has gone on to a later generation than this one, and kept what it had. */
  hasMovedOnFrom(metadata: GroupMetadata): boolean
  close(): Promise<void>
}

export interface OutgoingRecord {
  topic: string
  key: Uint8Array | null
  value: Uint8Array | null
  headers: readonly Header[]
  timestampMs: number
}

export interface GroupMetadata {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
  readonly groupInstanceId: string | null
}

/** A part of `kafka-client`'s `TransactionalProducer`. */
export interface StreamTransactions {
  readonly state: { readonly is: string }
  /** Fences earlier producers of the transactional id and settles what they left open. */
  init(): Promise<void>
  begin(): Promise<void>
  /** Need not be waited for: what fails is told by `commit`. */
  send(records: readonly OutgoingRecord[]): Promise<unknown>
  sendOffsets(offsets: readonly OffsetToCommit[], group: GroupMetadata): Promise<void>
  /** Details `outcome: 'unknown'` when nobody told whether it was done. */
  commit(): Promise<void>
  abort(): Promise<void>
  close(options?: { timeoutMs?: number }): Promise<void>
}

export interface StreamAdmin {
  /** With `read_committed`, the end is where such a reader gets to. */
  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'latest',
    options: { isolationLevel: 'read_committed' },
  ): Promise<readonly (TopicPartition & { offset: bigint })[]>
  createTopics(topics: readonly { name: string; partitions: number; configs: Record<string, string> }[]): Promise<unknown>
}

export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
