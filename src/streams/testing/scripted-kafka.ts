import { MillraceError } from '../../platform/index.ts'
import type {
  AssignedPartition,
  GroupMetadata,
  OffsetToCommit,
  OutgoingRecord,
  StreamConsumer,
  StreamConsumerOptions,
  StreamKafka,
  StreamTransactions,
  TopicPartition,
} from '../kafka-ports.ts'
import { partitionKey } from '../kafka-ports.ts'
import { batchOf, stored, type StoredRecord, type TestRecord } from './batches.ts'

type Operation = 'createTopics' | 'poll' | 'send' | 'commit'

/**
 * Kafka in memory, with one consumer group and a script: errors to answer with, partitions to revoke or lose at the next poll.
 * Topics, committed offsets and dead letters outlive the streams that run on it, so a test can crash one and start another.
 */
export class ScriptedKafka {
  readonly partitions = new Map<string, StoredRecord[]>()
  readonly committed = new Map<string, { offset: bigint; leaderEpoch: number; metadata: string }>()
  readonly sent: OutgoingRecord[] = []
  readonly createdTopics: { name: string; configs: Record<string, string> }[] = []
  readonly commits: { partition: string; offset: bigint }[] = []
  /** Of the next transactions without an answer, whether they were committed all the same. */
  readonly commitsInDoubt: boolean[] = []
  /** Errors to answer the next calls with, one each. */
  readonly failures: Record<Operation, MillraceError[]> = { createTopics: [], poll: [], send: [], commit: [] }
  /** Called before and after each operation of consumer and producer; a throw is the operation's answer. */
  onOperation: (operation: Operation, moment: 'before' | 'after') => void = () => {}
  batchSize: () => number = () => 100
  /** Awaited by each poll. */
  latency: () => Promise<void> = async () => {}
  consumersOpened = 0
  /** A generation that is refused was followed by another one of the same members. */
  membersMoveOn = false
  #consumer: ScriptedConsumer | null = null

  produce(topic: string, partition: number, records: readonly TestRecord[]): void {
    const key = partitionKey({ topic, partition })
    const log = this.partitions.get(key) ?? []
    log.push(...records.map(stored))
    this.partitions.set(key, log)
    this.#consumer?.wake()
  }

  /** The group gives these partitions away at the next poll: after asking, or without. */
  take(how: 'revoke' | 'lose', partitions: readonly TopicPartition[]): void {
    this.#consumer?.scriptRebalance(how, partitions)
  }

  /** Gives partitions (back) at the next poll. */
  give(partitions: readonly TopicPartition[]): void {
    this.#consumer?.scriptRebalance('assign', partitions)
  }

  get consumer(): ScriptedConsumer | null {
    return this.#consumer
  }

  client(): StreamKafka {
    return {
      admin: {
        listOffsets: async (partitions) =>
          partitions.map(({ topic, partition }) => ({
            topic,
            partition,
            offset: BigInt(this.partitions.get(partitionKey({ topic, partition }))?.length ?? 0),
          })),
        createTopics: async (topics) => this.operation('createTopics', () => void this.createdTopics.push(...topics)),
      },
      transactionalProducer: () => new ScriptedTransactions(this),
      consumer: (options) => {
        this.consumersOpened++
        this.#consumer = new ScriptedConsumer(this, options)
        return this.#consumer
      },
    }
  }

  operation<T>(operation: Operation, act: () => T): T {
    this.onOperation(operation, 'before')
    const failure = this.failures[operation].shift()
    if (failure) throw failure
    const result = act()
    this.onOperation(operation, 'after')
    return result
  }

  commit(offsets: readonly OffsetToCommit[], deadLetters: readonly OutgoingRecord[]): void {
    this.operation('commit', () => {
      this.sent.push(...deadLetters)
      for (const { topic, partition, offset, leaderEpoch, metadata } of offsets) {
        const key = partitionKey({ topic, partition })
        this.committed.set(key, { offset, leaderEpoch, metadata })
        this.commits.push({ partition: key, offset })
      }
    })
  }

  assigned({ topic, partition }: TopicPartition): AssignedPartition {
    const committed = this.committed.get(partitionKey({ topic, partition })) ?? null
    return { topic, partition, committed, position: committed?.offset ?? 0n }
  }
}

/** Records and offsets of a transaction take effect together, at the commit; a scripted failure spoils it. */
class ScriptedTransactions implements StreamTransactions {
  state: StreamTransactions['state'] = { is: 'new' }
  readonly #kafka: ScriptedKafka
  #records: readonly OutgoingRecord[] = []
  #offsets: readonly OffsetToCommit[] = []

  constructor(kafka: ScriptedKafka) {
    this.#kafka = kafka
  }

  async init(): Promise<void> {
    this.state = { is: 'ready' }
  }

  async begin(): Promise<void> {
    this.#records = []
    this.#offsets = []
    this.state = { is: 'open' }
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    this.#records = records
  }

