import { type Api, errorCodes, findCoordinator, metadata, type MetadataResponse } from '../kafka-wire/index.ts'
import { abortReason, backoffMs, type Clock, type Logger, messageOf, MillraceError, systemClock } from '../platform/index.ts'
import type { Connection } from './connection.ts'
import { Connections } from './connections.ts'
import { errorCodeOf, isNetworkError, kafkaError, meansStaleMetadata, type NeededRight } from './errors.ts'
import type { ResolvedConnectOptions } from './options.ts'

export interface PartitionLeader {
  nodeId: number
  leaderEpoch: number
}

export interface TopicMetadata {
  name: string
  topicId: string
  /** By partition number; nodeId −1 while there is no leader. */
  leaders: readonly PartitionLeader[]
}

/** Who looks after a group's members and offsets, or after a transactional id. */
export type CoordinatorOf = 'group' | 'transaction'

interface Address {
  host: string
  port: number
}

/** Highest versions of requests whose meaning changes with the version beyond what this client does. */
const METADATA_AT_MOST = 12
const FIND_COORDINATOR_AT_MOST = 4
/** Key types of FindCoordinator. */
const keyTypes = { group: 0, transaction: 1 } as const
const RETRY_BACKOFF = { initialMs: 40, maxMs: 1_000 }
/** What brokers older than topic ids (KIP-516) give. */
export const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000'

/** What the client knows of the cluster — brokers, topics, leaders, coordinators — and the way to them. */
export class Cluster {
  readonly options: ResolvedConnectOptions
  readonly clock: Clock
  readonly log: Logger
  readonly connections: Connections
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #topicErrors = new Map<string, number>()
  readonly #coordinators = new Map<string, number>()
  #brokers = new Map<number, Address>()
  #controllerId = -1
  #refreshing: { topics: ReadonlySet<string>; done: Promise<void> } | null = null
  #purposes = 0

  constructor(options: ResolvedConnectOptions, clock: Clock = systemClock) {
    this.options = options
    this.clock = clock
    this.log = options.log
    this.connections = new Connections(options, clock)
  }

  /** A name for connections that nothing else shares. */
  newPurpose(kind: string): string {
    return `${kind}-${++this.#purposes}`
  }

  topic(name: string): TopicMetadata | null {
    return this.#topics.get(name) ?? null
  }

  leader(topic: string, partition: number): PartitionLeader | null {
    const leader = this.#topics.get(topic)?.leaders[partition]
    return leader && leader.nodeId >= 0 ? leader : null
  }

  /** The error the broker gave for the topic when last asked; NONE when it is known or was never asked for. */
  topicError(name: string): number {
    return this.#topicErrors.get(name) ?? errorCodes.NONE
  }

  async toNode(nodeId: number, purpose: string): Promise<Connection> {
    const address = this.#brokers.get(nodeId)
    if (address) return this.connections.get(purpose, address)
    throw new MillraceError('UNREACHABLE', `Broker ${nodeId} is not in the cluster's metadata.`, { details: { nodeId } })
  }

