import { randomUUID } from 'node:crypto'
import { consumerGroupHeartbeat, type ConsumerGroupHeartbeatResponse, errorCodes } from '../kafka-wire/index.ts'
import { asMillraceError, backoffMs, messageOf, type MillraceError } from '../platform/index.ts'
import type { Cluster } from './cluster.ts'
import { type CommittedOffset, withCoordinator } from './committed-offsets.ts'
import { isNetworkError, kafkaError, meansStaleCoordinator } from './errors.ts'
import { BACKOFF, closed, commitOnce, fenced, lostMembership, type Membership, refusedCommit } from './membership.ts'
import type { GroupMetadata, ResolvedConsumerOptions, TopicPartition } from './options.ts'

type State =
  | { is: 'outside' }
  /** Epoch 0 is sent until the coordinator gives one. */
  | { is: 'joining' }
  | { is: 'member'; epoch: number }
  /** The group went on without this member: what it had is someone else's. */
  | { is: 'lost' }
  | { is: 'refused'; error: MillraceError }
  | { is: 'left' }

type Target = readonly { topicId: string; partitions: readonly number[] }[]

/** From 1 on the member's id is the client's own. */
const HEARTBEAT_AT_MOST = 1
const LEAVE = -1
/** Of a static member, which will be back. */
const LEAVE_FOR_NOW = -2
const LEAVE_TIMEOUT_MS = 5_000
const STALE_EPOCH_TRIES = 20
const retriedJoins: ReadonlySet<number> = new Set([errorCodes.UNRELEASED_INSTANCE_ID, errorCodes.COORDINATOR_LOAD_IN_PROGRESS])

/** Membership in a group whose assignments the broker makes (KIP-848): one heartbeat joins, keeps alive, and tells and acknowledges what to have. */
export class BrokerAssignedMember implements Membership {
  readonly isIncremental = true
  readonly #cluster: Cluster
  readonly #options: ResolvedConsumerOptions
  readonly #purpose: string
  readonly #onChange: () => void
  readonly #abandoned = new AbortController()
  #state: State = { is: 'outside' }
  #memberId: string = randomUUID()
  #lastPollMs = 0
  #cancelHeartbeat: (() => void) | null = null
  #beating: Promise<void> | null = null
  /** Something is to be said that the heartbeat on its way does not say. */
  #mustBeatAgain = false
  /** How often it has joined: what was asked by an earlier membership is answered to none. */
  #membership = 0
  #intervalMs = 1_000
  #attempts = 0
  #joiningSinceMs = 0
  #committing: Promise<unknown> = Promise.resolve()
  /** By topic id, as the broker said it last; null: nothing new. */
  #assignment: Target | null = null
  #target: readonly TopicPartition[] | null = null
  #lastTarget: readonly TopicPartition[] = []
  #owned: readonly TopicPartition[] = []
  /** All fields are to be sent, not only what changed. */
  #mustSayAll = true
  #mustSayOwned = false
  #joined = Promise.withResolvers<readonly TopicPartition[]>()

  /** @param onChange called when `needsJoin`, `target` or `refusal` may have changed */
  constructor(cluster: Cluster, options: ResolvedConsumerOptions, purpose: string, onChange: () => void) {
    this.#cluster = cluster
    this.#options = options
    this.#purpose = purpose
    this.#onChange = onChange
  }

  get needsJoin(): boolean {
    return this.#state.is === 'outside' || this.#state.is === 'lost'
  }

  get hasLost(): boolean {
    return this.#state.is === 'lost'
  }

  get refusal(): MillraceError | null {
    return this.#state.is === 'refused' ? this.#state.error : null
  }

  get isMember(): boolean {
    return this.#state.is === 'member'
  }

  get target(): readonly TopicPartition[] | null {
    return this.#target
  }

