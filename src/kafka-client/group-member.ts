import { errorCodes, heartbeat, joinGroup, type JoinGroupResponse, leaveGroup, syncGroup } from '../kafka-wire/index.ts'
import { asMillraceError, backoffMs, messageOf, MillraceError } from '../platform/index.ts'
import { assignRange } from './assignors.ts'
import type { Cluster } from './cluster.ts'
import { type CommittedOffset, withCoordinator } from './committed-offsets.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, flatPartitions } from './consumer-protocol.ts'
import { errorCodeOf, isNetworkError, kafkaError, meansStaleCoordinator } from './errors.ts'
import { BACKOFF, closed, commitOnce, fenced, lostMembership, type Membership, refusedCommit } from './membership.ts'
import type { GroupMetadata, ResolvedConsumerOptions, TopicPartition } from './options.ts'
import { assignCooperatively, type OwningMember } from './sticky-assignor.ts'

type State =
  | { is: 'outside' }
  /** `former`: the generation that still counts until the group has another, where partitions are kept meanwhile. */
  | { is: 'joining'; former: number | null }
  /** `rejoin`: the group is rebalancing; the generation still counts until the next join. */
  | { is: 'member'; generationId: number; rejoin: boolean }
  /** The group went on without this member: what it had is someone else's. */
  | { is: 'lost'; reason: string }
  | { is: 'refused'; error: MillraceError }
  | { is: 'left' }

const AT_MOST = { join: 9, sync: 5, heartbeat: 4, leave: 5 }
const PROTOCOL_TYPE = 'consumer'
/** A join is answered when the whole group has joined. */
const JOIN_GRACE_MS = 5_000

/** Membership in a classic consumer group (KIP-394, KIP-345, KIP-429): joins, keeps itself alive from a timer, commits, leaves. */
export class GroupMember implements Membership {
  readonly #cluster: Cluster
  readonly #options: ResolvedConsumerOptions
  readonly #purpose: string
  readonly #onChange: () => void
  #state: State = { is: 'outside' }
  #memberId = ''
  #lastPollMs = 0
  #lastGenerationId = -1
  #target: readonly TopicPartition[] | null = null
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