  /** A connection to any broker: the known ones first, then the bootstrap addresses. Rejects UNREACHABLE naming all that were tried. */
  async toAny(purpose: string): Promise<Connection> {
    const tried = new Map<string, string>()
    for (const address of [...this.#brokers.values(), ...this.options.bootstrapServers]) {
      const name = `${address.host}:${address.port}`
      if (tried.has(name)) continue
      try {
        return await this.connections.get(purpose, address)
      } catch (error) {
        if (!isNetworkError(error)) throw error
        tried.set(name, messageOf(error))
      }
    }
    throw new MillraceError(
      'UNREACHABLE',
      `No Kafka broker can be reached. Tried ${[...tried.keys()].join(', ')}. ${[...tried.values()].join(' ')}`,
      {
        details: { addresses: [...tried.keys()].join(', ') },
      },
    )
  }

  async toController(purpose: string): Promise<Connection> {
    if (!this.#brokers.has(this.#controllerId)) await this.refresh([])
    return this.#brokers.has(this.#controllerId) ? this.toNode(this.#controllerId, purpose) : this.toAny(purpose)
  }

  /** @param id the group's, or the transactional one */
  async toCoordinator(id: string, purpose: string, of: CoordinatorOf = 'group'): Promise<Connection> {
    let nodeId = this.#coordinators.get(`${of} ${id}`)
    if (nodeId === undefined || !this.#brokers.has(nodeId)) {
      nodeId = await this.#findCoordinator(id, of)
      this.#coordinators.set(`${of} ${id}`, nodeId)
    }
    return this.toNode(nodeId, purpose)
  }

  forgetCoordinator(id: string, of: CoordinatorOf = 'group'): void {
    this.#coordinators.delete(`${of} ${id}`)
  }

  /** Asks for brokers and these topics again. A call that a running one covers joins it. */
  refresh(topics: readonly string[]): Promise<void> {
    const running = this.#refreshing
    if (running && topics.every((topic) => running.topics.has(topic))) return running.done
    const wanted = new Set(topics)
    const done = (async () => {
      if (running) await running.done.catch(() => undefined)
      this.#learn(await this.metadata([...wanted]))
    })().finally(() => {
      if (this.#refreshing?.done === done) this.#refreshing = null
    })
    this.#refreshing = { topics: wanted, done }
    return done
  }

  /** One Metadata request; null means all topics, an empty list none. Never creates a topic. */
  async metadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    const connection = await this.toAny('admin')
    const version = connection.version(metadata, METADATA_AT_MOST)
    const body = {
      topics: topics && topics.map((name) => ({ topicId: NO_TOPIC_ID, name })),
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
    }
    return connection.request(metadata, version, body, this.options.answerTimeoutMs)
  }

  /** The topic's metadata, asked for until it is there. Rejects KAFKA_RETRIABLE UNKNOWN_TOPIC_OR_PARTITION after `withinMs`. */
  async waitForTopic(name: string, withinMs: number, signal?: AbortSignal): Promise<TopicMetadata> {
    return this.retrying(
      async () => {
        const known = this.#topics.get(name)
        if (known) return known
        await this.refresh([name])
        const found = this.#topics.get(name)
        if (found) return found
        const errorCode = this.topicError(name) || errorCodes.UNKNOWN_TOPIC_OR_PARTITION
        const needs = { operation: 'Describe', on: 'topic', name } as const
        throw kafkaError(errorCode, `Topic "${name}"`, { details: { topic: name }, needs })
      },
      { withinMs, ...(signal ? { signal } : {}) },
    )
  }

  /** Repeats `action` while it rejects with a retriable error, with back-off, for as long as `withinMs`. */
  async retrying<T>(action: () => Promise<T>, options: { withinMs?: number; signal?: AbortSignal } = {}): Promise<T> {
    const { withinMs = this.options.requestTimeoutMs, signal } = options
    const deadlineMs = this.clock.monotonicMs() + withinMs
    for (let attempt = 0; ; attempt++) {
      if (signal?.aborted) throw abortReason(signal)
      try {
        return await action()
      } catch (error) {
        const waitMs = backoffMs(attempt, RETRY_BACKOFF)
        const isRetriable = error instanceof MillraceError && error.retriable
        if (!isRetriable || this.clock.monotonicMs() + waitMs > deadlineMs) throw error
        const errorCode = errorCodeOf(error)
        if (errorCode !== null && meansStaleMetadata(errorCode)) this.#controllerId = -1
        this.log.debug('trying again', { reason: error.message, attempt })
        await this.clock.sleep(waitMs, signal)
      }
    }
  }

  /** Sends one request to a connection chosen by `to`, in the highest version that both sides and `atMost` know. */
  async ask<Req, Res, SparseReq, SparseRes>(
    to: Promise<Connection>,
    api: Api<Req, Res, SparseReq, SparseRes>,
    atMost: number,
    body: (version: number) => NoInfer<SparseReq>,
    timeoutMs?: number,
  ): Promise<Res> {
    const connection = await to
    const version = connection.version(api, atMost)
    return connection.request(api, version, body(version), timeoutMs)
  }

  close(): Promise<void> {
    return this.connections.close()
  }

  #learn(answer: MetadataResponse): void {
    if (answer.brokers.length > 0) this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    this.#controllerId = answer.controllerId
    for (const topic of answer.topics) {
      if (topic.name === null) continue
      this.#topicErrors.set(topic.name, topic.errorCode)
      if (topic.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) this.#topics.delete(topic.name)
      if (topic.errorCode !== errorCodes.NONE) continue
      const leaders: PartitionLeader[] = []
      for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) leaders[partitionIndex] = { nodeId: leaderId, leaderEpoch }
      this.#topics.set(topic.name, { name: topic.name, topicId: topic.topicId, leaders })
    }
  }

  async #findCoordinator(id: string, of: CoordinatorOf): Promise<number> {
    const keyType = keyTypes[of]
    const answer = await this.ask(
      this.toAny('admin'),
      findCoordinator,
      FIND_COORDINATOR_AT_MOST,
      (version) => (version >= 4 ? { keyType, coordinatorKeys: [id] } : { keyType, key: id }),
      this.options.answerTimeoutMs,
    )
    const found = answer.coordinators[0] ?? answer
    if (found.errorCode !== errorCodes.NONE) {
      const what = of === 'group' ? `group "${id}"` : `transactional id "${id}"`
      const needs: NeededRight =
        of === 'group' ? { operation: 'Read', on: 'group', name: id } : { operation: 'Write', on: 'transactional-id', name: id }
      throw kafkaError(found.errorCode, `The coordinator of ${what}`, { message: found.errorMessage ?? null, needs })
    }
    if (!this.#brokers.has(found.nodeId)) this.#brokers.set(found.nodeId, { host: found.host, port: found.port })
    return found.nodeId
  }
}
