import type { Batch, Header } from '../../core/index.ts'
import type { MillraceError } from '../../platform/index.ts'

/** A record as the runner produces it. Without a time: the producer's now. */
export interface OutgoingRecord {
  topic: string
  key: string | null
  value: Uint8Array
  headers?: Header[]
}

/** A part of `kafka-client`'s `TransactionalProducer`. */
export interface SourceTransactions {
  /** Of the states of a transactional producer the runner tells apart those that decide how it goes on. */
  readonly state: { readonly is: string; readonly error?: MillraceError }
  /** Fences earlier producers of the transactional id and settles what they left open. */
  init(): Promise<void>
  begin(): Promise<void>
  /** Need not be waited for: what fails is told by `commit`. */
  send(records: OutgoingRecord[]): Promise<unknown>
  /** Resolves when every record is acknowledged by all in-sync replicas (P1), and the transaction is committed. */
  commit(): Promise<void>
  abort(): Promise<void>
  close(options?: { timeoutMs?: number }): Promise<void>
}

export interface SourceReader {
  poll(options: { signal: AbortSignal }): Promise<Batch[]>
  /** True once everything that is in the topic has been read. */
  atEnd(): boolean
  /** The next offset of each partition. */
  positions(): { partition: number; offset: bigint }[]
  close(): Promise<void>
}

/** What a source needs of Kafka: a part of `kafka-client`'s `KafkaClient`, so that a test can script it. */
export interface SourceKafka {
  admin: {
    createTopics(topics: { name: string; partitions: number; configs: Record<string, string> }[]): Promise<unknown>
    /** The end of a partition, open transactions included. */
    listOffsets(partitions: readonly { topic: string; partition: number }[], at: 'latest'): Promise<readonly { offset: bigint }[]>
  }
  transactionalProducer(options: { transactionalId: string }): SourceTransactions
  reader(options: { topic: string; from: 'earliest'; maxWaitMs: number; isolationLevel: 'read_committed' }): SourceReader
}
