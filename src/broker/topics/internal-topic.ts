import { asMillraceError, type Logger } from '../../platform/index.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { BrokerConfig } from './broker-configs.ts'
import type { Topic, Topics } from './topics.ts'

/** A compacted topic of the broker's own, made when it is first needed. What belongs to one name lies in one partition. */
export class InternalTopic {
  readonly #name: string
  readonly #topics: Topics
  readonly #config: BrokerConfig
  readonly #settings: string
  readonly #log: Logger

  /** @param settings where its broker configs begin, e.g. `offsets.topic`: `….num.partitions`, `….segment.bytes` */
  constructor(name: string, settings: string, parts: { topics: Topics; config: BrokerConfig; log: Logger }) {
    this.#name = name
    this.#settings = settings
    this.#log = parts.log
    this.#topics = parts.topics
    this.#config = parts.config
  }

  /** The topic, made when it is missing; null when that failed. */
  async topic(): Promise<Topic | null> {
    const existing = this.#topics.get(this.#name)
    if (existing) return existing
    await this.#topics.create(this.#name, this.#config.number(`${this.#settings}.num.partitions`), {
      'cleanup.policy': 'compact',
      'segment.bytes': this.#config.text(`${this.#settings}.segment.bytes`) ?? '',
    })
    // Made here, or by another that needed it just then.
    return this.#topics.get(this.#name) ?? null
  }

  /** None while there is no topic. */
  get logs(): readonly PartitionLog[] {
    return this.#topics.get(this.#name)?.logs ?? []
  }

  /** The log that holds what belongs to this name. The topic is made when it is missing; undefined when that failed. */
  async logOf(name: string): Promise<PartitionLog | undefined> {
    const topic = await this.topic()
    return topic?.logs[partitionOf(name, topic.logs.length)]
  }

  /**
   * Appends a batch of what belongs to this name and waits until it is synced (P1), unless told not to; the batch's first offset, or null
   * when that failed. Never rejects: timers write too, and nobody would hear of it.
   */
  async append(name: string, batch: () => Uint8Array, { wait }: { wait: boolean }): Promise<number | null> {
    try {
      const log = await this.logOf(name)
      const appended = log?.appendOwn(batch())
      if (!log || !appended?.ok) return null
      return !wait || (await log.visible(appended.endOffset)) === null ? appended.baseOffset : null
    } catch (error) {
      this.#log.error('a record of the broker itself could not be written', { topic: this.#name, error: asMillraceError(error) })
      return null
    }
  }
}

/** Kafka's choice: Java's `hashCode` of a group's or a transaction's name, made positive, modulo the number of partitions. */
export function partitionOf(name: string, partitions: number): number {
  let hash = 0
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) | 0
  return (hash & 0x7fff_ffff) % partitions
}
