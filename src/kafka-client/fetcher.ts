import { errorCodes, fetch, type FetchResponse, offsetForLeaderEpoch } from '../kafka-wire/index.ts'
import { asMillraceError, backoffMs, messageOf, MillraceError } from '../platform/index.ts'
import type { Batch } from './batch.ts'
import { type Cluster, NO_TOPIC_ID } from './cluster.ts'
import { decodeFetched } from './decode-records.ts'
import { kafkaError } from './errors.ts'
import { FetchSession, isSessionError } from './fetch-session.ts'
import { type Buffered, type FetchPartition, outOfRange } from './fetch-partition.ts'
import { findOffsets } from './list-offsets.ts'
import { type IsolationLevel, isolationLevels, type TopicPartition } from './options.ts'

export interface FetchLimits {
  maxBytes: number
  maxWaitMs: number
  minBytes: number
  isolationLevel: IsolationLevel
}

type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number]

interface Asked {
  offset: bigint
  leaderEpoch: number
}

const FETCH_AT_MOST = 17
const FETCH_BY_NAME_AT_MOST = 12
const OFFSET_FOR_LEADER_EPOCH_AT_MOST = 4
const BACKOFF = { initialMs: 50, maxMs: 1_000 }

/**
 * Reads partitions from their leaders: one long-polling fetch a broker, the next one sent as soon as the caller has taken the
 * last answer, so that at most one answer a broker waits in memory while the caller works.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #limits: FetchLimits
  readonly #purpose: string
  readonly #partitions = new Map<string, FetchPartition>()
  readonly #busyNodes = new Set<number>()
  readonly #sessions = new Map<number, FetchSession>()
  /** Positions that the broker is being asked about; not fetched meanwhile. */
  readonly #doubted = new Map<FetchPartition, bigint>()
  readonly #waiters = new Set<() => void>()
  #cancelTimer: (() => void) | null = null
  #timerAtMs = 0
  #isClosed = false

  constructor(cluster: Cluster, limits: FetchLimits) {
    this.#cluster = cluster
    this.#limits = limits
    this.#purpose = cluster.newPurpose('fetch')
  }

  get partitions(): FetchPartition[] {
    return [...this.#partitions.values()]
  }

  get({ topic, partition }: TopicPartition): FetchPartition | null {
    return this.#partitions.get(`${topic}-${partition}`) ?? null
  }

  add(partitions: readonly FetchPartition[]): void {
    for (const state of partitions) this.#partitions.set(`${state.topic}-${state.partition}`, state)
    this.pump()
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#partitions.delete(`${topic}-${partition}`)
  }

  /** Goes on at `offset`; forgets a failure and what was fetched ahead. */
  seek(state: FetchPartition, offset: bigint): void {
    state.position = offset
    state.positionEpoch = -1
    state.buffered = null
    state.failure = null
    this.pump()
  }

  /** What has been fetched of the partitions that are not paused. Throws the failure of one of them. */
  take(): Batch[] {
    const active = this.partitions.filter(({ paused }) => !paused)
    // Before anything is taken: what was decoded in the same call would be lost to the caller.
    const failed = active.find(({ failure }) => failure)
    if (failed?.failure) throw failed.failure
    const batches = active.flatMap((state) => (state.buffered ? this.#decode(state, state.buffered) : []))
    this.pump()
    return batches
  }

  /** Resolves when there may be something to take, when woken, or after `maxMs`. */
  async wait(maxMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed || signal?.aborted) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel()
        this.#waiters.delete(done)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#cluster.clock.after(maxMs, done)
      this.#waiters.add(done)
      signal?.addEventListener('abort', done, { once: true })
    })
  }

  wake(): void {
    for (const done of this.#waiters) done()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#partitions.clear()
    this.#cluster.connections.release(this.#purpose)
    this.wake()
  }

  /** Sends a fetch to every leader that has none running and nothing left to take. */
  pump(): void {
    if (this.#isClosed) return
    const nowMs = this.#cluster.clock.monotonicMs()
    const byNode = new Map<number, FetchPartition[]>()
    const fullNodes = new Set<number>()
    let nextAtMs = Infinity
    for (const state of this.#partitions.values()) {
      if (state.paused || state.failure || this.#doubted.get(state) === state.position) continue
      if (state.retryAtMs > nowMs) {
        nextAtMs = Math.min(nextAtMs, state.retryAtMs)
        continue
      }
      const leader = this.#cluster.leader(state.topic, state.partition)
      if (!leader) this.#retryLater(state, true)
      else if (state.buffered) fullNodes.add(leader.nodeId)
      else if (this.#isValidated(state, leader.leaderEpoch)) this.#push(byNode, leader.nodeId, state)
      else void this.#validate(state, leader.nodeId, leader.leaderEpoch)
    }
    for (const [nodeId, states] of byNode) {
      if (!this.#busyNodes.has(nodeId) && !fullNodes.has(nodeId)) void this.#fetch(nodeId, states)
    }
    if (nextAtMs < Infinity) this.#pumpAfter(nextAtMs - nowMs)
  }

  #push(byNode: Map<number, FetchPartition[]>, nodeId: number, state: FetchPartition): void {
    const states = byNode.get(nodeId)
    if (states) states.push(state)
    else byNode.set(nodeId, [state])
  }

  #pumpAfter(delayMs: number): void {
    const atMs = this.#cluster.clock.monotonicMs() + delayMs
    if (this.#cancelTimer && this.#timerAtMs <= atMs) return
    this.#cancelTimer?.()
    this.#timerAtMs = atMs
    this.#cancelTimer = this.#cluster.clock.after(Math.max(1, Math.ceil(delayMs)), () => {
      this.#cancelTimer = null
      this.pump()
    })
  }

  #isValidated(state: FetchPartition, leaderEpoch: number): boolean {
    if (state.positionEpoch < 0 || leaderEpoch < 0) return true
    return state.validatedEpoch >= leaderEpoch
  }

  /** Never rejects: what happens to each partition is told to its state. */
  async #fetch(nodeId: number, states: readonly FetchPartition[]): Promise<void> {
    this.#busyNodes.add(nodeId)
    const asked = new Map(states.map((state) => [state, this.#ask(state)]))
    try {
      const answer = await this.#request(nodeId, states)
      if (isSessionError(answer.errorCode)) for (const state of states) this.#retryLater(state, false)
      else if (answer.errorCode !== errorCodes.NONE) throw kafkaError(answer.errorCode, 'Fetching')
      for (const topic of answer.responses) {
        for (const said of topic.partitions) {
          const state = states.find(
            (s) => s.partition === said.partitionIndex && (topic.topic ? s.topic === topic.topic : s.topicId === topic.topicId),
          )
          const question = state && asked.get(state)
          if (question && this.get(state) === state && question.offset === state.position) this.#onAnswer(state, question, said)
        }
      }
    } catch (error) {
      if (!this.#isClosed) this.#onFailure(states, asMillraceError(error))
    }
    this.#busyNodes.delete(nodeId)
    this.pump()
  }

  #ask(state: FetchPartition): Asked {
    return { offset: state.position, leaderEpoch: this.#cluster.leader(state.topic, state.partition)?.leaderEpoch ?? -1 }
  }

  async #request(nodeId: number, states: readonly FetchPartition[]): Promise<FetchResponse> {
    const { maxBytes, maxWaitMs, minBytes } = this.#limits
    const isolationLevel = isolationLevels[this.#limits.isolationLevel]
    const connection = await this.#cluster.toNode(nodeId, this.#purpose)
    const hasIds = states.every(({ topicId }) => topicId !== NO_TOPIC_ID)
    const version = connection.version(fetch, hasIds ? FETCH_AT_MOST : FETCH_BY_NAME_AT_MOST)
    const session = this.#session(nodeId)
    const questions = states.map(({ topic, topicId, partition, position }) => ({
      topic,
      topicId,
      partition,
      currentLeaderEpoch: this.#cluster.leader(topic, partition)?.leaderEpoch ?? -1,
      fetchOffset: position,
      partitionMaxBytes: maxBytes,
    }))
    const asked = session.next(questions, version > FETCH_BY_NAME_AT_MOST)
    const timeoutMs = this.#cluster.options.answerTimeoutMs + maxWaitMs
    try {
      const body = { maxWaitMs, minBytes, maxBytes, isolationLevel, ...asked }
      const answer = await connection.request(fetch, version, body, timeoutMs)
      if (answer.errorCode === errorCodes.NONE) session.answered(answer.sessionId)
      else session.refused(answer.errorCode)
      return answer
    } catch (error) {
      session.lost()
      throw error
    }
  }

  #session(nodeId: number): FetchSession {
    const session = this.#sessions.get(nodeId) ?? new FetchSession()
    this.#sessions.set(nodeId, session)
    return session
  }

  #onAnswer(state: FetchPartition, asked: Asked, said: PartitionAnswer): void {
    if (said.errorCode !== errorCodes.NONE) {
      this.#onError(state, said)
      return
    }
    state.attempts = 0
    const hadWatermark = state.highWatermark >= 0n
    const isCommitted = this.#limits.isolationLevel === 'read_committed'
    state.highWatermark = isCommitted ? said.lastStableOffset : said.highWatermark
    if (said.records && said.records.byteLength > 0)
      state.buffered = {
        offset: state.position,
        leaderEpoch: asked.leaderEpoch,
        records: said.records,
        aborted: isCommitted ? (said.abortedTransactions ?? []) : [],
      }
    if (state.buffered || !hadWatermark) this.wake()
  }

  #onError(state: FetchPartition, said: PartitionAnswer): void {
    const { topic, partition } = state
    if (said.errorCode === errorCodes.OFFSET_OUT_OF_RANGE) {
      // Never a silent reset: the caller has to say where to go on.
      const isBefore = state.position < said.logStartOffset
      const why = isBefore ? 'it was deleted by retention' : 'the log ends before it'
      void this.#whileDoubted(state, () => this.#failOutOfRange(state, why, said.logStartOffset))
      return
    }
    const needs = { operation: 'Read', on: 'topic', name: topic } as const
    const error = kafkaError(said.errorCode, `Fetching ${topic}-${partition}`, { details: { topic, partition }, needs })
    if (error.retriable) this.#retryLater(state, true)
    else this.#fail(state, error)
  }

  /** Never rejects. */
  async #whileDoubted(state: FetchPartition, ask: () => Promise<void>): Promise<void> {
    const { position } = state
    this.#doubted.set(state, position)
    await ask()
    // After a seek another position may be in doubt.
    if (this.#doubted.get(state) === position) this.#doubted.delete(state)
    this.pump()
  }

  /** A refused fetch carries no log start offset: it is asked for, so that the caller knows what there is. Never rejects. */
  async #failOutOfRange(state: FetchPartition, why: string, logStartOffset: bigint): Promise<void> {
    const { position } = state
    let start = logStartOffset
    if (start < 0n) {
      const found = await findOffsets(this.#cluster, this.#purpose, [state], 'earliest').catch(() => [])
      start = found[0]?.offset ?? -1n
    }
    if (state.position !== position) return
    this.#fail(state, outOfRange(state, start, start >= 0n && position < start ? 'it was deleted by retention' : why))
  }

  #fail(state: FetchPartition, error: MillraceError): void {
    state.failure = error
    this.wake()
  }

  #onFailure(states: readonly FetchPartition[], error: MillraceError): void {
    this.#cluster.log.debug('fetch request failed', { reason: error.message })
    for (const state of states) {
      if (error.retriable) this.#retryLater(state, true)
      else this.#fail(state, error)
    }
  }

  #retryLater(state: FetchPartition, withMetadata: boolean): void {
    const delayMs = backoffMs(state.attempts++, BACKOFF)
    state.retryAtMs = this.#cluster.clock.monotonicMs() + delayMs
    if (!withMetadata) return
    this.#cluster.refresh([state.topic]).then(
      () => this.#afterRefresh(state),
      (error: unknown) => this.#cluster.log.debug('no metadata', { reason: messageOf(error) }),
    )
    this.#pumpAfter(delayMs)
  }

  #afterRefresh(state: FetchPartition): void {
    const topic = this.#cluster.topic(state.topic)
    if (topic && topic.topicId !== state.topicId && state.topicId !== NO_TOPIC_ID) {
      const { topic: name, partition } = state
      this.#fail(
        state,
        new MillraceError('KAFKA', `Topic "${name}" was deleted and created again: its offsets mean other records now.`, {
          details: { topic: name, partition, errorCode: errorCodes.UNKNOWN_TOPIC_ID, errorName: 'UNKNOWN_TOPIC_ID' },
        }),
      )
    }
  }

  /** Asks the new leader where the epoch of the last consumed record ended: before the position means that the log was cut (KIP-320). Never rejects. */
  #validate(state: FetchPartition, nodeId: number, leaderEpoch: number): Promise<void> {
    const { position } = state
    return this.#whileDoubted(state, async () => {
      try {
        const endOffset = await this.#endOfEpoch(state, nodeId, leaderEpoch)
        if (state.position !== position) return
        state.validatedEpoch = leaderEpoch
        if (endOffset >= 0n && endOffset < position)
          await this.#failOutOfRange(state, `the log was cut at ${endOffset} when its leader changed`, -1n)
      } catch (error) {
        const failure = asMillraceError(error)
        if (state.position !== position) return
        if (failure.retriable) this.#retryLater(state, true)
        else if (failure.code === 'PROTOCOL') state.validatedEpoch = leaderEpoch
        else this.#fail(state, failure)
      }
    })
  }

  async #endOfEpoch({ topic, partition, positionEpoch }: FetchPartition, nodeId: number, leaderEpoch: number): Promise<bigint> {
    const question = { partition, currentLeaderEpoch: leaderEpoch, leaderEpoch: positionEpoch }
    const answer = await this.#cluster.ask(
      this.#cluster.toNode(nodeId, this.#purpose),
      offsetForLeaderEpoch,
      OFFSET_FOR_LEADER_EPOCH_AT_MOST,
      () => ({ replicaId: -1, topics: [{ topic, partitions: [question] }] }),
    )
    const said = answer.topics[0]?.partitions[0]
    const errorCode = said?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
    if (!said || errorCode !== errorCodes.NONE) throw kafkaError(errorCode, `The leader epoch of ${topic}-${partition}`)
    return said.endOffset
  }

  #decode(state: FetchPartition, buffered: Buffered): Batch[] {
    const { topic, partition, position, highWatermark } = state
    state.buffered = null
    if (buffered.offset !== position) return []
    const decoded = decodeFetched({ topic, partition, records: buffered.records, aborted: buffered.aborted, position, highWatermark })
    if (!decoded.ok) {
      const message = `The records of ${topic}-${partition} at offset ${decoded.offset} cannot be read: ${decoded.reason}.`
      const details = {
        topic,
        partition,
        offset: String(decoded.offset),
        errorCode: errorCodes.CORRUPT_MESSAGE,
        errorName: 'CORRUPT_MESSAGE',
      }
      this.#fail(state, new MillraceError('KAFKA', message, { details }))
      return []
    }
    state.position = decoded.nextOffset
    if (decoded.leaderEpoch !== null) {
      state.positionEpoch = decoded.leaderEpoch
      state.validatedEpoch = Math.max(state.validatedEpoch, buffered.leaderEpoch)
    }
    return decoded.batches
  }
}
