import { randomUUID } from 'node:crypto'
import { errorCodes } from '../../kafka-wire/index.ts'
import { asMillraceError, type Logger } from '../../platform/index.ts'
import type { LogDirectory } from '../log/log-directory.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { BrokerConfig, DynamicSettings } from './broker-configs.ts'
import type { Catalogue, TopicEntry } from './catalogue.ts'
import { invalidTopicConfigs, parseTopicConfig } from './topic-configs.ts'

export const offsetsTopic = '__consumer_offsets'
export const transactionsTopic = '__transaction_state'
const internalTopics: ReadonlySet<string> = new Set([offsetsTopic, transactionsTopic])

/** Whether the broker alone makes and writes this topic. */
export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}

export interface Topic {
  readonly name: string
  readonly id: string
  readonly internal: boolean
  /** What was set for this topic, by Kafka's names. */
  configs: Readonly<Record<string, string>>
  /** By partition number. */
  readonly logs: PartitionLog[]
}

export type TopicOutcome = { ok: true; topic: Topic } | { ok: false; errorCode: number; message: string }

/** The topics of this broker: the catalogue on the disk and the open logs. */
export class Topics {
  readonly #catalogue: Catalogue
  readonly #logs: LogDirectory
  readonly #config: BrokerConfig
  readonly #log: Logger
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  readonly #creating = new Map<string, Promise<TopicOutcome>>()
  readonly #deleting = new Map<string, Promise<void>>()
  readonly #growing = new Map<Topic, Promise<TopicOutcome>>()
  #registering: { entries: TopicEntry[]; done: Promise<void> } | null = null
  #revision = 0

  constructor(parts: { catalogue: Catalogue; logs: LogDirectory; config: BrokerConfig; log: Logger }) {
    this.#catalogue = parts.catalogue
    this.#logs = parts.logs
    this.#config = parts.config
    this.#log = parts.log
  }

