import { errorCodes, heartbeat, joinGroup, type JoinGroupResponse, leaveGroup, offsetCommit, syncGroup } from '../kafka-wire/index.ts'
import { asMillraceError, backoffMs, messageOf, MillraceError } from '../platform/index.ts'
import { assignRange, type GroupMemberInfo } from './assignors.ts'
import type { Cluster } from './cluster.ts'
import { type CommittedOffset, withCoordinator } from './committed-offsets.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'
import { errorCodeOf, isNetworkError, kafkaError, meansStaleCoordinator } from './errors.ts'
import type { GroupMetadata, ResolvedConsumerOptions, TopicPartition } from './options.ts'

type State =
  | { is: 'outside' }
  | { is: 'joining' }
  /** `rejoin`: the group is rebalancing; the generation still counts until the next join. */
  | { is: 'member'; generationId: number; rejoin: boolean }
  /** The group went on without this member: what it had is someone else's. */
  | { is: 'lost'; reason: string }
  | { is: 'refused'; error: MillraceError }
  | { is: 'left' }

const AT_MOST = { join: 9, sync: 5, heartbeat: 4, leave: 5, commit: 9 }
const PROTOCOL_TYPE = 'consumer'
const ASSIGNOR = 'range'
const BACKOFF = { initialMs: 50, maxMs: 1_000 }
/** A join is answered when the whole group has joined. */
const JOIN_GRACE_MS = 5_000

const lostMembership: ReadonlySet<number> = new Set([errorCodes.UNKNOWN_MEMBER_ID, errorCodes.ILLEGAL_GENERATION])

/** Membership in a classic consumer group (KIP-394, KIP-345): joins, keeps itself alive from a timer, commits, leaves. */
export class GroupMember {
  readonly #cluster: Cluster
  readonly #options: ResolvedConsumerOptions
  readonly #purpose: string
  readonly #onChange: () => void
  #state: State = { is: 'outside' }
  #memberId = ''
  #lastPollMs = 0
  #cancelHeartbeat: (() => void) | null = null
  #committing: Promise<unknown> = Promise.resolve()
  readonly #abandoned = new AbortController()
  /** Partition counts that the last assignment of this leader was made from; null while another member leads. */
  #assignedCounts: ReadonlyMap<string, number> | null = null

  /** @param onChange called when `needsJoin` or `refusal` may have changed */
  constructor(cluster: Cluster, options: ResolvedConsumerOptions, purpose: string, onChange: () => void) {
    this.#cluster = cluster
    this.#options = options
    this.#purpose = purpose
    this.#onChange = onChange
  }

  get needsJoin(): boolean {
    const state = this.#state
    return state.is === 'outside' || state.is === 'lost' || (state.is === 'member' && state.rejoin)
  }

  /** True when the partitions were given to others already: nothing can be committed for them. */
  get hasLost(): boolean {
    return this.#state.is === 'lost'
  }

  /** Why the group will not have this member; null while it may. */
  get refusal(): MillraceError | null {
    return this.#state.is === 'refused' ? this.#state.error : null
  }

  get isMember(): boolean {
    return this.#state.is === 'member'
  }

