import type { Batch, Json } from '../../core/index.ts'
import type { CassandraSession } from '../../cql-client/index.ts'
import type { KafkaClient } from '../../kafka-client/index.ts'
import type { Decoded } from './payload.ts'

/** Reads and writes values as a topic's format says, with the registry's schemas. */
export interface TopicValues {
  /** Gets the schemas that the values of a batch name; those that cannot be had are told by `decode`. */
  makeReadyFor(batch: Pick<Batch, 'bytes' | 'count' | 'valueAt'>, signal: AbortSignal): Promise<void>
  decode(bytes: Uint8Array): Decoded
  /** Of a value as JSON, as the topic's values are written. BAD_REQUEST names what does not fit. */
  encode(topic: string, value: Json, signal: AbortSignal): Promise<Uint8Array>
}

/** Where data is browsed. Connections are opened by `runtime`. */
export interface DataSystems {
  kafka(): Promise<KafkaClient>
  cassandra(): Promise<CassandraSession>
  readonly values: TopicValues
}

/**
 * One connection, opened at the first use and kept; a failed opening is forgotten, so that the next use tries again.
 */
export class Kept<T extends { close(): Promise<void> }> {
  readonly #open: () => Promise<T>
  #kept: Promise<T> | null = null

  constructor(open: () => Promise<T>) {
    this.#open = open
  }

  get(): Promise<T> {
    this.#kept ??= this.#open().catch((error: unknown) => {
      this.#kept = null
      throw error
    })
    return this.#kept
  }

  async close(): Promise<void> {
    const kept = await this.#kept?.catch(() => null)
    await kept?.close()
  }
}