  get metadata(): GroupMetadata {
    const { groupId, groupInstanceId } = this.#options
    if (this.#state.is === 'refused') throw this.#state.error
    if (this.#state.is !== 'member') throw fenced(errorCodes.ILLEGAL_GENERATION, groupId)
    return { groupId, memberId: this.#memberId, generationId: this.#state.epoch, groupInstanceId }
  }

  /** Of a later epoch it learns by its next heartbeat only. */
  hasMovedOnFrom({ memberId }: GroupMetadata): boolean {
    return this.#state.is === 'member' && memberId === this.#memberId
  }

  polled(): void {
    this.#lastPollMs = this.#cluster.clock.monotonicMs()
  }

  /** Resolves with the first assignment. */
  join(): Promise<readonly TopicPartition[]> {
    this.#cancelHeartbeat?.()
    this.#joined = Promise.withResolvers()
    this.#joined.promise.catch(() => undefined)
    this.#state = { is: 'joining' }
    this.#membership++
    this.#joiningSinceMs = this.#cluster.clock.monotonicMs()
    this.#owned = []
    this.#target = null
    this.#assignment = null
    this.#mustSayAll = true
    this.#beatNow()
    return this.#joined.promise
  }

  adopted(owned: readonly TopicPartition[]): void {
    this.#owned = owned
    this.#target = null
    this.#mustSayOwned = true
    this.#resolveTarget()
    this.#beatNow()
  }

  requestRejoin(): void {
    if (this.#state.is === 'member') this.#target = this.#lastTarget
    this.#onChange()
  }

  /** The broker sees to it. */
  checkPartitionCounts(): void {
    if (this.#assignment) this.#resolveTarget()
  }

  commit(offsets: readonly CommittedOffset[]): Promise<void> {
    const done = this.#committing.then(() =>
      withCoordinator(this.#cluster, this.#options.groupId, () => this.#commitOnce(offsets), { signal: this.#abandoned.signal }),
    )
    this.#committing = done.catch(() => undefined)
    return done
  }

  async leave(): Promise<void> {
    this.#cancelHeartbeat?.()
    const wasMember = this.#state.is === 'member' || this.#state.is === 'joining'
    this.#state = { is: 'left' }
    this.#joined.reject(closed())
    await this.#committing
    if (wasMember) await this.#sayLeave()
  }

  abandon(): void {
    this.#cancelHeartbeat?.()
    this.#state = { is: 'left' }
    this.#joined.reject(closed())
    this.#abandoned.abort(closed())
  }

  /** Never rejects. */
  async #sayLeave(): Promise<void> {
    const { groupId, groupInstanceId } = this.#options
    const memberEpoch = groupInstanceId === null ? LEAVE : LEAVE_FOR_NOW
    const body = { groupId, memberId: this.#memberId, memberEpoch, instanceId: groupInstanceId }
    try {
      await this.#cluster.ask(
        this.#cluster.toCoordinator(groupId, 'admin'),
        consumerGroupHeartbeat,
        HEARTBEAT_AT_MOST,
        () => body,
        LEAVE_TIMEOUT_MS,
      )
    } catch (error) {
      this.#cluster.log.debug('the group was not told of the leaving', { group: groupId, reason: messageOf(error) })
    }
  }

  /** The epoch may rise between two heartbeats: the same is sent under the new one. */
  async #commitOnce(offsets: readonly CommittedOffset[]): Promise<void> {
    const membership = this.#membership
    for (let tries = 0; ; tries++) {
      const { metadata } = this
      // Of partitions that it had: under the membership that follows it would pass.
      if (membership !== this.#membership) throw fenced(errorCodes.ILLEGAL_GENERATION, metadata.groupId)
      const errorCode = await commitOnce(this.#cluster, this.#purpose, metadata, offsets)
      if (errorCode === errorCodes.NONE) return
      if (lostMembership.has(errorCode) && membership === this.#membership) this.#lose(errorCode)
      if (errorCode !== errorCodes.STALE_MEMBER_EPOCH || tries >= STALE_EPOCH_TRIES) throw refusedCommit(errorCode, metadata.groupId)
      this.#beatNow()
      await this.#beating
      if (this.isMember && this.metadata.generationId === metadata.generationId)
        await this.#cluster.clock.sleep(backoffMs(tries, BACKOFF), this.#abandoned.signal)
    }
  }

  #beatNow(): void {
    this.#cancelHeartbeat?.()
    this.#cancelHeartbeat = null
    this.#mustBeatAgain = this.#beating !== null
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null
      if (this.#mustBeatAgain || (this.#mustSayOwned && this.isMember)) this.#beatNow()
    })
  }

  #beatAfter(delayMs: number): void {
    this.#cancelHeartbeat?.()
    this.#cancelHeartbeat = this.#cluster.clock.after(delayMs, () => this.#beatNow())
  }

  /** Never rejects. */
  async #beat(): Promise<void> {
    const state = this.#state
    if (state.is !== 'member' && state.is !== 'joining') return
    if (state.is === 'member' && this.#cluster.clock.monotonicMs() - this.#lastPollMs > this.#options.maxPollIntervalMs) {
      this.#cluster.log.warn(`poll was not called for ${this.#options.maxPollIntervalMs} ms: the member leaves its group`, {
        group: this.#options.groupId,
      })
      await this.#sayLeave()
      return this.#lose(errorCodes.UNKNOWN_MEMBER_ID)
    }
    const saysOwned = this.#mustSayAll || this.#mustSayOwned
    this.#mustSayOwned = false
    try {
      const answer = await this.#ask(state.is === 'member' ? state.epoch : 0, saysOwned)
      if (this.#state === state) await this.#onAnswer(answer, saysOwned)
    } catch (error) {
      if (this.#state === state) this.#onFailure(asMillraceError(error), saysOwned)
    }
  }

  async #ask(memberEpoch: number, saysOwned: boolean): Promise<ConsumerGroupHeartbeatResponse> {
    const { groupId, groupInstanceId, rebalanceTimeoutMs, topics, serverAssignor } = this.#options
    const all = this.#mustSayAll
    return this.#cluster.ask(this.#cluster.toCoordinator(groupId, this.#purpose), consumerGroupHeartbeat, HEARTBEAT_AT_MOST, () => ({
      groupId,
      memberId: this.#memberId,
      memberEpoch,
      ...(groupInstanceId === null ? {} : { instanceId: groupInstanceId }),
      ...(all ? { rebalanceTimeoutMs, subscribedTopicNames: topics, serverAssignor } : {}),
      ...(saysOwned ? { topicPartitions: this.#byTopicId(this.#owned) } : {}),
    }))
  }

