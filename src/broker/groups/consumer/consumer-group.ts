import { randomUUID } from 'node:crypto'
import { errorCodes } from '../../../kafka-wire/index.ts'
import type { Clock } from '../../../platform/index.ts'
import { failedJoin, failedSync, type JoinInput, type JoinOutcome, type SyncInput, type SyncOutcome } from '../member.ts'
import { admit, admitClassic, notTheOne, type Admitted } from './admission.ts'
import { newTargets, preferredAssignor } from './targets.ts'
import * as classic from './classic-members.ts'
import { refusal, refusedHeartbeat, type HeartbeatInput, type HeartbeatOutcome } from './heartbeat.ts'
import type { ConsumerGroupImage } from './image.ts'
import {
  isClassic,
  leaving,
  leavingForAWhile,
  sameIdentity,
  sameSubscription,
  updated,
  type ClassicMember,
  type ConsumerMember,
} from './member.ts'
import { commitRefusal, otherEpoch } from './member-epochs.ts'
import { MemberTimers } from './member-timers.ts'
import { nothingAssigned, noPartitions, samePartitions, type Partitions } from './partitions.ts'
import { reconcile } from './reconcile.ts'
import * as records from './records.ts'
import type { RecordEntry } from './records.ts'
import { Roster } from './roster.ts'
import { resolveSubscriptions, type Subscriptions, type TopicsView } from './subscriptions.ts'

export interface ConsumerGroupSettings {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxMembers: number
}

export interface ConsumerGroupContext {
  readonly clock: Clock
  readonly topics: TopicsView
  settings(): ConsumerGroupSettings
  /** Writes records of the group to `__consumer_offsets`, with those that could not be written before; false when that failed. */
  persist(entries: readonly RecordEntry[]): Promise<boolean>
  /** Puts a classic group in this one's place, now that all its members speak that protocol; the records of that one, or null where it may not be. */
  becomeClassic(group: ConsumerGroup): readonly RecordEntry[] | null
}

export type ConsumerGroupState = 'empty' | 'assigning' | 'reconciling' | 'stable' | 'dead'

/**
 * A group whose assignments the broker makes (KIP-848). Whatever members subscribe to changes the group's epoch; for each epoch there
 * is a target assignment, to which every member is led by its own heartbeats. Expected failures are Kafka's error codes.
 */
export class ConsumerGroup {
  readonly kind = 'consumer'
  readonly id: string
  readonly #context: ConsumerGroupContext
  /** As Kafka 4.4: the first member makes it 2. */
  #epoch = 1
  #targetEpoch = 0
  #hash = 0n
  #patterns: ReadonlyMap<string, readonly string[]> = new Map()
  readonly #roster = new Roster()
  readonly #timers: MemberTimers
  #targets = new Map<string, Partitions>()
  /** Of the topics when the subscriptions were last looked at. */
  #seenRevision = -1
  #stateTimestampMs: number
  #dead = false

  constructor(id: string, context: ConsumerGroupContext) {
    this.id = id
    this.#context = context
    this.#timers = new MemberTimers(context.clock, (memberId) => this.#overdue(memberId))
    this.#stateTimestampMs = context.clock.nowMs()
  }

