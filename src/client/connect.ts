import { randomUUID } from 'node:crypto'
import type { CassandraTable, Topic } from '../authoring/index.ts'
import { durationMs, type Duration } from '../core/index.ts'
import type { Acknowledged, Producer } from '../kafka-client/index.ts'
import { settledWithin, silentLogger, systemClock, type Logger } from '../platform/index.ts'
import { RunningConsumption, type Consumption } from './consume/consumption.ts'
import { resolveConsumeOptions, type ConsumeOptions, type Handler } from './consume/options.ts'
import { Systems } from './systems.ts'
import { TableRows, type AllOptions, type GetOptions, type KeyOf } from './table-rows.ts'
import { TopicRecords, type ProduceOptions } from './topic-records.ts'
import { listOf, oneOrAll, Transactions, type Transaction } from './transactions.ts'
import { findSystems, type SystemOptions } from './whereabouts.ts'

export interface ConnectOptions extends SystemOptions {
  /**
   * Names this process among the copies of a service, the same after a restart: transactions that its last run left open end at once then,
   * not by their time-out. Default: a name of its own.
   */
  instance?: string
  /** From a call of `produce` to its acknowledgement, retries included; past it the call rejects with TIMED_OUT. Default 120s. */
  deliveryTimeout?: Duration
  /** Named in the logs and quotas of brokers. Default `millrace.client`. */
  clientId?: string
  /** Told of waiting, retries and dead letters. Default: nobody is. */
  log?: Logger
}

export interface CloseOptions {
  /** How long what was produced may still take. Default 5,000, behind the consumers, which have their own `drainTimeout`. */
  timeoutMs?: number
}

/**
 * Topics and tables of pipelines, for a service of one's own: values and rows by the types of their definitions. Connections are opened when
 * they are first needed and come back by themselves.
 */
export interface Millrace extends AsyncDisposable {
  /**
   * Writes a value, or several in their order, to a topic as its pipelines do: judged by the schema, keyed by the key fields, in the topic's
   * format. Resolves when all in-sync replicas have it, written once however often it was sent again (KIP-98). Rejects RECORD_INVALID with
   * every problem (`RecordInvalidError`); NOT_FOUND; SCHEMA_INCOMPATIBLE; UNREACHABLE, TIMED_OUT and other retriable errors: whether it was
   * written is unknown then.
   */
  produce<In>(topic: Topic<In, unknown>, values: readonly NoInfer<In>[], options?: ProduceOptions): Promise<Acknowledged[]>
  produce<In>(topic: Topic<In, unknown>, value: NoInfer<In>, options?: ProduceOptions): Promise<Acknowledged>
  /**
   * What the function produces is committed as a whole once it has returned, or not at all: it threw, or something of it could not be
   * written. Readers of committed records see it a moment later: Kafka answers before it has told each partition. Resolves to what it
   * returns. TIMED_OUT with details.outcome `unknown` when nobody tells whether it was committed.
   */
  transaction<T>(work: (tx: Transaction) => T | Promise<T>): Promise<T>
  /** Hands a topic's records to a handler, at least once each, from now until it is closed. @throws MillraceError BAD_REQUEST naming the option */
  consume<Out>(topic: Topic<never, Out>, options: ConsumeOptions, handler: Handler<NoInfer<Out>>): Consumption
  /** A row by its whole primary key; null: there is none. Rejects CQL, CQL_RETRIABLE, UNREACHABLE; RECORD_INVALID for a row that the schema does not allow. */
  get<Row, P extends string, C extends string>(
    table: CassandraTable<Row, P, C>,
    key: KeyOf<NoInfer<Row>, NoInfer<P | C>>,
    options?: GetOptions,
  ): Promise<Row | null>
  /** The rows of a partition in the order of their clustering keys. Rejects as `get` does. */
  all<Row, P extends string, C extends string>(
    table: CassandraTable<Row, P, C>,
    partitionKey: KeyOf<NoInfer<Row>, NoInfer<P>>,
    options?: AllOptions,
  ): Promise<Row[]>
  /** Resolves when all that was produced before is acknowledged or has failed, and transactions have ended. */
  flush(): Promise<void>
  /** Ends consumers in order, flushes, and closes all connections. May be called twice. */
  close(options?: CloseOptions): Promise<void>
}

/**
 * Finds the systems: as the options say, else the environment (the variables of docs/configuration.md), else the Millrace that runs here, else
 * on the usual ports of this machine. @throws MillraceError CONFIG_INVALID naming the option or variable
 */