  /** A join waits for the whole group, and a connection answers in order: commits have their own. */
  get #joinPurpose(): string {
    return `${this.#purpose}-join`
  }

  /** By which commits are fenced; null while it has none. */
  get #generationId(): number | null {
    const state = this.#state
    return state.is === 'member' ? state.generationId : state.is === 'joining' ? state.former : null
  }

  get needsJoin(): boolean {
    const state = this.#state
    return state.is === 'outside' || state.is === 'lost' || (state.is === 'member' && state.rejoin)
  }

  get isIncremental(): boolean {
    return this.#options.assignor === 'cooperative-sticky'
  }

  get target(): readonly TopicPartition[] | null {
    return this.#target
  }

  get hasLost(): boolean {
    return this.#state.is === 'lost'
  }

  get refusal(): MillraceError | null {
    return this.#state.is === 'refused' ? this.#state.error : null
  }

  get isMember(): boolean {
    return this.#generationId !== null
  }

  get metadata(): GroupMetadata {
    const state = this.#state
    const { groupId, groupInstanceId } = this.#options
    if (state.is === 'refused') throw state.error
    const generationId = this.#generationId
    if (generationId === null) throw fenced(errorCodes.ILLEGAL_GENERATION, groupId)
    return { groupId, memberId: this.#memberId, generationId, groupInstanceId }
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

  async join(owned: readonly TopicPartition[]): Promise<readonly TopicPartition[]> {
    this.#cancelHeartbeat?.()
    this.#target = null
    this.#state = { is: 'joining', former: this.isIncremental && owned.length > 0 ? this.#generationId : null }
    const sinceMs = this.#cluster.clock.monotonicMs()
    for (let attempt = 0; ; attempt++) {
      try {
        const partitions = await this.#joinOnce(owned)
        if (this.isIncremental) this.#target = partitions
        this.#onChange()
        return partitions
      } catch (error) {
        if (!this.#mayBeOfAnotherProtocol(error, sinceMs)) this.#afterFailedJoin(asMillraceError(error))
        await this.#cluster.clock.sleep(backoffMs(attempt, BACKOFF), this.#abandoned.signal)
      }
    }
  }

  adopted(_owned: readonly TopicPartition[], hasGivenUp: boolean): void {
    this.#target = null
    // What was given up is given to others in a rebalance of its own (KIP-429).
    if (hasGivenUp) this.requestRejoin()
  }

  commit(offsets: readonly CommittedOffset[]): Promise<void> {
    const state = this.#state
    if (state.is === 'refused') return Promise.reject(state.error)
    if (this.#generationId === null) return Promise.reject(fenced(errorCodes.ILLEGAL_GENERATION, this.#options.groupId))
    const { metadata } = this
    // One after another: a retried commit must not overtake a later one.
    const done = this.#committing.then(() =>
      withCoordinator(this.#cluster, this.#options.groupId, () => this.#commitOnce(offsets, metadata), {
        signal: this.#abandoned.signal,
      }),
    )
    this.#committing = done.catch(() => undefined)
    return done
  }

  /** Static members stay until their session ends. */
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

  abandon(): void {
    this.#cancelHeartbeat?.()
    this.#state = { is: 'left' }
    this.#abandoned.abort(closed())
    this.#cluster.connections.release(this.#joinPurpose)
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

  async #joinOnce(owned: readonly TopicPartition[]): Promise<readonly TopicPartition[]> {
    const joined = await this.#askToJoin(owned)
    this.#memberId = joined.memberId
    const isLeader = joined.leader === joined.memberId && !joined.skipAssignment
    const assignments = isLeader ? await this.#assign(joined) : []
    if (!isLeader) this.#assignedCounts = null
    const { groupId, groupInstanceId, rebalanceTimeoutMs } = this.#options
    const answer = await this.#cluster.ask(
      this.#cluster.toCoordinator(groupId, this.#joinPurpose),
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
    if (this.#state.is !== 'joining') throw closed()
    this.#state = { is: 'member', generationId: joined.generationId, rejoin: false }
    this.#lastGenerationId = joined.generationId
    this.#scheduleHeartbeat()
    return flatPartitions(partitions)
  }

  async #askToJoin(owned: readonly TopicPartition[]): Promise<JoinGroupResponse> {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, topics, assignor } = this.#options
    const ownedPartitions = [...Map.groupBy(owned, ({ topic }) => topic)].map(([topic, some]) => ({
      topic,
      partitions: some.map(({ partition }) => partition),
    }))
    const metadata = encodeSubscription({ topics, userData: null, ownedPartitions, generationId: this.#lastGenerationId })
    const answer = await this.#cluster.ask(
      this.#cluster.toCoordinator(groupId, this.#joinPurpose),
      joinGroup,
      AT_MOST.join,
      () => ({
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        ...(groupInstanceId === null ? {} : { groupInstanceId }),
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: assignor, metadata }],
      }),
      rebalanceTimeoutMs + JOIN_GRACE_MS,
    )
    if (answer.errorCode === errorCodes.MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId
      return this.#askToJoin(owned)
    }
    if (answer.errorCode !== errorCodes.NONE) {
      const needs = { operation: 'Read', on: 'group', name: groupId } as const
      throw kafkaError(answer.errorCode, `Joining group "${groupId}"`, { details: { groupId }, needs })
    }
    return answer
  }

  async #assign(joined: JoinGroupResponse): Promise<{ memberId: string; assignment: Uint8Array }[]> {
    const members = joined.members.map(({ memberId, groupInstanceId, metadata }): OwningMember => {
      const { topics, ownedPartitions, generationId } = decodeSubscription(metadata)
      return { memberId, groupInstanceId, topics, owned: flatPartitions(ownedPartitions), generationId }
    })
    const topics = [...new Set(members.flatMap((member) => member.topics))]
    await this.#cluster.refresh(topics)
    this.#assignedCounts = new Map(topics.map((topic) => [topic, this.#partitionCount(topic)]))
    const assign = this.isIncremental ? assignCooperatively : assignRange
    const assignment = assign(members, (topic) => this.#partitionCount(topic))
    return [...assignment].map(([memberId, partitions]) => ({ memberId, assignment: encodeAssignment({ partitions, userData: null }) }))
  }

  /** Throws when there is no use in trying again. */
  #afterFailedJoin(failure: MillraceError): void {
    const errorCode = errorCodeOf(failure)
    if (this.#state.is !== 'joining') throw closed()
    this.#cluster.log.debug('joining the group failed', { group: this.#options.groupId, reason: failure.message })
    if (errorCode !== null && lostMembership.has(errorCode)) {
      this.#memberId = ''
      if (this.#state.former === null) return
      // What it kept meanwhile is someone else's.
      this.#lose('it was told so when it joined again')
      throw failure
    }
    if (isNetworkError(failure) || (errorCode !== null && meansStaleCoordinator(errorCode))) {
      this.#cluster.forgetCoordinator(this.#options.groupId)
      this.#cluster.refresh([]).catch(() => undefined)
    } else if (errorCode !== errorCodes.REBALANCE_IN_PROGRESS && !failure.retriable) {
      this.#state = { is: 'refused', error: failure }
      throw failure
    }
  }

  async #commitOnce(offsets: readonly CommittedOffset[], metadata: GroupMetadata): Promise<void> {
    const errorCode = await commitOnce(this.#cluster, this.#purpose, metadata, offsets)
    if (errorCode === errorCodes.NONE) return
    const isOvertaken = errorCode === errorCodes.ILLEGAL_GENERATION && this.hasMovedOnFrom(metadata)
    if (isOvertaken) throw refusedCommit(errorCodes.REBALANCE_IN_PROGRESS, metadata.groupId)
    // Of an earlier generation it says nothing about this one.
    const isPresent = metadata.memberId === this.#memberId && metadata.generationId === this.#generationId
    if (isPresent) this.#learnFrom(errorCode)
    throw refusedCommit(errorCode, metadata.groupId)
  }

  hasMovedOnFrom({ memberId, generationId }: GroupMetadata): boolean {
    const state = this.#state
    if (!this.isIncremental || memberId !== this.#memberId) return false
    return state.is === 'joining' ? state.former === generationId : state.is === 'member' && state.generationId > generationId
  }

  /** Members of an earlier version of this client assign in another way: they are waited for, as long as they may only be dying. */
  #mayBeOfAnotherProtocol(error: unknown, sinceMs: number): boolean {
    const isOther = errorCodeOf(error) === errorCodes.INCONSISTENT_GROUP_PROTOCOL && this.#state.is === 'joining'
    return isOther && this.#cluster.clock.monotonicMs() - sinceMs < 3 * this.#options.sessionTimeoutMs
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
      this.#cancelHeartbeat?.()
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
