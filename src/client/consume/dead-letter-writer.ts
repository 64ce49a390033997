import { deadLetterTopic, topicMaker } from '../../connectors/index.ts'
import { bytesAt, deadLetterHeaders, type Batch, type RecordFailure } from '../../core/index.ts'
import type { OutgoingRecord, Producer } from '../../kafka-client/index.ts'
import { asMillraceError, backoffMs, type Clock } from '../../platform/index.ts'
import type { Systems } from '../systems.ts'

/** Puts records aside that a handler could not handle: as they were, with where they stood and why (P5), before their offset is committed. */
export class DeadLetterWriter {
  readonly #systems: Systems
  readonly #group: string
  readonly #topic: string
  readonly #clock: Clock
  #producer: Promise<Producer> | null = null

  constructor({ systems, group, topic, clock }: { systems: Systems; group: string; topic: string; clock: Clock }) {
    this.#systems = systems
    this.#group = group
    this.#topic = topic
    this.#clock = clock
  }

  /** Made by the project's policy where it is missing: known to be possible before the first record fails. */
  async ensureTopic(): Promise<void> {
    const { admin } = await this.#systems.kafka()
    await topicMaker(admin, this.#systems.where.endpoints.kafka.topics)([deadLetterTopic(this.#topic)])
  }

  /** True once it is acknowledged; tried until then, or until `giveUp`. Rejects with what no waiting cures. */
  async write(batch: Batch, failure: RecordFailure, giveUp: AbortSignal): Promise<boolean> {
    const record = this.#record(batch, failure)
    for (let attempt = 0; !giveUp.aborted; attempt++) {
      try {
        const producer = await this.#open()
        await producer.send([record])
        this.#systems.log.warn(`A record went to ${this.#topic}: ${failure.message}`, { group: this.#group, partition: batch.partition })
        return true
      } catch (error) {
        if (!asMillraceError(error).retriable) throw error
        await this.#clock.sleep(backoffMs(attempt, { initialMs: 100, maxMs: 2_000 }), giveUp).catch(() => undefined)
      }
    }
    return false
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => null)
    await producer?.close()
  }

  #open(): Promise<Producer> {
    this.#producer ??= this.#systems.kafka().then(
      (kafka) => kafka.producer({ acks: 'all', lingerMs: 0 }),
      (error: unknown) => {
        this.#producer = null
        throw error
      },
    )
    return this.#producer
  }

  #record(batch: Batch, failure: RecordFailure): OutgoingRecord {
    const i = failure.record
    const { topic, partition } = batch
    const origin = { topic, partition, offset: batch.offsets[i] ?? -1n, group: this.#group, task: partition, writeMicros: null }
    return {
      topic: this.#topic,
      key: bytesAt(batch, batch.keyAt, i),
      value: bytesAt(batch, batch.valueAt, i),
      headers: [...batch.headers(i), ...deadLetterHeaders(origin, failure)],
      timestampMs: batch.timestampMs[i] ?? -1,
    }
  }
}