export async function connect(options: ConnectOptions = {}): Promise<Millrace> {
  const { instance = randomUUID(), clientId = 'millrace.client', deliveryTimeout = '120s', log = silentLogger } = options
  const deliveryTimeoutMs = durationMs(deliveryTimeout, 'connect(…): deliveryTimeout')
  const where = await findSystems(options, process.env, log)
  return new ConnectedMillrace(new Systems({ where, clientId, log }), { instance, deliveryTimeoutMs })
}

class ConnectedMillrace implements Millrace {
  readonly #systems: Systems
  readonly #deliveryTimeoutMs: number
  readonly #records: TopicRecords
  readonly #transactions: Transactions
  readonly #rows: TableRows
  readonly #consumptions = new Set<Consumption>()
  readonly #writing = new Set<Promise<unknown>>()
  #producer: Promise<Producer> | null = null

  constructor(systems: Systems, { instance, deliveryTimeoutMs }: { instance: string; deliveryTimeoutMs: number }) {
    this.#systems = systems
    this.#deliveryTimeoutMs = deliveryTimeoutMs
    this.#records = new TopicRecords(systems)
    this.#transactions = new Transactions(systems, this.#records, instance)
    this.#rows = new TableRows(systems)
  }

  produce<In>(topic: Topic<In, unknown>, values: readonly NoInfer<In>[], options?: ProduceOptions): Promise<Acknowledged[]>
  produce<In>(topic: Topic<In, unknown>, value: NoInfer<In>, options?: ProduceOptions): Promise<Acknowledged>
  async produce<In>(
    topic: Topic<In, unknown>,
    given: In | readonly In[],
    options?: ProduceOptions,
  ): Promise<Acknowledged | Acknowledged[]> {
    return oneOrAll(given, await this.#waitedFor(this.#produce(topic, listOf(given), options)))
  }

  transaction<T>(work: (tx: Transaction) => T | Promise<T>): Promise<T> {
    return this.#waitedFor(this.#transactions.run(work))
  }

  consume<Out>(topic: Topic<never, Out>, options: ConsumeOptions, handler: Handler<NoInfer<Out>>): Consumption {
    const resolved = resolveConsumeOptions(topic.name, options)
    this.#systems.closing.throwIfAborted()
    const consumption: Consumption = new RunningConsumption({
      systems: this.#systems,
      topic,
      options: resolved,
      // What the topic's schema has judged is what its type says.
      handler: (value, ctx) => handler(value as Out, ctx),
      clock: systemClock,
      onEnded: () => this.#consumptions.delete(consumption),
    })
    this.#consumptions.add(consumption)
    return consumption
  }

  get<Row, P extends string, C extends string>(
    table: CassandraTable<Row, P, C>,
    key: KeyOf<NoInfer<Row>, NoInfer<P | C>>,
    options: GetOptions = {},
  ): Promise<Row | null> {
    return this.#rows.get(table, key, options)
  }

  all<Row, P extends string, C extends string>(
    table: CassandraTable<Row, P, C>,
    partitionKey: KeyOf<NoInfer<Row>, NoInfer<P>>,
    options: AllOptions = {},
  ): Promise<Row[]> {
    return this.#rows.all(table, partitionKey, options)
  }

  async flush(): Promise<void> {
    const all = Promise.allSettled(this.#writing)
    const producer = await this.#producer?.catch(() => null)
    await producer?.flush()
    await all
  }

  async close({ timeoutMs = 5_000 }: CloseOptions = {}): Promise<void> {
    await Promise.all([...this.#consumptions].map((consumption) => consumption.close()))
    const deadlineMs = systemClock.monotonicMs() + timeoutMs
    const leftMs = (): number => Math.max(0, deadlineMs - systemClock.monotonicMs())
    await settledWithin(this.flush(), leftMs(), systemClock)
    await this.#systems.close(leftMs())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** By `flush` and `close`. */
  async #waitedFor<T>(writing: Promise<T>): Promise<T> {
    this.#writing.add(writing)
    try {
      return await writing
    } finally {
      this.#writing.delete(writing)
    }
  }

  async #produce<In>(topic: Topic<In, unknown>, values: readonly In[], options?: ProduceOptions): Promise<Acknowledged[]> {
    const records = await this.#records.of(topic, values, options)
    const producer = await this.#openProducer()
    return producer.send(records)
  }

  #openProducer(): Promise<Producer> {
    this.#producer ??= this.#systems.kafka().then(
      (kafka) => kafka.producer({ acks: 'all', deliveryTimeoutMs: this.#deliveryTimeoutMs }),
      (error: unknown) => {
        this.#producer = null
        throw error
      },
    )
    return this.#producer
  }
}