  /** Opens all logs of the catalogue; finishes deletions that a crash cut short. */
  async open(): Promise<{ topics: number; records: number; cutBytes: number }> {
    this.#config.dynamic = this.#catalogue.settings
    const recovered = { topics: 0, records: 0, cutBytes: 0 }
    const { deleting } = this.#catalogue
    for (const entry of deleting) await this.#removeFolders(entry)
    this.#logs.writePoints()
    this.#catalogue.finishDeleting(deleting)
    for (const entry of this.#catalogue.topics) {
      const topic = this.#add(entry)
      const config = this.#parse(entry.configs)
      const partitions = Array.from({ length: entry.partitions }, (_, partition) => partition)
      for (const { log, cutBytes } of await Promise.all(partitions.map((partition) => this.#logs.open(entry.name, partition, config)))) {
        topic.logs.push(log)
        this.#logs.label(entry.name, log.partition, entry.id)
        recovered.cutBytes += cutBytes
        if (!topic.internal) recovered.records += log.logEndOffset - log.logStartOffset
      }
      if (!topic.internal) recovered.topics++
    }
    this.#logs.writePoints()
    return recovered
  }

  /** Rises whenever a topic comes, goes or grows. */
  get revision(): number {
    return this.#revision
  }

  /** Where all logs lie. */
  get dataDir(): string {
    return this.#logs.dataDir
  }

  /** Deletes the records of logs below an offset each; on the disk when this returns. */
  deleteRecords(deletions: readonly { log: PartitionLog; offset: number }[]): void {
    this.#logs.deleteRecords(deletions)
  }

  #add(entry: TopicEntry): Topic {
    const topic: Topic = { name: entry.name, id: entry.id, internal: isInternalTopic(entry.name), configs: entry.configs, logs: [] }
    this.#revision++
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
    return topic
  }

  #parse(configs: Readonly<Record<string, string>>): ReturnType<typeof parseTopicConfig> {
    return parseTopicConfig(configs, (name) => this.#config.text(name))
  }

  /** All topics, sorted by name. */
  all(): Topic[] {
    return [...this.#byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }
  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }
  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  /** What is wrong with creating such a topic, or null. */
  refuses(name: string, partitions: number, configs: Readonly<Record<string, string>>): { errorCode: number; message: string } | null {
    const wrongName = invalidTopicName(name)
    if (wrongName) return { errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, message: wrongName }
    if (this.#byName.has(name)) return { errorCode: errorCodes.TOPIC_ALREADY_EXISTS, message: `Topic '${name}' already exists.` }
    const twin = [...this.#byName.keys(), ...this.#creating.keys()].find((other) => other !== name && sameMetric(other, name))
    if (twin !== undefined) {
      return { errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, message: `Topic '${name}' collides with existing topics: ${twin}` }
    }
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > 10_000) {
      return { errorCode: errorCodes.INVALID_PARTITIONS, message: `Number of partitions must be 1 to 10000, not ${partitions}.` }
    }
    const wrongConfig = invalidTopicConfigs(configs)
    return wrongConfig ? { errorCode: errorCodes.INVALID_CONFIG, message: wrongConfig } : null
  }

  /** Creates a topic; of callers that ask for one name at the same time the others are told that it exists, once it does. */
  async create(name: string, partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<TopicOutcome> {
    // What the last of this name had goes first: the folders are named alike.
    while (this.#deleting.has(name) || this.#creating.has(name)) await (this.#deleting.get(name) ?? this.#creating.get(name))
    const refused = this.refuses(name, partitions, configs)
    if (refused) return { ok: false, ...refused }
    const creation = this.#create({ name, id: randomUUID(), partitions, configs })
    this.#creating.set(name, creation)
    try {
      return await creation
    } finally {
      this.#creating.delete(name)
    }
  }

  async #create(entry: TopicEntry): Promise<TopicOutcome> {
    try {
      const opened: PartitionLog[] = await this.#makeLogs(entry, 0)
      await this.#register(entry)
      const topic = this.#add(entry)
      topic.logs.push(...opened)
      this.#revision++
      this.#log.info('created topic', { topic: entry.name, partitions: entry.partitions })
      return { ok: true, topic }
    } catch (error) {
      await this.#undoMake(entry, 0)
      return this.#storageFailed(entry.name, error)
    }
  }

  /** What is made in one turn is written down together: on the disk when it resolves. */
  #register(entry: TopicEntry): Promise<void> {
    if (!this.#registering) {
      const entries: TopicEntry[] = []
      const turn = new Promise<void>((resolve) => setImmediate(resolve))
      const write = (): void => {
        this.#registering = null
        this.#catalogue.add(entries)
      }
      this.#registering = { entries, done: turn.then(write) }
    }
    this.#registering.entries.push(entry)
    return this.#registering.done
  }

  async #makeLogs(entry: TopicEntry, from: number): Promise<PartitionLog[]> {
    const opened: PartitionLog[] = []
    for (let partition = from; partition < entry.partitions; partition++) {
      this.#logs.make(entry.name, partition, entry.id)
      opened.push((await this.#logs.open(entry.name, partition, this.#parse(entry.configs))).log)
    }
    return opened
  }

  async #undoMake(entry: TopicEntry, from: number): Promise<void> {
    for (let partition = from; partition < entry.partitions; partition++) {
      await this.#logs
        .remove(entry.name, partition)
        .catch((error: unknown) => this.#log.warn('a folder is left over', { topic: entry.name, partition, error }))
    }
  }

  #storageFailed(topic: string, error: unknown): TopicOutcome {
    const failure = asMillraceError(error)
    this.#log.warn('changing a topic failed', { topic, error: failure })
    return { ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR, message: failure.message }
  }

  /** Makes a topic larger, up to so many partitions in all; one after another, since both would make the same folders. */
  async addPartitions(topic: Topic, partitions: number): Promise<TopicOutcome> {
    while (this.#growing.has(topic)) await this.#growing.get(topic)
    if (partitions <= topic.logs.length) {
      const message = `Topic '${topic.name}' has ${topic.logs.length} partitions, not fewer than ${partitions}.`
      return { ok: false, errorCode: errorCodes.INVALID_PARTITIONS, message }
    }
    const growth = this.#grow(topic, partitions)
    this.#growing.set(topic, growth)
    try {
      return await growth
    } finally {
      this.#growing.delete(topic)
    }
  }

  async #grow(topic: Topic, partitions: number): Promise<TopicOutcome> {
    const from = topic.logs.length
    const entry = { name: topic.name, id: topic.id, partitions, configs: topic.configs }
    try {
      const opened = await this.#makeLogs(entry, from)
      if (this.#byId.get(topic.id) !== topic) {
        await this.#undoMake(entry, from)
        return { ok: false, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, message: `Topic '${topic.name}' was deleted.` }
      }
      this.#catalogue.replace({ ...entry, configs: topic.configs })
      for (const log of opened) log.configure(this.#parse(topic.configs))
      topic.logs.push(...opened)
      this.#revision++
      return { ok: true, topic }
    } catch (error) {
      await this.#undoMake(entry, from)
      return this.#storageFailed(topic.name, error)
    }
  }

  /** Takes over new settings of a topic; they count from the next request on. */
  configure(topic: Topic, configs: Readonly<Record<string, string>>): void {
    this.#catalogue.replace({ name: topic.name, id: topic.id, partitions: topic.logs.length, configs })
    topic.configs = configs
    for (const log of topic.logs) log.configure(this.#parse(configs))
  }

  /** Takes over settings of the broker and of groups; topics that have none of their own follow at once. */
  configureBroker(settings: DynamicSettings): void {
    this.#catalogue.saveSettings(settings)
    this.#config.dynamic = settings
    for (const topic of this.#byName.values()) for (const log of topic.logs) log.configure(this.#parse(topic.configs))
  }

  /**
   * Deletes a topic: gone for clients at once, and from the disk when this resolves. `forget` removes what others keep of it; until all of
   * that is over no topic of the same name is made.
   */
  async delete(topic: Topic, forget: () => Promise<void>): Promise<void> {
    const entry = { name: topic.name, id: topic.id, partitions: topic.logs.length, configs: topic.configs }
    this.#catalogue.startDeleting(entry)
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.id)
    this.#revision++
    const deletion = forget()
      // Its new partitions go with it.
      .then(() => this.#growing.get(topic))
      .then(() => this.#remove(entry))
    this.#deleting.set(
      topic.name,
      deletion.catch(() => {}),
    )
    try {
      await deletion
    } finally {
      this.#deleting.delete(topic.name)
    }
  }

  async #remove(entry: TopicEntry): Promise<void> {
    await this.#removeFolders(entry)
    // The recovery points must be off the disk before a topic of the same name can be made.
    this.#logs.writePoints()
    this.#catalogue.finishDeleting([entry])
    this.#log.info('deleted topic', { topic: entry.name })
  }

  async #removeFolders(entry: TopicEntry): Promise<void> {
    for (let partition = 0; partition < entry.partitions; partition++) await this.#logs.remove(entry.name, partition)
  }
}

/** Kafka takes "." and "_" for the same in the names of its metrics, so it refuses names that differ in them alone. */
function sameMetric(a: string, b: string): boolean {
  return a.length === b.length && a.replaceAll('.', '_') === b.replaceAll('.', '_')
}

/** Kafka's rule for topic names; the text says what is wrong. */
export function invalidTopicName(name: string): string | null {
  if (name === '') return 'the topic name is empty'
  if (name === '.' || name === '..') return `the topic name cannot be "${name}"`
  if (name.length > 249) return 'the topic name is longer than 249 characters'
  return /^[a-zA-Z0-9._-]+$/.test(name) ? null : `the topic name "${name}" has characters other than letters, digits, ".", "_" and "-"`
}