  /** As transactions fence offsets by it (KIP-447). Throws KAFKA ILLEGAL_GENERATION when the group has no such member. */
  get metadata(): GroupMetadata {
    const state = this.#state
    const { groupId, groupInstanceId } = this.#options
    if (state.is === 'refused') throw state.error
    if (state.is !== 'member') throw fenced(errorCodes.ILLEGAL_GENERATION, groupId)
    return { groupId, memberId: this.#memberId, generationId: state.generationId, groupInstanceId }
  }

  polled(): void {
    this.#lastPollMs = this.#cluster.clock.monotonicMs()
  }

  requestRejoin(): void {
    if (this.#state.is === 'member') this.#state = { ...this.#state, rejoin: true }
    this.#onChange()
  }

  /** As the group's leader, asks for a rebalance when a topic has other partitions than the assignment was made from. */
  checkPartitionCounts(): void {
    const counts = this.#assignedCounts
    if (!counts || this.#state.is !== 'member' || this.#state.rejoin) return
    for (const [topic, count] of counts) if (this.#partitionCount(topic) !== count) this.requestRejoin()
  }

  /** Joins, or joins again, until it has an assignment or is refused. Rejects with the refusal, or CLOSED. */
  async join(): Promise<TopicPartition[]> {
    this.#cancelHeartbeat?.()
    this.#state = { is: 'joining' }
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#joinOnce()
      } catch (error) {
        this.#afterFailedJoin(asMillraceError(error))
        await this.#cluster.clock.sleep(backoffMs(attempt, BACKOFF), this.#abandoned.signal)
      }
    }
  }

  /** Rejects KAFKA with details.errorName ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID or REBALANCE_IN_PROGRESS when fenced. */
  commit(offsets: readonly CommittedOffset[]): Promise<void> {
    const state = this.#state
    if (state.is === 'refused') return Promise.reject(state.error)
    if (state.is !== 'member') return Promise.reject(fenced(errorCodes.ILLEGAL_GENERATION, this.#options.groupId))
    // One after another: a retried commit must not overtake a later one.
    const done = this.#committing.then(() =>
      withCoordinator(this.#cluster, this.#options.groupId, () => this.#commitOnce(offsets, state.generationId), {
        signal: this.#abandoned.signal,
      }),
    )
    this.#committing = done.catch(() => undefined)
    return done
  }

  /** Dynamic members leave at once; static ones stay until their session ends, so that a restart finds its partitions (KIP-345). */
  async leave(): Promise<void> {
    this.#cancelHeartbeat?.()
    const wasMember = this.#memberId !== '' && this.#options.groupInstanceId === null
    const memberId = this.#memberId
    this.#state = { is: 'left' }
    this.#memberId = ''
    await this.#committing
    if (!wasMember) return
    try {
      await this.#sayLeave(memberId)
    } catch (error) {
      this.#cluster.log.debug('the group was not told of the leaving', { group: this.#options.groupId, reason: messageOf(error) })
    }
  }

  /** Stops all that is still tried: what waits rejects with CLOSED. */
  abandon(): void {
    this.#cancelHeartbeat?.()
    this.#state = { is: 'left' }
    this.#abandoned.abort(new MillraceError('CLOSED', 'The consumer is closed.'))
  }

  async #sayLeave(memberId: string): Promise<void> {
    const { groupId } = this.#options
    // Not on the group's own connection: a join that waits for others would hold it up.
    await this.#cluster.ask(
      this.#cluster.toCoordinator(groupId, 'admin'),
      leaveGroup,
      AT_MOST.leave,
      (version) => (version >= 3 ? { groupId, members: [{ memberId }] } : { groupId, memberId }),
      JOIN_GRACE_MS,
    )
  }

