import type { Batch, KafkaClient, Producer, TopicReader } from '../kafka-client/index.ts'
import { abortReason, asMillraceError, backoffMs, type Clock, type Logger, messageOf, MillraceError } from '../platform/index.ts'
import { RegistryState } from './registry-state.ts'
import { decodeRecord, encodeRecord, type SchemaRecord } from './schema-records.ts'

const TOPIC = '_schemas'
const POLL_MS = 500
/** What is stored is read back at once, unless Kafka goes away in between. */
const READ_BACK_MS = 30_000

/** The topic `_schemas`, and the state that its records add up to. What is appended counts once it was read back. */
export class SchemaLog {
  readonly state = new RegistryState()
  readonly #kafka: KafkaClient
  readonly #producer: Producer
  readonly #reader: TopicReader
  readonly #clock: Clock
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #readUpTo = 0n
  /** A record may have been written although its `append` failed. */
  #isUncertain = false
  #waiting: { offset: bigint; applied: () => void; failed: (error: Error) => void }[] = []
  #following: Promise<void> = Promise.resolve()

  private constructor(kafka: KafkaClient, clock: Clock, log: Logger) {
    this.#kafka = kafka
    this.#clock = clock
    this.#log = log
    this.#producer = kafka.producer({ lingerMs: 0, compression: 'none' })
    this.#reader = kafka.reader({ topic: TOPIC, from: 'earliest', maxWaitMs: POLL_MS })
  }

  /** Makes the topic if need be and reads it to its end. Rejects BAD_REQUEST when it is not fit to hold schemas. */
  static async open(kafka: KafkaClient, { clock, log, signal }: { clock: Clock; log: Logger; signal?: AbortSignal }): Promise<SchemaLog> {
    await kafka.admin.createTopics([{ name: TOPIC, partitions: 1, configs: { 'cleanup.policy': 'compact' } }])
    await checkTopic(kafka)
    const schemas = new SchemaLog(kafka, clock, log)
    try {
      // A fetch from an empty topic waits for what may come: POLL_MS at every first start.
      const hasRecords = (await schemas.#lastOffset()) >= 0n
      if (hasRecords) while (!schemas.#reader.atEnd()) schemas.#apply(await schemas.#reader.poll(signal ? { signal } : {}))
    } catch (error) {
      await schemas.close()
      throw error
    }
    schemas.#following = schemas.#follow()
    return schemas
  }

  /** Resolves when the records are on disk and part of the state. Whether they are written is not known when it rejects. */
  async append(records: readonly SchemaRecord[]): Promise<void> {
    try {
      const acknowledged = await this.#producer.send(records.map((record) => ({ topic: TOPIC, partition: 0, ...encodeRecord(record) })))
      const offset = acknowledged.at(-1)?.offset ?? -1n
      await this.#untilRead(offset >= 0n ? offset : await this.#lastOffset())
    } catch (error) {
      this.#isUncertain = true
      throw error
    }
  }

  /** Resolves when the state holds what failed appends may have written: an id decided on before would be given twice. */
  async caughtUp(): Promise<void> {
    if (!this.#isUncertain) return
    await this.#untilRead(await this.#lastOffset())
    this.#isUncertain = false
  }

  async #untilRead(offset: bigint): Promise<void> {
    if (offset < this.#readUpTo) return
    const read = Promise.withResolvers<void>()
    const waiter = { offset, applied: read.resolve, failed: read.reject }
    this.#waiting.push(waiter)
    const cancel = this.#clock.after(READ_BACK_MS, () => {
      this.#waiting = this.#waiting.filter((each) => each !== waiter)
      read.reject(new MillraceError('TIMED_OUT', `The topic ${TOPIC} could not be read within ${READ_BACK_MS} ms; try again.`))
    })
    await read.promise.finally(cancel)
  }

  /** Of the whole topic: where a retry was recognised, the broker does not say where the record lies. */
  async #lastOffset(): Promise<bigint> {
    const [end] = await this.#kafka.admin.listOffsets([{ topic: TOPIC, partition: 0 }], 'latest')
    return (end?.offset ?? 0n) - 1n
  }

  async close(): Promise<void> {
    this.#stopping.abort(new MillraceError('CLOSED', 'The registry is closed.'))
    await this.#following
    await Promise.all([this.#reader.close(), this.#producer.close({ timeoutMs: 1_000 })])
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted;) {
      try {
        this.#apply(await this.#reader.poll({ signal }))
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        const failure = asMillraceError(error)
        this.#log.warn(`the topic ${TOPIC} cannot be read: ${messageOf(failure)}`)
        await this.#clock.sleep(backoffMs(failures++, { initialMs: 100, maxMs: 5_000 }), signal).catch(() => undefined)
      }
    }
    for (const { failed } of this.#waiting.splice(0)) failed(abortReason(signal))
  }

  #apply(batches: readonly Batch[]): void {
    for (const batch of batches) {
      for (let at = 0; at < batch.count; at++) {
        const record = decodeRecord(slice(batch, batch.keyAt, at), slice(batch, batch.valueAt, at))
        if (record) this.state.apply(record)
        this.#readUpTo = (batch.offsets[at] ?? -1n) + 1n
      }
    }
    const applied = this.#waiting.filter(({ offset }) => offset < this.#readUpTo)
    this.#waiting = this.#waiting.filter(({ offset }) => offset >= this.#readUpTo)
    for (const each of applied) each.applied()
  }
}

function slice({ bytes }: Batch, pairs: Int32Array, at: number): Uint8Array | null {
  const [start = -1, end = -1] = [pairs[2 * at], pairs[2 * at + 1]]
  return start < 0 ? null : bytes.subarray(start, end)
}

/** In several partitions records have no order; without compaction schemas would be deleted with age. */
async function checkTopic(kafka: KafkaClient): Promise<void> {
  const [topic] = (await kafka.admin.metadata([TOPIC])).topics
  const policy = (await kafka.admin.describeConfigs(TOPIC))['cleanup.policy']?.value ?? ''
  if (topic?.partitions.length !== 1)
    throw new MillraceError(
      'BAD_REQUEST',
      `The topic ${TOPIC} has ${topic?.partitions.length ?? 0} partitions; a schema registry needs one. Move it away.`,
    )
  if (policy !== 'compact')
    throw new MillraceError('BAD_REQUEST', `The topic ${TOPIC} has cleanup.policy=${policy}, which deletes schemas; set it to compact.`)
}
