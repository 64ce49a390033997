import { errorCodes } from '../../../kafka-wire/index.ts'
import type { Clock } from '../../../platform/index.ts'
import { assignors, defaultAssignor } from './assignors.ts'
import { refusal, refusedHeartbeat, type HeartbeatInput, type HeartbeatOutcome, type Refusal } from './heartbeat.ts'
import { leaving, leavingForAWhile, sameIdentity, sameSubscription, type ConsumerMember } from './member.ts'
import { commitRefusal, wrongEpoch } from './member-epochs.ts'
import { MemberTimers } from './member-timers.ts'
import { OwedRecords } from './owed-records.ts'
import { nothingAssigned, noPartitions, samePartitions, type Partitions } from './partitions.ts'
import { reconcile } from './reconcile.ts'
import * as records from './records.ts'
import type { RecordEntry } from './records.ts'
import { Roster } from './roster.ts'
import type { ConsumerSnapshot } from './snapshot.ts'
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
  /** Writes records of the group to `__consumer_offsets`; false when that failed. */
  persist(entries: readonly RecordEntry[]): Promise<boolean>
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
  readonly #records: OwedRecords
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
    this.#records = new OwedRecords((entries) => context.persist(entries))
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

  /** What most members ask for. */
  get assignor(): string {
    const votes = new Map<string, number>()
    for (const { serverAssignor } of this.members)
      if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
    const [best] = [...votes].toSorted((a, b) => b[1] - a[1])
    return best?.[0] ?? defaultAssignor
  }

  /** Whether a member subscribes to the topic. */
  reads(topic: string): boolean {
    return this.members.some(
      ({ subscribedTopicNames, subscribedTopicRegex }) =>
        subscribedTopicNames.includes(topic) || (this.#patterns.get(subscribedTopicRegex)?.includes(topic) ?? false),
    )
  }

  /** Takes over what `__consumer_offsets` says; members have a session timeout from now on to show themselves. */
  restore(snapshot: ConsumerSnapshot): void {
    this.#epoch = snapshot.epoch
    this.#targetEpoch = snapshot.targetEpoch
    this.#hash = snapshot.hash
    this.#patterns = snapshot.patterns
    this.#targets = new Map(snapshot.targets)
    for (const member of snapshot.members) {
      this.#roster.put(member)
      this.#startSession(member.id)
      this.#timers.watchRevocation(member)
    }
  }

  /** Records that are to be written with the next of the group's own. */
  owe(entries: readonly RecordEntry[]): void {
    this.#records.owe(entries)
  }

  /** The caller has checked the heartbeat in itself. */
  heartbeat(input: HeartbeatInput): HeartbeatOutcome | Promise<HeartbeatOutcome> {
    if (this.#dead) return refusedHeartbeat(refusal(errorCodes.COORDINATOR_NOT_AVAILABLE, 'The group was deleted.'))
    return input.memberEpoch < 0 ? this.#leaves(input) : this.#beats(input)
  }

  #beats(input: HeartbeatInput): HeartbeatOutcome | Promise<HeartbeatOutcome> {
    const entries: RecordEntry[] = []
    const admitted = this.#admit(input)
    if ('errorCode' in admitted) return refusedHeartbeat(admitted)
    const { before, isNew } = admitted
    const member = updated(before, input)
    const replaced = admitted.replaces
    if (replaced) this.#replaceStatic(replaced, member, entries)
    if (isNew || !sameIdentity(before, member)) entries.push(records.memberEntry(this.id, member))
    this.#roster.put(member)
    this.#refresh(entries, (isNew && !replaced) || !sameSubscription(before, member) || before.serverAssignor !== member.serverAssignor)
    this.#retarget(entries)
    const target = { epoch: this.#targetEpoch, partitions: this.targetOf(member.id) }
    const next = reconcile(member, target, input.owned, (topicId, partition) => this.#roster.isFreeFor(member.id, topicId, partition))
    if (next !== member || replaced) entries.push(records.currentEntry(this.id, next))
    this.#roster.put(next)
    this.#startSession(next.id)
    if (next !== member) this.#timers.watchRevocation(next)
    return this.#answer(entries, before, next, input)
  }

  async #answer(entries: RecordEntry[], before: ConsumerMember, member: ConsumerMember, input: HeartbeatInput): Promise<HeartbeatOutcome> {
    const { heartbeatIntervalMs } = this.#context.settings()
    // P1: nobody is told an epoch or an assignment that a crash could take back.
    if (!(await this.#records.write(entries)))
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

  /** The member as it is before this heartbeat counts, or why it is none. */
  #admit(input: HeartbeatInput): { before: ConsumerMember; isNew: boolean; replaces: ConsumerMember | null } | Refusal {
    const { memberId, memberEpoch, instanceId } = input
    const known = this.#roster.find(memberId, instanceId)
    if (memberEpoch === 0) {
      if (!known) {
        if (this.#roster.size >= this.#context.settings().maxMembers)
          return refusal(
            errorCodes.GROUP_MAX_SIZE_REACHED,
            `The consumer group has reached its maximum capacity of ${this.#roster.size} members.`,
          )
        return { before: fresh(memberId, instanceId), isNew: true, replaces: null }
      }
      if (known.id === memberId) return { before: known, isNew: false, replaces: null }
      if (known.epoch !== leavingForAWhile) {
        return refusal(
          errorCodes.UNRELEASED_INSTANCE_ID,
          `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by member ${known.id}.`,
        )
      }
      const before = { ...known, id: memberId, epoch: 0, previousEpoch: 0 }
      return { before, isNew: true, replaces: known }
    }
    const refused = this.#refuses(known, memberId, instanceId)
    if (refused || !known) return refused ?? refusal(errorCodes.UNKNOWN_MEMBER_ID, 'unknown member')
    return wrongEpoch(known, input) ?? { before: known, isNew: false, replaces: null }
  }

  #refuses(known: ConsumerMember | undefined, memberId: string, instanceId: string | null): Refusal | null {
    if (!known) {
      const who = instanceId === null ? `Member ${memberId}` : `Instance id ${instanceId}`
      return refusal(errorCodes.UNKNOWN_MEMBER_ID, `${who} is not a member of group ${this.id}.`)
    }
    if (known.id === memberId) return null
    return refusal(
      errorCodes.FENCED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} was fenced by member ${known.id}.`,
    )
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
    const refused = this.#refuses(known, memberId, instanceId)
    if (refused || !known) return refusedHeartbeat(refused ?? refusal(errorCodes.UNKNOWN_MEMBER_ID, 'unknown member'))
    if (memberEpoch === leaving) {
      if (!(await this.#remove([known])))
        return refusedHeartbeat(refusal(errorCodes.COORDINATOR_NOT_AVAILABLE, 'The state could not be written.'))
    } else {
      const away: ConsumerMember = { ...known, epoch: leavingForAWhile, state: 'stable', pendingRevocation: nothingAssigned }
      this.#roster.put(away)
      this.#timers.watchRevocation(away)
      if (!(await this.#records.write([records.currentEntry(this.id, away)])))
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
    this.#refresh(entries, true)
    if (this.#roster.size === 0) {
      this.#stateTimestampMs = this.#context.clock.nowMs()
      // Nobody is left to ask for it.
      this.#retarget(entries)
    }
    return this.#records.write(entries)
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
    const subscriptions = this.#subscriptions()
    const subscribers = this.members.map((member) => ({
      id: member.id,
      instanceId: member.instanceId,
      topics: new Set(subscriptions.topicsOf(member).map(({ id }) => id)),
      target: this.targetOf(member.id),
    }))
    const sizes = new Map(subscriptions.topics.map(({ id, logs }) => [id, logs.length]))
    const targets = assignors[this.assignor]?.(subscribers, sizes) ?? new Map<string, Partitions>()
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

  #startSession(memberId: string): void {
    this.#timers.startSession(memberId, this.#context.settings().sessionTimeoutMs)
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
    return member.epoch === epoch ? errorCodes.NONE : errorCodes.STALE_MEMBER_EPOCH
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

function fresh(id: string, instanceId: string | null): ConsumerMember {
  return {
    id,
    instanceId,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    serverAssignor: null,
    epoch: 0,
    previousEpoch: 0,
    state: 'stable',
    assigned: nothingAssigned,
    pendingRevocation: nothingAssigned,
  }
}

/** The member with what the heartbeat says anew. */
function updated(member: ConsumerMember, input: HeartbeatInput): ConsumerMember {
  const { subscribedTopicNames, subscribedTopicRegex, rebalanceTimeoutMs } = input
  return {
    ...member,
    rackId: input.rackId ?? member.rackId,
    clientId: input.clientId,
    clientHost: input.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: input.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: subscribedTopicNames === null ? member.subscribedTopicNames : subscribedTopicNames.toSorted(),
    subscribedTopicRegex: subscribedTopicRegex ?? member.subscribedTopicRegex,
  }
}