  get state(): ConsumerGroupState {
    if (this.#dead) return 'dead'
    if (this.#roster.size === 0) return 'empty'
    if (this.#epoch > this.#targetEpoch) return 'assigning'
    const settled = this.members.every(({ state, epoch }) => state === 'stable' && epoch === this.#targetEpoch)
    return settled ? 'stable' : 'reconciling'
  }
  /** When it became empty; only then it counts. */
  get stateTimestampMs(): number {
    return this.#stateTimestampMs
  }
  get protocolType(): string {
    return 'consumer'
  }
  get epoch(): number {
    return this.#epoch
  }
  /** Whether nothing of it was ever written. */
  get isUnheardOf(): boolean {
    return this.#targetEpoch === 0 && this.#roster.size === 0
  }
  get targetEpoch(): number {
    return this.#targetEpoch
  }
  get members(): readonly ConsumerMember[] {
    return this.#roster.all
  }
  targetOf(memberId: string): Partitions {
    return this.#targets.get(memberId) ?? noPartitions
  }

  get assignor(): string {
    return preferredAssignor(this.members)
  }

  /** Whether a member subscribes to the topic. */
  reads(topic: string): boolean {
    return this.members.some(
      ({ subscribedTopicNames, subscribedTopicRegex }) =>
        subscribedTopicNames.includes(topic) || (this.#patterns.get(subscribedTopicRegex)?.includes(topic) ?? false),
    )
  }

  /** Takes over what `__consumer_offsets` says, or a classic group said; members have a session timeout from now on to show themselves. */
  restore(image: ConsumerGroupImage): void {
    this.#epoch = image.epoch
    this.#targetEpoch = image.targetEpoch
    this.#hash = image.hash
    this.#patterns = image.patterns
    this.#targets = new Map(image.targets)
    for (const member of image.members) {
      this.#roster.put(member)
      this.#startSession(member)
      this.#timers.watchRevocation(member)
    }
  }

  get #door() {
    return { groupId: this.id, roster: this.#roster, maxMembers: this.#context.settings().maxMembers }
  }

  /** The caller has checked the heartbeat in itself. */
  heartbeat(input: HeartbeatInput): HeartbeatOutcome | Promise<HeartbeatOutcome> {
    if (this.#dead) return refusedHeartbeat(refusal(errorCodes.COORDINATOR_NOT_AVAILABLE, 'The group was deleted.'))
    if (input.memberEpoch < 0) return this.#leaves(input)
    const admitted = admit(this.#door, input)
    if ('errorCode' in admitted) return refusedHeartbeat(admitted)
    const { entries, next } = this.#take(admitted, updated(admitted.before, input), input.owned)
    return this.#answer(entries, admitted.before, next, input)
  }

  /** JoinGroup of a consumer that speaks the classic protocol: its part in the group is as any other's, what it owns its subscription says. */
  async join(input: JoinInput): Promise<JoinOutcome> {
    if (this.#dead) return failedJoin(errorCodes.COORDINATOR_NOT_AVAILABLE, input.memberId)
    const memberId = input.memberId === '' ? randomUUID() : input.memberId
    const subscription = classic.subscriptionIn(input)
    if (!classic.fitsIn(this.members, input) || !subscription) return failedJoin(errorCodes.INCONSISTENT_GROUP_PROTOCOL, input.memberId)
    const admitted = admitClassic(this.#door, input, memberId)
    if ('errorCode' in admitted) return failedJoin(admitted.errorCode, input.memberId)
    if (input.memberId === '' && input.needsMemberId && input.instanceId === null)
      return failedJoin(errorCodes.MEMBER_ID_REQUIRED, memberId)
    const member = classic.joined(admitted.before, input, subscription)
    const { entries, next } = this.#take(admitted, member, classic.byId(subscription.owned, this.#context.topics))
    // A static one may have taken the place of the last that did not.
    entries.push(...this.#downgrade())
    if (!(await this.#context.persist(entries))) return failedJoin(errorCodes.COORDINATOR_NOT_AVAILABLE, input.memberId)
    return classic.joinAnswer(member, next.epoch)
  }

  /** SyncGroup: what the member has as of its last JoinGroup. */
  async sync(input: SyncInput): Promise<SyncOutcome> {
    const member = this.#classicMember(input.memberId, input.instanceId)
    if (typeof member === 'number') return failedSync(member)
    const refused = classic.syncRefusal(member, input, this.#epoch)
    if (refused === errorCodes.REBALANCE_IN_PROGRESS) this.#timers.awaitJoin(member)
    if (refused !== errorCodes.NONE) return failedSync(refused)
    this.#timers.synced(member.id)
    this.#startSession(member)
    if (!(await this.#context.persist([]))) return failedSync(errorCodes.COORDINATOR_NOT_AVAILABLE)
    const { protocolType, protocolName } = input
    return {
      errorCode: errorCodes.NONE,
      protocolType,
      protocolName,
      assignment: classic.assignmentOf(member, member.assigned, this.#context.topics),
    }
  }

  /** Heartbeat of a member that speaks the classic protocol: REBALANCE_IN_PROGRESS tells it to join again. */
  classicHeartbeat(memberId: string, instanceId: string | null, generationId: number): number {
    const member = this.#classicMember(memberId, instanceId)
    if (typeof member === 'number') return member
    if (member.epoch !== generationId) return errorCodes.ILLEGAL_GENERATION
    this.#startSession(member)
    const isFree = (topicId: string, partition: number): boolean => this.#roster.isFreeFor(member.id, topicId, partition)
    if (!classic.mustJoinAgain(member, this.targetOf(member.id), this.#epoch, isFree)) return errorCodes.NONE
    this.#timers.awaitJoin(member)
    return errorCodes.REBALANCE_IN_PROGRESS
  }

  /** The member of the classic protocol behind a request, or the error code to answer. */
  #classicMember(memberId: string, instanceId: string | null): ClassicMember | number {
    if (this.#dead) return errorCodes.COORDINATOR_NOT_AVAILABLE
    const known = this.#roster.find(memberId, instanceId)
    const refused = notTheOne(this.id, known, memberId, instanceId)
    if (refused) return refused.errorCode
    return known && isClassic(known) ? known : errorCodes.UNKNOWN_MEMBER_ID
  }

  /** Takes the member as its request says it is, and leads it one step towards its target; what changed is to be written. */
  #take(
    { before, isNew, replaces }: Admitted,
    member: ConsumerMember,
    owned: Partitions | null,
  ): { entries: RecordEntry[]; next: ConsumerMember } {
    const entries: RecordEntry[] = []
    if (replaces) this.#replaceStatic(replaces, member, entries)
    if (isNew || !sameIdentity(before, member)) entries.push(records.memberEntry(this.id, member))
    this.#roster.put(member)
    this.#refresh(entries, (isNew && !replaces) || !sameSubscription(before, member) || before.serverAssignor !== member.serverAssignor)
    this.#retarget(entries)
    const target = { epoch: this.#targetEpoch, partitions: this.targetOf(member.id) }
    const next = reconcile(member, target, owned, (topicId, partition) => this.#roster.isFreeFor(member.id, topicId, partition))
    if (next !== member || replaces) entries.push(records.currentEntry(this.id, next))
    this.#roster.put(next)
    this.#startSession(next)
    if (next !== member) this.#timers.watchRevocation(next)
    if (next.classicMemberMetadata) this.#timers.awaitSync(next)
    else this.#timers.leftClassic(next.id)
    return { entries, next }
  }

  async #answer(entries: RecordEntry[], before: ConsumerMember, member: ConsumerMember, input: HeartbeatInput): Promise<HeartbeatOutcome> {
    const { heartbeatIntervalMs } = this.#context.settings()
    // P1: nobody is told an epoch or an assignment that a crash could take back.
    if (!(await this.#context.persist(entries)))
      return refusedHeartbeat(refusal(errorCodes.COORDINATOR_NOT_AVAILABLE, 'The state of the group could not be written.'))
    const isFull =
      input.memberEpoch === 0 ||
      (input.rebalanceTimeoutMs !== -1 &&
        (input.subscribedTopicNames !== null || input.subscribedTopicRegex !== null) &&
        input.owned !== null)
    const assignment = isFull || !samePartitions(before.assigned, member.assigned) ? member.assigned : null
    return {
      errorCode: errorCodes.NONE,
      errorMessage: null,
      memberId: member.id,
      memberEpoch: member.epoch,
      heartbeatIntervalMs,
      assignment,
    }
  }

  /** A static member is back under another id: it takes over what the old one had, and nobody else is disturbed. */
  #replaceStatic(old: ConsumerMember, member: ConsumerMember, entries: RecordEntry[]): void {
    const target = this.targetOf(old.id)
    entries.push(...records.memberTombstones(this.id, old.id))
    this.#drop(old)
    this.#targets.set(member.id, target)
    entries.push(records.targetEntry(this.id, member.id, target))
  }

  async #leaves({ memberId, memberEpoch, instanceId }: HeartbeatInput): Promise<HeartbeatOutcome> {
    const known = this.#roster.find(memberId, instanceId)
    const refused = notTheOne(this.id, known, memberId, instanceId)
    if (refused || !known) return refusedHeartbeat(refused ?? refusal(errorCodes.UNKNOWN_MEMBER_ID, 'unknown member'))
    if (memberEpoch === leaving) {
      if (!(await this.#remove([known])))
        return refusedHeartbeat(refusal(errorCodes.COORDINATOR_NOT_AVAILABLE, 'The state could not be written.'))
    } else {
      const away: ConsumerMember = { ...known, epoch: leavingForAWhile, state: 'stable', pendingRevocation: nothingAssigned }
      this.#roster.put(away)
      this.#timers.watchRevocation(away)
      if (!(await this.#context.persist([records.currentEntry(this.id, away)])))
        return refusedHeartbeat(refusal(errorCodes.COORDINATOR_NOT_AVAILABLE, 'The state could not be written.'))
    }
    return { errorCode: errorCodes.NONE, errorMessage: null, memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: null }
  }

  /** LeaveGroup: how an administrator removes members. */
  async leave(memberId: string, instanceId: string | null): Promise<number> {
    const known = this.#roster.find(memberId, memberId === '' ? instanceId : null)
    if (!known) return errorCodes.UNKNOWN_MEMBER_ID
    return (await this.#remove([known])) ? errorCodes.NONE : errorCodes.COORDINATOR_NOT_AVAILABLE
  }

  /** Members that left, or that were silent for too long: their partitions are free at once. */
  #remove(members: readonly ConsumerMember[]): Promise<boolean> {
    const entries: RecordEntry[] = []
    for (const member of members) {
      entries.push(...records.memberTombstones(this.id, member.id))
      this.#drop(member)
    }
    const classic = this.#downgrade()
    if (classic.length > 0) return this.#context.persist([...entries, ...classic])
    this.#refresh(entries, true)
    if (this.#roster.size === 0) {
      this.#stateTimestampMs = this.#context.clock.nowMs()
      // Nobody is left to ask for it.
      this.#retarget(entries)
    }
    return this.#context.persist(entries)
  }

  /** Ends the group when all that are left speak the classic protocol, and may go on as a classic group: the records that say so, or none. */
  #downgrade(): readonly RecordEntry[] {
    const isDue = this.#roster.size > 0 && this.members.every(({ classicMemberMetadata }) => classicMemberMetadata !== null)
    const successor = isDue ? this.#context.becomeClassic(this) : null
    if (!successor) return []
    const entries = [...this.tombstones(), ...successor]
    this.close()
    return entries
  }

  /** Looks at the subscriptions again when they or the topics have changed; what they lead to now is a new epoch. */
  #refresh(entries: RecordEntry[], changed: boolean): void {
    const { revision } = this.#context.topics
    if (!changed && revision === this.#seenRevision) return
    this.#seenRevision = revision
    const subscriptions = this.#subscriptions()
    this.#keepPatterns(subscriptions, entries)
    if (!changed && subscriptions.hash === this.#hash) return
    this.#hash = subscriptions.hash
    entries.push(records.groupEntry(this.id, ++this.#epoch, this.#hash))
  }

  #subscriptions(): Subscriptions {
    return resolveSubscriptions(this.members, this.#context.topics)
  }

  #keepPatterns({ patterns }: Subscriptions, entries: RecordEntry[]): void {
    for (const [pattern, topics] of patterns) {
      if (this.#patterns.get(pattern)?.join() !== topics.join())
        entries.push(records.patternEntry(this.id, pattern, topics, this.#seenRevision, this.#context.clock.nowMs()))
    }
    for (const pattern of this.#patterns.keys()) if (!patterns.has(pattern)) entries.push(records.patternTombstone(this.id, pattern))
    this.#patterns = patterns
  }

  /** Computes the target assignment of the present epoch, when it is not there yet. */
  #retarget(entries: RecordEntry[]): void {
    if (this.#epoch === this.#targetEpoch) return
    const targets = newTargets(this.members, this.#subscriptions(), (memberId) => this.targetOf(memberId))
    for (const [memberId, target] of targets) {
      const before = this.#targets.get(memberId)
      if (!before || !samePartitions(before, target)) entries.push(records.targetEntry(this.id, memberId, target))
    }
    this.#targets = targets
    this.#targetEpoch = this.#epoch
    entries.push(records.targetEpochEntry(this.id, this.#targetEpoch, this.#context.clock.nowMs()))
  }

  #drop(member: ConsumerMember): void {
    this.#roster.drop(member)
    this.#targets.delete(member.id)
    this.#timers.stop(member.id)
  }

  #startSession({ id, classicMemberMetadata }: ConsumerMember): void {
    this.#timers.startSession(id, classicMemberMetadata?.sessionTimeoutMs ?? this.#context.settings().sessionTimeoutMs)
  }

  /** Silent for too long, or slow to give up what it must (KIP-848). */
  #overdue(memberId: string): void {
    const member = this.#roster.get(memberId)
    if (member && !this.#dead) void this.#remove([member])
  }

  /** Whether offsets may be committed by this member: with its epoch, or an older one that had the partitions already (KIP-1251). */
  mayCommit(memberId: string, epoch: number, transactional: boolean, topics: readonly { topic: string; partition: number }[]): number {
    if (epoch < 0 && (memberId === '' || this.#roster.size === 0)) {
      return transactional || this.#roster.size === 0 ? errorCodes.NONE : errorCodes.UNKNOWN_MEMBER_ID
    }
    const member = this.#roster.get(memberId)
    if (!member) return errorCodes.UNKNOWN_MEMBER_ID
    const places = topics.map(({ topic, partition }) => ({ topicId: this.#context.topics.get(topic)?.id ?? '', partition }))
    return commitRefusal(member, epoch, places)
  }

  /** Whether offsets may be read by this member (OffsetFetch 9+); without one by anybody. */
  mayFetch(memberId: string | null, epoch: number): number {
    if ((memberId === null || memberId === '') && epoch < 0) return errorCodes.NONE
    const member = this.#roster.get(memberId ?? '')
    if (!member) return errorCodes.UNKNOWN_MEMBER_ID
    return member.epoch === epoch ? errorCodes.NONE : otherEpoch(member)
  }

  /** Whether this member speaks the classic protocol. */
  hasClassic(memberId: string): boolean {
    return (this.#roster.get(memberId)?.classicMemberMetadata ?? null) !== null
  }

  /** What deletes the group from the disk. */
  tombstones(): RecordEntry[] {
    return [
      ...this.members.flatMap(({ id }) => records.memberTombstones(this.id, id)),
      ...[...this.#patterns.keys()].map((pattern) => records.patternTombstone(this.id, pattern)),
      ...records.groupTombstones(this.id),
    ]
  }

  close(): void {
    this.#timers.close()
    this.#dead = true
  }
}