  async sendOffsets(offsets: readonly OffsetToCommit[]): Promise<void> {
    this.#offsets = offsets
  }

  async commit(): Promise<void> {
    this.state = { is: 'spoiled' }
    this.#kafka.operation('send', () => undefined)
    const isDone = this.#kafka.commitsInDoubt.shift()
    if (isDone !== false) this.#kafka.commit(this.#offsets, this.#records)
    if (isDone !== undefined) {
      this.state = { is: 'in doubt' }
      throw new MillraceError('TIMED_OUT', 'no answer', { details: { outcome: 'unknown' } })
    }
    this.state = { is: 'ready' }
  }

  async abort(): Promise<void> {
    if (this.state.is === 'in doubt') throw new MillraceError('TIMED_OUT', 'no answer')
    this.state = { is: 'ready' }
  }

  async close(): Promise<void> {
    this.state = { is: 'closed' }
  }
}

export class ScriptedConsumer implements StreamConsumer {
  readonly #kafka: ScriptedKafka
  readonly #options: StreamConsumerOptions
  readonly #positions = new Map<string, TopicPartition & { position: bigint; paused: boolean }>()
  #rebalances: { how: 'assign' | 'revoke' | 'lose'; partitions: readonly TopicPartition[] }[] = []
  #waiting: (() => void) | null = null
  isClosed = false

  constructor(kafka: ScriptedKafka, options: StreamConsumerOptions) {
    this.#kafka = kafka
    this.#options = options
    const mine = [...kafka.partitions.keys()].map((key) => ({
      topic: key.slice(0, key.lastIndexOf('/')),
      partition: Number(key.slice(key.lastIndexOf('/') + 1)),
    }))
    this.#rebalances.push({ how: 'assign', partitions: mine.filter(({ topic }) => options.topics.includes(topic)) })
  }

  get groupId(): string {
    return this.#options.groupId
  }

  get assignedCount(): number {
    return this.#positions.size
  }

  get pausedCount(): number {
    return [...this.#positions.values()].filter(({ paused }) => paused).length
  }

  wake(): void {
    this.#waiting?.()
  }

  scriptRebalance(how: 'assign' | 'revoke' | 'lose', partitions: readonly TopicPartition[]): void {
    this.#rebalances.push({ how, partitions })
    this.wake()
  }

  async poll({ signal }: { signal: AbortSignal }) {
    signal.throwIfAborted()
    for (let next = this.#rebalances.shift(); next; next = this.#rebalances.shift()) await this.#rebalance(next)
    await this.#kafka.latency()
    signal.throwIfAborted()
    const ready = this.#fetch()
    if (ready.length > 0) return ready
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, 20)
      this.#waiting = () => {
        clearTimeout(timer)
        resolve()
      }
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    return this.#fetch()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#set(partition, true)
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#set(partition, false)
  }

  async commit(offsets: Parameters<StreamConsumer['commit']>[0]): Promise<void> {
    if (this.isClosed) throw new MillraceError('CLOSED', 'The consumer is closed.')
    this.#kafka.commit(offsets, [])
  }

  positions(): (TopicPartition & { offset: bigint })[] {
    return [...this.#positions.values()].map(({ topic, partition, position }) => ({ topic, partition, offset: position }))
  }

  groupMetadata(): GroupMetadata {
    return { groupId: this.#options.groupId, memberId: 'm', generationId: 1, groupInstanceId: null }
  }

  hasMovedOnFrom(): boolean {
    return this.#kafka.membersMoveOn
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    await this.#options.onRevoked([...this.#positions.values()])
    this.isClosed = true
  }

  #set(partition: TopicPartition, paused: boolean): void {
    const known = this.#positions.get(partitionKey(partition))
    if (known) known.paused = paused
  }

  async #rebalance({ how, partitions }: { how: 'assign' | 'revoke' | 'lose'; partitions: readonly TopicPartition[] }): Promise<void> {
    if (how === 'revoke') await this.#options.onRevoked(partitions)
    if (how === 'lose') this.#options.onLost(partitions)
    if (how !== 'assign') for (const partition of partitions) this.#positions.delete(partitionKey(partition))
    if (how !== 'assign') return
    const assigned = partitions.map((partition) => this.#kafka.assigned(partition))
    for (const { topic, partition, position } of assigned)
      this.#positions.set(partitionKey({ topic, partition }), { topic, partition, position, paused: false })
    this.#options.onAssigned(assigned)
  }

  #fetch() {
    return this.#kafka.operation('poll', () => {
      const batches = []
      for (const place of this.#positions.values()) {
        const log = this.#kafka.partitions.get(partitionKey(place)) ?? []
        const from = Number(place.position)
        const records = place.paused ? [] : log.slice(from, from + this.#kafka.batchSize())
        if (records.length === 0) continue
        batches.push(batchOf(records, { ...place, firstOffset: place.position, highWatermark: BigInt(log.length) }))
        place.position += BigInt(records.length)
      }
      return batches
    })
  }
}