  async #onAnswer(answer: ConsumerGroupHeartbeatResponse, saidOwned: boolean): Promise<void> {
    if (answer.errorCode !== errorCodes.NONE) return this.#onError(answer, saidOwned)
    this.#attempts = 0
    this.#mustSayAll = false
    if (answer.memberId !== null) this.#memberId = answer.memberId
    this.#intervalMs = answer.heartbeatIntervalMs
    this.#state = { is: 'member', epoch: answer.memberEpoch }
    if (answer.assignment) this.#assignment = answer.assignment.topicPartitions
    this.#beatAfter(this.#intervalMs)
    this.#resolveTarget()
  }

  #onError({ errorCode, errorMessage }: ConsumerGroupHeartbeatResponse, saidOwned: boolean): void {
    const { groupId } = this.#options
    if (lostMembership.has(errorCode)) return this.#lose(errorCode)
    const needs = { operation: 'Read', on: 'group', name: groupId } as const
    const error = kafkaError(errorCode, `Group "${groupId}"`, { message: errorMessage, details: { groupId }, needs })
    // Of the process before this one the group learns only by its session's end, the broker's 45 s.
    const isEarly = this.#cluster.clock.monotonicMs() - this.#joiningSinceMs < this.#options.rebalanceTimeoutMs
    if (error.retriable || meansStaleCoordinator(errorCode) || (retriedJoins.has(errorCode) && isEarly))
      return this.#onFailure(error, saidOwned)
    this.#state = { is: 'refused', error }
    this.#joined.reject(error)
    this.#onChange()
  }

  #onFailure(error: MillraceError, saidOwned: boolean): void {
    const { groupId } = this.#options
    this.#cluster.log.debug('heartbeat failed', { group: groupId, reason: error.message })
    if (saidOwned) this.#mustSayAll = true
    if (!error.retriable && !isNetworkError(error) && error.details.errorCode === undefined) {
      this.#state = { is: 'refused', error }
      this.#joined.reject(error)
      return this.#onChange()
    }
    this.#cluster.forgetCoordinator(groupId)
    this.#cluster.refresh([]).catch(() => undefined)
    this.#beatAfter(backoffMs(this.#attempts++, BACKOFF))
  }

  #lose(errorCode: number): void {
    if (this.#state.is !== 'member' && this.#state.is !== 'joining') return
    this.#cancelHeartbeat?.()
    const reason = fenced(errorCode, this.#options.groupId)
    this.#cluster.log.warn('the consumer group went on without this member', { group: this.#options.groupId, reason: reason.message })
    this.#state = { is: 'lost' }
    this.#target = null
    this.#joined.reject(reason)
    this.#onChange()
  }

  /** The assignment by names; waits for metadata where a topic's id is new. */
  #resolveTarget(): void {
    const assignment = this.#assignment
    if (!assignment || this.#target || this.#state.is !== 'member') return
    const names = new Map(
      this.#options.topics.flatMap((name) => {
        const topic = this.#cluster.topic(name)
        return topic ? [[topic.topicId, name] as const] : []
      }),
    )
    if (assignment.some(({ topicId }) => !names.has(topicId))) {
      this.#cluster.refresh(this.#options.topics).then(
        () => {
          if (
            this.#assignment === assignment &&
            assignment.every(({ topicId }) => this.#options.topics.some((name) => this.#cluster.topic(name)?.topicId === topicId))
          )
            this.#resolveTarget()
        },
        () => undefined,
      )
      return
    }
    this.#assignment = null
    this.#target = assignment.flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => ({ topic: names.get(topicId) ?? '', partition })),
    )
    this.#lastTarget = this.#target
    this.#joined.resolve(this.#target)
    this.#onChange()
  }

  #byTopicId(partitions: readonly TopicPartition[]): { topicId: string; partitions: number[] }[] {
    return [...Map.groupBy(partitions, ({ topic }) => topic)].flatMap(([topic, some]) => {
      const topicId = this.#cluster.topic(topic)?.topicId
      return topicId === undefined ? [] : [{ topicId, partitions: some.map(({ partition }) => partition) }]
    })
  }
}
