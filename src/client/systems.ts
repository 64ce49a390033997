import { cassandraOptions, kafkaOptions } from '../connectors/index.ts'
import type { CassandraSession } from '../cql-client/index.ts'
import type { KafkaClient } from '../kafka-client/index.ts'
import { MillraceError, type Logger } from '../platform/index.ts'
import { createRegistryClient, type RegistryClient } from '../registry-client/index.ts'
import type { Whereabouts } from './whereabouts.ts'

export interface SystemsOptions {
  readonly where: Whereabouts
  readonly clientId: string
  readonly log: Logger
}

/** Clients of the systems, each opened when it is first needed: a service that only reads tables needs no Kafka. */
export class Systems {
  readonly where: Whereabouts
  readonly log: Logger
  /** Null: there is none. */
  readonly registry: RegistryClient | null
  readonly #clientId: string
  readonly #closing = new AbortController()
  #kafka: Promise<KafkaClient> | null = null
  #session: Promise<CassandraSession> | null = null

  constructor({ where, clientId, log }: SystemsOptions) {
    this.where = where
    this.log = log
    this.#clientId = clientId
    this.registry = where.endpoints.registry && createRegistryClient(where.endpoints.registry)
  }

  /** Aborts when all is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Rejects as `connectKafka` does; the next call tries again. */
  kafka(): Promise<KafkaClient> {
    if (this.closing.aborted) return Promise.reject(closed())
    this.#kafka ??= this.#connectKafka().catch((error: unknown) => {
      this.#kafka = null
      throw error
    })
    return this.#kafka
  }

  /** Rejects as `connectCassandra` does; the next call tries again. */
  session(): Promise<CassandraSession> {
    if (this.closing.aborted) return Promise.reject(closed())
    this.#session ??= this.#connectCassandra().catch((error: unknown) => {
      this.#session = null
      throw error
    })
    return this.#session
  }

  /** @param timeoutMs how long producers may flush */
  async close(timeoutMs: number): Promise<void> {
    if (this.closing.aborted) return
    this.#closing.abort(closed())
    const [kafka, session] = await Promise.all([this.#kafka?.catch(() => null), this.#session?.catch(() => null)])
    await Promise.all([kafka?.close({ timeoutMs }), session?.close()])
    this.registry?.close()
  }

  async #connectKafka(): Promise<KafkaClient> {
    const { connectKafka } = await import('../kafka-client/index.ts')
    const { endpoints, tokens } = this.where
    return connectKafka({ ...kafkaOptions(endpoints.kafka, tokens), clientId: this.#clientId, log: this.log, signal: this.closing })
  }

  async #connectCassandra(): Promise<CassandraSession> {
    const { connectCassandra } = await import('../cql-client/index.ts')
    return connectCassandra({ ...cassandraOptions(this.where.endpoints.cassandra), log: this.log, signal: this.closing })
  }
}

function closed(): MillraceError {
  return new MillraceError('CLOSED', 'The client of Millrace is closed.')
}
