import { refusableRequests, startBroker, type InterceptedRequest, type KafkaErrorName } from '../broker/index.ts'
import { bytesAt, type Batch } from '../core/index.ts'
import type { KafkaClient } from '../kafka-client/index.ts'
import { MillraceError, Releasers } from '../platform/index.ts'
import { Failures, fateOf, kitClientId, type ConnectionFailure, type Times } from './failures.ts'
import { TestServer } from './test-server.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface StartKafkaOptions {
  /** Topics that are there from the start. */
  topics?: readonly TestTopic[]
  /** Whether a client's asking for a topic makes it, as a Kafka in development does. Default true. */
  autoCreateTopics?: boolean
  /** Partitions of topics made without saying how many. Default 1. */
  defaultPartitions?: number
  /** Broker settings by Kafka's names, e.g. `{ 'group.min.session.timeout.ms': '100' }`. */
  config?: Readonly<Record<string, string>>
}

export interface TestTopic {
  name: string
  /** Default: that of `defaultPartitions`. */
  partitions?: number
  configs?: Readonly<Record<string, string>>
}

/** A record as it lies in a topic; what is UTF-8 reads as text. */
export interface TestKafkaRecord {
  partition: number
  offset: bigint
  timestampMs: number
  key: string | null
  /** The bytes, as they are. */
  value: Uint8Array | null
  /** The value as text. */
  text: string | null
  headers: Record<string, string | null>
}

export interface ProducedRecord {
  key?: string | Uint8Array | null
  /** Text and bytes as they are, null a tombstone; anything else as JSON. */
  value: unknown
  headers?: Readonly<Record<string, string>>
  timestampMs?: number
  partition?: number
}

/** What is to become of the next request of a kind. `topic`: of the next that names it. */
export type KafkaFailure = Times & { topic?: string } & ({ error: KafkaErrorName } | ConnectionFailure)

/** A Kafka of its own for one test. */
export interface TestKafka extends AsyncDisposable {
  /** `127.0.0.1:port`, for any Kafka client. */
  readonly bootstrapServers: string
  /** All records of a topic that readers see (committed ones), by partition and offset; none when there is no such topic. */
  records(topic: string): Promise<TestKafkaRecord[]>
  /** Resolves when they are acknowledged. */
  produce(topic: string, records: readonly ProducedRecord[]): Promise<void>
  /** @throws MillraceError KAFKA for a name or a setting that is none; a topic that is there stays as it is */
  createTopic(topic: string | TestTopic): Promise<void>
  /**
   * The next request of that name, whoever's, meets this failure in place of its answer: an error of Kafka's, the end of its
   * connection, or its own answer later. This object's own requests (`records`, `produce`, `createTopic`) never do.
   * @param request Kafka's name: `Produce`, `Fetch`, `Metadata`, `JoinGroup`, …
   * @throws MillraceError BAD_REQUEST for an error where the request's answer has no place for one
   */
  failNext(request: string, failure: KafkaFailure): void
  /** Failures that have not come yet. */
  readonly failuresLeft: number
  /** Forgets them. */
  clearFailures(): void
  close(): Promise<void>
}

/**
 * Starts a Kafka broker in this process, on a free port of 127.0.0.1 and a temporary folder that goes with it. Any number
 * stand beside each other. Written data is not synced to the disk: it is gone after the test anyway.
 */
export async function startKafka(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const { topics = [], autoCreateTopics = true, defaultPartitions = 1, config = {} } = options
  const failures = new Failures<InterceptedRequest, KafkaErrorName>()
  const releasers = new Releasers()
  try {
    const broker = await startBroker({
      dataDir: await temporaryFolder(releasers, 'kafka'),
      listeners: [{ host: '127.0.0.1', port: 0 }],
      flush: 'os',
      autoCreateTopics,
      defaultPartitions,
      config: { ...config },
      intercept: (request) => (request.clientId === kitClientId ? null : failures.take(request)),
    })
    releasers.add('broker', () => broker.close())
    const kafka = new RunningKafka(broker.address, { defaultPartitions, failures, releasers })
    for (const topic of topics) await kafka.createTopic(topic)
    return kafka
  } catch (error) {
    await releasers.close()
    throw error
  }
}