  #partitionCount(topic: string): number {
    return this.#cluster.topic(topic)?.leaders.length ?? 0
  }

  async #joinOnce(): Promise<TopicPartition[]> {
    const joined = await this.#askToJoin()
    this.#memberId = joined.memberId
    const isLeader = joined.leader === joined.memberId && !joined.skipAssignment
    const assignments = isLeader ? await this.#assign(joined) : []
    if (!isLeader) this.#assignedCounts = null
    const { groupId, groupInstanceId, rebalanceTimeoutMs } = this.#options
    const answer = await this.#cluster.ask(
      this.#cluster.toCoordinator(groupId, this.#purpose),
      syncGroup,
      AT_MOST.sync,
      () => ({
        groupId,
        generationId: joined.generationId,
        memberId: joined.memberId,
        ...(groupInstanceId === null ? {} : { groupInstanceId }),
        protocolType: PROTOCOL_TYPE,
        protocolName: joined.protocolName,
        assignments,
      }),
      rebalanceTimeoutMs + JOIN_GRACE_MS,
    )
    if (answer.errorCode !== errorCodes.NONE) throw kafkaError(answer.errorCode, `Joining group "${groupId}"`)
    const { partitions } = decodeAssignment(answer.assignment)
    if (this.#state.is !== 'joining') throw new MillraceError('CLOSED', 'The consumer is closed.')
    this.#state = { is: 'member', generationId: joined.generationId, rejoin: false }
    this.#scheduleHeartbeat()
    return partitions.flatMap(({ topic, partitions: some }) => some.map((partition) => ({ topic, partition })))
  }

  async #askToJoin(): Promise<JoinGroupResponse> {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, topics } = this.#options
    const metadata = encodeSubscription({ topics, userData: null, ownedPartitions: [], generationId: -1 })
    const answer = await this.#cluster.ask(
      this.#cluster.toCoordinator(groupId, this.#purpose),
      joinGroup,
      AT_MOST.join,
      () => ({
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        ...(groupInstanceId === null ? {} : { groupInstanceId }),
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: ASSIGNOR, metadata }],
      }),
      rebalanceTimeoutMs + JOIN_GRACE_MS,
    )
    if (answer.errorCode === errorCodes.MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId
      return this.#askToJoin()
    }
    if (answer.errorCode !== errorCodes.NONE) {
      const needs = { operation: 'Read', on: 'group', name: groupId } as const
      throw kafkaError(answer.errorCode, `Joining group "${groupId}"`, { details: { groupId }, needs })
    }
    return answer
  }

  async #assign(joined: JoinGroupResponse): Promise<{ memberId: string; assignment: Uint8Array }[]> {
    const members = joined.members.map(({ memberId, groupInstanceId, metadata }): GroupMemberInfo => {
      const { topics } = decodeSubscription(metadata)
      return { memberId, groupInstanceId, topics }
    })
    const topics = [...new Set(members.flatMap((member) => member.topics))]
    await this.#cluster.refresh(topics)
    this.#assignedCounts = new Map(topics.map((topic) => [topic, this.#partitionCount(topic)]))
    const assignment = assignRange(members, (topic) => this.#partitionCount(topic))
    return [...assignment].map(([memberId, partitions]) => ({ memberId, assignment: encodeAssignment({ partitions, userData: null }) }))
  }

  /** Throws when there is no use in trying again. */
  #afterFailedJoin(failure: MillraceError): void {
    const errorCode = errorCodeOf(failure)
    if (this.#state.is !== 'joining') throw new MillraceError('CLOSED', 'The consumer is closed.')
    this.#cluster.log.debug('joining the group failed', { group: this.#options.groupId, reason: failure.message })
    if (errorCode !== null && lostMembership.has(errorCode)) {
      this.#memberId = ''
    } else if (isNetworkError(failure) || (errorCode !== null && meansStaleCoordinator(errorCode))) {
      this.#cluster.forgetCoordinator(this.#options.groupId)
      this.#cluster.refresh([]).catch(() => undefined)
    } else if (errorCode !== errorCodes.REBALANCE_IN_PROGRESS && !failure.retriable) {
      this.#state = { is: 'refused', error: failure }
      throw failure
    }
  }

  async #commitOnce(offsets: readonly CommittedOffset[], generationId: number): Promise<void> {
    const { groupId, groupInstanceId } = this.#options
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, some]) => ({
      name,
      partitions: some.map(({ partition, offset, leaderEpoch, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: metadata,
      })),
    }))
    const answer = await this.#cluster.ask(this.#cluster.toCoordinator(groupId, this.#purpose), offsetCommit, AT_MOST.commit, () => ({
      groupId,
      generationIdOrMemberEpoch: generationId,
      memberId: this.#memberId,
      ...(groupInstanceId === null ? {} : { groupInstanceId }),
      topics,
    }))
    const said = answer.topics.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== errorCodes.NONE)
    if (said) this.#refuseCommit(said.errorCode)
  }

  #refuseCommit(errorCode: number): never {
    const { groupId } = this.#options
    this.#learnFrom(errorCode)
    const isFenced =
      lostMembership.has(errorCode) || errorCode === errorCodes.REBALANCE_IN_PROGRESS || errorCode === errorCodes.FENCED_INSTANCE_ID
    throw isFenced
      ? fenced(errorCode, groupId)
      : kafkaError(errorCode, `Committing offsets of group "${groupId}"`, { details: { groupId } })
  }

  /** What an answer to a heartbeat or commit says about this membership. */
  #learnFrom(errorCode: number): void {
    if (this.#state.is !== 'member') return
    if (errorCode === errorCodes.REBALANCE_IN_PROGRESS) {
      this.requestRejoin()
    } else if (lostMembership.has(errorCode)) {
      if (errorCode === errorCodes.UNKNOWN_MEMBER_ID) this.#memberId = ''
      this.#lose(`the broker answered ${errorCode === errorCodes.UNKNOWN_MEMBER_ID ? 'UNKNOWN_MEMBER_ID' : 'ILLEGAL_GENERATION'}`)
    } else if (errorCode === errorCodes.FENCED_INSTANCE_ID) {
      this.#state = { is: 'refused', error: fenced(errorCode, this.#options.groupId) }
      this.#onChange()
    }
  }

  #lose(reason: string): void {
    this.#cancelHeartbeat?.()
    this.#cluster.log.warn('the consumer group went on without this member', { group: this.#options.groupId, reason })
    this.#state = { is: 'lost', reason }
    this.#onChange()
  }

  #scheduleHeartbeat(delayMs = this.#options.heartbeatIntervalMs): void {
    this.#cancelHeartbeat?.()
    this.#cancelHeartbeat = this.#cluster.clock.after(delayMs, () => void this.#beat())
  }

  /** Never rejects. */
  async #beat(): Promise<void> {
    const state = this.#state
    if (state.is === 'refused') return Promise.reject(state.error)
    if (state.is !== 'member') return
    if (this.#cluster.clock.monotonicMs() - this.#lastPollMs > this.#options.maxPollIntervalMs) {
      const memberId = this.#memberId
      this.#memberId = ''
      this.#lose(`poll was not called for ${this.#options.maxPollIntervalMs} ms`)
      await this.#sayLeave(memberId).catch(() => undefined)
      return
    }
    const { groupId, groupInstanceId, sessionTimeoutMs } = this.#options
    try {
      const answer = await this.#cluster.ask(
        this.#cluster.toCoordinator(groupId, this.#purpose),
        heartbeat,
        AT_MOST.heartbeat,
        () => ({
          groupId,
          generationId: state.generationId,
          memberId: this.#memberId,
          ...(groupInstanceId === null ? {} : { groupInstanceId }),
        }),
        sessionTimeoutMs,
      )
      const isCurrent = this.#state.is === 'member' && this.#state.generationId === state.generationId
      if (!isCurrent) return
      if (meansStaleCoordinator(answer.errorCode)) throw kafkaError(answer.errorCode, 'Heartbeat')
      this.#learnFrom(answer.errorCode)
      if (this.isMember) this.#scheduleHeartbeat()
    } catch (error) {
      this.#cluster.log.debug('heartbeat failed', { group: groupId, reason: messageOf(error) })
      this.#cluster.forgetCoordinator(groupId)
      await this.#cluster.refresh([]).catch(() => undefined)
      if (this.isMember) this.#scheduleHeartbeat(backoffMs(0, { initialMs: 200, maxMs: 200 }))
    }
  }
}

export function fenced(errorCode: number, groupId: string): MillraceError {
  const answer = kafkaError(errorCode, `Group "${groupId}" has gone on without this member`, { details: { groupId } })
  return new MillraceError('KAFKA', answer.message, { details: answer.details, retriable: false })
}
