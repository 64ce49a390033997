import { abortReason, asMillraceError } from '../platform/index.ts'
import { type Admin, createAdmin } from './admin.ts'
import type { CloseOptions } from './closing.ts'
import { Cluster } from './cluster.ts'
import { createConsumer, type GroupConsumer } from './consumer.ts'
import {
  type ConsumerOptions,
  type KafkaConnectOptions,
  type ProducerOptions,
  type ReaderOptions,
  type TransactionalProducerOptions,
  resolveConnectOptions,
} from './options.ts'
import { createProducer, type Producer } from './producer.ts'
import { createReader, type TopicReader } from './reader.ts'
import { createRecordCounter, type RecordCounter } from './record-counter.ts'
import { createTransactionalProducer, type TransactionalProducer } from './transactional-producer.ts'

export interface KafkaClient extends AsyncDisposable {
  readonly admin: Admin
  producer(options?: ProducerOptions): Producer
  /** For a transactional id only one at a time can write: the latest. */
  transactionalProducer(options: TransactionalProducerOptions): TransactionalProducer
  consumer(options: ConsumerOptions): GroupConsumer
  reader(options: ReaderOptions): TopicReader
  recordCounter(topic: string): RecordCounter
  /**
   * Closes what it made — producers flush, consumers leave their groups —, each for as long as `timeoutMs` (default 5,000), and then its
   * connections. May be called twice.
   */
  close(options?: CloseOptions): Promise<void>
}

interface Closable {
  close(options?: CloseOptions): Promise<void>
}

class MillraceKafkaClient implements KafkaClient {
  readonly admin: Admin
  readonly #cluster: Cluster
  readonly #made = new Set<Closable>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.admin = createAdmin(cluster)
  }

  producer(options?: ProducerOptions): Producer {
    return this.#keep(createProducer(this.#cluster, options, this.#forget))
  }

  transactionalProducer(options: TransactionalProducerOptions): TransactionalProducer {
    return this.#keep(createTransactionalProducer(this.#cluster, options, this.#forget))
  }

  consumer(options: ConsumerOptions): GroupConsumer {
    return this.#keep(createConsumer(this.#cluster, options, this.#forget))
  }

  reader(options: ReaderOptions): TopicReader {
    return this.#keep(createReader(this.#cluster, options, this.#forget))
  }

  recordCounter(topic: string): RecordCounter {
    return this.#keep(createRecordCounter(this.#cluster, topic, this.#forget))
  }

  async close(options?: CloseOptions): Promise<void> {
    await Promise.allSettled([...this.#made].map((made) => made.close(options)))
    await this.#cluster.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #keep<T extends Closable>(made: T): T {
    this.#made.add(made)
    return made
  }

  #forget = (made: Closable): void => {
    this.#made.delete(made)
  }
}

/**
 * Connects to one of the bootstrap servers and reads the cluster's metadata. Rejects UNREACHABLE (retriable), naming the addresses
 * tried; AUTHENTICATION_FAILED; PROTOCOL when something else than a Kafka broker answers.
 */
export async function connectKafka(options: KafkaConnectOptions): Promise<KafkaClient> {
  const { signal } = options
  if (signal?.aborted) throw abortReason(signal)
  const cluster = new Cluster(resolveConnectOptions(options))
  const onAbort = (): void => void cluster.close()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await cluster.refresh([])
    return new MillraceKafkaClient(cluster)
  } catch (error) {
    await cluster.close()
    throw signal?.aborted ? abortReason(signal) : asMillraceError(error)
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}