interface RunningOptions {
  readonly defaultPartitions: number
  readonly failures: Failures<InterceptedRequest, KafkaErrorName>
  readonly releasers: Releasers
}

class RunningKafka extends TestServer<InterceptedRequest, KafkaErrorName> implements TestKafka {
  readonly bootstrapServers: string
  readonly #options: RunningOptions
  /** Connected when it is first needed: many tests bring a client of their own. */
  #client: Promise<KafkaClient> | null = null

  constructor(bootstrapServers: string, options: RunningOptions) {
    super(options)
    this.bootstrapServers = bootstrapServers
    this.#options = options
  }

  async records(topic: string): Promise<TestKafkaRecord[]> {
    const client = await this.#connected()
    const { topics } = await client.admin.metadata()
    if (!topics.some(({ name }) => name === topic)) return []
    const reader = client.reader({ topic, from: 'earliest', isolationLevel: 'read_committed', maxWaitMs: 20 })
    const found: TestKafkaRecord[] = []
    try {
      do for (const batch of await reader.poll()) found.push(...recordsOf(batch))
      while (!reader.atEnd())
    } finally {
      await reader.close()
    }
    return found.toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
  }

  async produce(topic: string, records: readonly ProducedRecord[]): Promise<void> {
    const client = await this.#connected()
    await this.#make(client, { name: topic })
    const producer = client.producer({ lingerMs: 0, compression: 'none' })
    try {
      await producer.send(records.map((record) => outgoing(topic, record)))
    } finally {
      await producer.close()
    }
  }

  async createTopic(topic: string | TestTopic): Promise<void> {
    await this.#make(await this.#connected(), typeof topic === 'string' ? { name: topic } : topic)
  }

  failNext(request: string, { times, topic, ...failure }: KafkaFailure): void {
    const fate = fateOf(failure, ({ error }: { error: KafkaErrorName }) => error)
    if (fate.is === 'error' && !refusableRequests.has(request)) {
      const names = [...refusableRequests].toSorted().join(', ')
      throw new MillraceError(
        'BAD_REQUEST',
        `${request} cannot be answered with an error of choice: use disconnect or delayMs, or one of ${names}.`,
      )
    }
    this.failures.add(({ api, topics }) => api === request && (topic === undefined || topics.includes(topic)), fate, times)
  }

  async #make(client: KafkaClient, { name, partitions = this.#options.defaultPartitions, configs = {} }: TestTopic): Promise<void> {
    await client.admin.createTopics([{ name, partitions, configs: { ...configs } }])
  }

  #connected(): Promise<KafkaClient> {
    this.#client ??= this.#connect()
    return this.#client
  }

  async #connect(): Promise<KafkaClient> {
    const { connectKafka } = await import('../kafka-client/index.ts')
    const client = await connectKafka({ bootstrapServers: [this.bootstrapServers], clientId: kitClientId })
    this.releasers.add('client', () => client.close())
    return client
  }
}

function outgoing(topic: string, { key = null, value, headers = {}, timestampMs, partition }: ProducedRecord) {
  const isPlain = value === null || typeof value === 'string' || value instanceof Uint8Array
  return {
    topic,
    key,
    value: isPlain ? value : JSON.stringify(value),
    headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
    ...(timestampMs === undefined ? {} : { timestampMs }),
    ...(partition === undefined ? {} : { partition }),
  }
}

function recordsOf(batch: Batch): TestKafkaRecord[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const key = bytesAt(batch, batch.keyAt, i)
    // A view ends with its batch.
    const value = bytesAt(batch, batch.valueAt, i)?.slice() ?? null
    return {
      partition: batch.partition,
      offset: batch.offsets[i] ?? -1n,
      timestampMs: batch.timestampMs[i] ?? -1,
      key: textOf(key),
      value,
      text: textOf(value),
      headers: Object.fromEntries(batch.headers(i).map((header) => [header.key, textOf(header.value)])),
    }
  })
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString()
}
