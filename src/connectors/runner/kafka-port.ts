import type { Batch, Header } from '../../core/index.ts'

/** A record as the runner produces it. Without a time: the producer's now. */
export interface OutgoingRecord {
  topic: string
  key: string | null
  value: Uint8Array
  headers?: Header[]
}

export interface SourceProducer {
  /** Resolves when every record is acknowledged by all in-sync replicas (P1). */
  send(records: OutgoingRecord[]): Promise<unknown>
  close(): Promise<void>
}

export interface SourceReader {
  poll(options: { signal: AbortSignal }): Promise<Batch[]>
  /** True once everything that is in the topic has been read. */
  atEnd(): boolean
  close(): Promise<void>
}

/** What a source needs of Kafka: a part of `kafka-client`'s `KafkaClient`, so that a test can script it. */
export interface SourceKafka {
  admin: { createTopics(topics: { name: string; partitions: number; configs: Record<string, string> }[]): Promise<unknown> }
  producer(options: { acks: 'all' }): SourceProducer
  reader(options: { topic: string; from: 'earliest'; maxWaitMs: number }): SourceReader
}
