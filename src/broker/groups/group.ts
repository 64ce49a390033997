import { randomUUID } from 'node:crypto'
import { errorCodes } from '../../kafka-wire/index.ts'
import type { GroupContext, GroupState } from './group-state.ts'
import {
  failedJoin,
  failedSync,
  fitsIn,
  joinMember,
  membersOf,
  memberSnapshot,
  newMember,
  noBytes,
  readBy,
  sameProtocols,
  selectProtocol,
  type GroupSnapshot,
  type JoinInput,
  type JoinOutcome,
  type Member,
  type SyncInput,
  type SyncOutcome,
} from './member.ts'

/** Of the beginning of a member id: a longer one would be no string of the protocol's, and could not be written. */
const mostNameBytes = 0x7000

/**
 * A classic consumer group (JoinGroup to LeaveGroup): a state machine without I/O but for `persist`. Expected failures are
 * Kafka's error codes in the answers.
 */
export class Group {
  readonly kind = 'classic'
  readonly id: string
  readonly #context: GroupContext
  #state: GroupState = { is: 'empty' }
  #stateTimestampMs: number
  #generationId = 0
  #protocolType: string | null = null
  #protocolName: string | null = null
  #leader: string | null = null
  readonly #members = new Map<string, Member>()
  /** Member ids given out (KIP-394) whose owner has not joined yet. */
  readonly #pending = new Map<string, () => void>()

  constructor(id: string, context: GroupContext) {
    this.id = id
    this.#context = context
    this.#stateTimestampMs = context.clock.nowMs()
  }

  get state(): GroupState['is'] {
    return this.#state.is
  }
  get stateTimestampMs(): number {
    return this.#stateTimestampMs
  }
  get generationId(): number {
    return this.#generationId
  }
  get protocolType(): string | null {
    return this.#protocolType
  }
  get protocolName(): string | null {
    return this.#protocolName
  }
  get members(): readonly Member[] {
    return [...this.#members.values()]
  }

  /** Whether a member of this consumer group subscribes to the topic; when nobody can tell, yes. */
  reads(topic: string): boolean {
    return this.#protocolType === 'consumer' && this.#state.is !== 'empty' && readBy(this.members, this.#protocolName, topic)
  }

  /** Takes over what `__consumer_offsets` says; members have a session timeout from now on to show themselves. */
  restore(snapshot: GroupSnapshot): void {
    this.#generationId = snapshot.generationId
    this.#protocolType = snapshot.protocolType === '' ? null : snapshot.protocolType
    this.#protocolName = snapshot.protocolName
    this.#leader = snapshot.leader
    this.#stateTimestampMs = snapshot.stateTimestampMs
    for (const member of membersOf(snapshot)) {
      this.#members.set(member.id, member)
      this.#startSession(member)
    }
    this.#state = { is: this.#members.size > 0 ? 'stable' : 'empty' }
    // It was a consumer group until now: what the members of that protocol had is nobody's.
    if (this.#leader === null && this.#members.size > 0) this.#prepare()
  }

  #enter(state: GroupState): void {
    if (this.#state.is === 'preparing' || this.#state.is === 'completing') this.#state.stopTimer()
    this.#state = state
    this.#stateTimestampMs = this.#context.clock.nowMs()
  }

  join(input: JoinInput): Promise<JoinOutcome> | JoinOutcome {
    const { memberId } = input
    if (this.#state.is === 'dead') return failedJoin(errorCodes.COORDINATOR_NOT_AVAILABLE, memberId)
    if (!fitsIn(this.members, this.#protocolType, input)) return failedJoin(errorCodes.INCONSISTENT_GROUP_PROTOCOL, memberId)
    if (memberId === '') return this.#joinNew(input)
    const stopPending = this.#pending.get(memberId)
    if (stopPending) {
      stopPending()
      this.#pending.delete(memberId)
      return this.#add(memberId, input)
    }
    const member = this.#known(memberId, input.instanceId)
    return typeof member === 'number' ? failedJoin(member, memberId) : this.#joinAgain(member, input)
  }

  #joinNew(input: JoinInput): Promise<JoinOutcome> | JoinOutcome {
    const name = Buffer.from(input.instanceId ?? input.clientId).subarray(0, mostNameBytes)
    const memberId = `${name.toString()}-${randomUUID()}`
    const old = this.#static(input.instanceId)
    if (old) return this.#replaceStatic(old, memberId, input)
    if (this.#members.size + this.#pending.size >= this.#context.maxMembers) return failedJoin(errorCodes.GROUP_MAX_SIZE_REACHED, '')
    if (!input.needsMemberId || input.instanceId !== null) return this.#add(memberId, input)
    const stop = this.#context.clock.after(input.sessionTimeoutMs, () => {
      this.#pending.delete(memberId)
      this.#completeWhenAllJoined()
    })
    this.#pending.set(memberId, stop)
    return failedJoin(errorCodes.MEMBER_ID_REQUIRED, memberId)
  }

  #add(memberId: string, input: JoinInput): Promise<JoinOutcome> {
    const member = newMember(memberId, input)
    if (this.#members.size === 0) this.#protocolType = input.protocolType
    this.#members.set(memberId, member)
    return this.#rejoin(member, input)
  }

  /** Lets the member wait for the rebalance, which begins now unless it runs. */
  #rejoin(member: Member, input: JoinInput): Promise<JoinOutcome> {
    Object.assign(member, {
      protocols: input.protocols,
      sessionTimeoutMs: input.sessionTimeoutMs,
      rebalanceTimeoutMs: input.rebalanceTimeoutMs,
    })
    member.joining?.(failedJoin(errorCodes.REBALANCE_IN_PROGRESS, member.id))
    const outcome = new Promise<JoinOutcome>((resolve) => (member.joining = resolve))
    this.#startSession(member)
    if (this.#state.is === 'preparing') this.#completeWhenAllJoined()
    else this.#prepare()
    return outcome
  }

  #joinAgain(member: Member, input: JoinInput): Promise<JoinOutcome> | JoinOutcome {
    const same = sameProtocols(member.protocols, input.protocols)
    // A lost answer: the member asks again for what it was told already.
    if (this.#state.is === 'completing' && same) return this.#joined(member)
    if (this.#state.is === 'stable' && same && member.id !== this.#leader) return this.#joined(member)
    if (this.#state.is === 'empty') return failedJoin(errorCodes.UNKNOWN_MEMBER_ID, member.id)
    return this.#rejoin(member, input)
  }

  /** A static member came back without its id: the old id is fenced, and a stable group is not disturbed (KIP-345). */
  #replaceStatic(old: Member, memberId: string, input: JoinInput): Promise<JoinOutcome> | JoinOutcome {
    const oldId = old.id
    const leaderBefore = this.#leader
    old.joining?.(failedJoin(errorCodes.FENCED_INSTANCE_ID, oldId))
    old.syncing?.(failedSync(errorCodes.FENCED_INSTANCE_ID))
    old.joining = old.syncing = null
    this.#members.delete(oldId)
    this.#members.set(memberId, old)
    old.id = memberId
    if (leaderBefore === oldId) this.#leader = memberId
    const subscription = (protocols: JoinInput['protocols']): Uint8Array =>
      protocols.find(({ name }) => name === this.#protocolName)?.metadata ?? noBytes
    const same = Buffer.compare(subscription(old.protocols), subscription(input.protocols)) === 0
    if (this.#state.is !== 'stable' || !same) return this.#rejoin(old, input)
    old.clientId = input.clientId
    old.clientHost = input.clientHost
    this.#startSession(old)
    return this.#context.persist(this).then((ok) => {
      if (!ok) return failedJoin(errorCodes.COORDINATOR_NOT_AVAILABLE, memberId)
      if (input.canSkipAssignment) return { ...this.#joined(old), skipAssignment: leaderBefore === oldId }
      // An older client that was leader is not told so, or it would assign again.
      return { ...this.#joined(old), leader: leaderBefore ?? '', members: [] }
    })
  }

  #static(instanceId: string | null): Member | undefined {
    return instanceId === null ? undefined : this.members.find((member) => member.instanceId === instanceId)
  }

  /** The member behind an id, or why there is none: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. */
  #known(memberId: string, instanceId: string | null): Member | number {
    const instance = this.#static(instanceId)
    if (instance) return instance.id === memberId ? instance : errorCodes.FENCED_INSTANCE_ID
    const member = this.#members.get(memberId)
    return member && instanceId === null ? member : errorCodes.UNKNOWN_MEMBER_ID
  }

  #prepare(): void {
    if (this.#state.is === 'dead') return
    const first = this.#state.is === 'empty' && this.#context.initialDelayMs > 0
    for (const member of this.members) {
      // Of a generation that nobody was told of.
      if (this.#state.is === 'completing') member.assignment = noBytes
      member.syncing?.(failedSync(errorCodes.REBALANCE_IN_PROGRESS))
      member.syncing = null
    }
    const timeoutMs = first ? this.#context.initialDelayMs : Math.max(0, ...this.members.map((member) => member.rebalanceTimeoutMs))
    this.#enter({ is: 'preparing', first, stopTimer: this.#context.clock.after(timeoutMs, () => this.#completeJoin()) })
    this.#completeWhenAllJoined()
  }

  #completeWhenAllJoined(): void {
    if (this.#state.is !== 'preparing' || this.#state.first || this.#pending.size > 0) return
    if (this.members.every((member) => member.joining)) this.#completeJoin()
  }

  #completeJoin(): void {
    for (const member of this.members) if (!member.joining && member.instanceId === null) this.#drop(member)
    const members = this.members
    this.#generationId++
    if (members.length === 0) {
      this.#protocolName = null
      this.#leader = null
      this.#enter({ is: 'empty' })
      void this.#context.persist(this)
      return
    }
    const joined = members.filter((member) => member.joining)
    if (joined.length === 0) {
      // Only static members, none back yet: their sessions decide.
      this.#generationId--
      this.#enter({ is: 'stable' })
      return this.#prepare()
    }
    if (!joined.some((member) => member.id === this.#leader)) this.#leader = joined[0]?.id ?? null
    this.#protocolName = selectProtocol(members)
    const timeoutMs = Math.max(...members.map((member) => member.rebalanceTimeoutMs))
    this.#enter({ is: 'completing', stopTimer: this.#context.clock.after(timeoutMs, () => this.#syncOverdue()) })
    for (const member of joined) {
      const answer = member.joining
      member.joining = null
      this.#startSession(member)
      answer?.(this.#joined(member))
    }
  }

  #joined(member: Member): JoinOutcome {
    const name = this.#protocolName
    return {
      errorCode: errorCodes.NONE,
      memberId: member.id,
      generationId: this.#generationId,
      protocolType: this.#protocolType,
      protocolName: name,
      leader: this.#leader ?? '',
      skipAssignment: false,
      members: member.id === this.#leader ? this.members.map((one) => joinMember(one, name)) : [],
    }
  }

  /** The leader did not assign in time: whoever has not synced is out. */
  #syncOverdue(): void {
    for (const member of this.members) if (!member.syncing) this.#drop(member)
    this.#prepare()
  }

  async sync(input: SyncInput): Promise<SyncOutcome> {
    const member = this.#inGeneration(input.memberId, input.instanceId, input.generationId)
    if (typeof member === 'number') return failedSync(member)
    const wrongType = input.protocolType !== null && input.protocolType !== this.#protocolType
    const wrongName = input.protocolName !== null && input.protocolName !== this.#protocolName
    if (wrongType || wrongName) return failedSync(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
    this.#startSession(member)
    switch (this.#state.is) {
      case 'preparing':
        return failedSync(errorCodes.REBALANCE_IN_PROGRESS)
      case 'stable':
        return this.#assigned(member)
      case 'completing':
        break
      default:
        return failedSync(errorCodes.UNKNOWN_MEMBER_ID)
    }
    member.syncing?.(failedSync(errorCodes.REBALANCE_IN_PROGRESS))
    const outcome = new Promise<SyncOutcome>((resolve) => (member.syncing = resolve))
    if (member.id === this.#leader) await this.#assign(input)
    return outcome
  }

  async #assign(input: SyncInput): Promise<void> {
    const generationId = this.#generationId
    const given = new Map(input.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
    for (const member of this.members) member.assignment = given.get(member.id) ?? noBytes
    const ok = await this.#context.persist(this)
    if (this.#state.is !== 'completing' || this.#generationId !== generationId) return
    if (!ok) {
      for (const member of this.members) {
        member.syncing?.(failedSync(errorCodes.COORDINATOR_NOT_AVAILABLE))
        member.syncing = null
      }
      return this.#prepare()
    }
    this.#enter({ is: 'stable' })
    for (const member of this.members) {
      member.syncing?.(this.#assigned(member))
      member.syncing = null
      this.#startSession(member)
    }
  }

  #assigned(member: Member): SyncOutcome {
    return { errorCode: errorCodes.NONE, protocolType: this.#protocolType, protocolName: this.#protocolName, assignment: member.assignment }
  }

  /** The member of the current generation, or the error code to answer. */
  #inGeneration(memberId: string, instanceId: string | null, generationId: number): Member | number {
    if (this.#state.is === 'dead') return errorCodes.COORDINATOR_NOT_AVAILABLE
    const member = this.#known(memberId, instanceId)
    if (typeof member === 'number') return member
    return generationId === this.#generationId ? member : errorCodes.ILLEGAL_GENERATION
  }

  heartbeat(memberId: string, instanceId: string | null, generationId: number): number {
    const member = this.#inGeneration(memberId, instanceId, generationId)
    if (typeof member === 'number') return member
    this.#startSession(member)
    return this.#state.is === 'preparing' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
  }

  /** Whether offsets may be committed by this member; a commit without a member only in a transaction, or while the group is empty. */
  mayCommit(memberId: string, instanceId: string | null, generationId: number, transactional: boolean): number {
    if (generationId < 0 && memberId === '' && instanceId === null) {
      return transactional || this.#state.is === 'empty' ? errorCodes.NONE : errorCodes.UNKNOWN_MEMBER_ID
    }
    const member = this.#inGeneration(memberId, instanceId, generationId)
    if (typeof member === 'number') return member
    this.#startSession(member)
    return this.#state.is === 'completing' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
  }

  leave(memberId: string, instanceId: string | null): number {
    if (this.#state.is === 'dead') return errorCodes.COORDINATOR_NOT_AVAILABLE
    const stopPending = this.#pending.get(memberId)
    if (stopPending) {
      stopPending()
      this.#pending.delete(memberId)
      this.#completeWhenAllJoined()
      return errorCodes.NONE
    }
    const member = memberId === '' ? (this.#static(instanceId) ?? errorCodes.UNKNOWN_MEMBER_ID) : this.#known(memberId, instanceId)
    if (typeof member === 'number') return member
    this.#remove(member)
    return errorCodes.NONE
  }

  #remove(member: Member): void {
    this.#drop(member)
    if (this.#state.is === 'stable' || this.#state.is === 'completing') this.#prepare()
    else this.#completeWhenAllJoined()
  }

  #drop(member: Member, told: number = errorCodes.UNKNOWN_MEMBER_ID): void {
    member.stopSession()
    member.joining?.(failedJoin(told, member.id))
    member.syncing?.(failedSync(told))
    member.joining = member.syncing = null
    this.#members.delete(member.id)
    if (this.#leader === member.id) this.#leader = null
  }

  #startSession(member: Member): void {
    member.stopSession()
    member.stopSession = this.#context.clock.after(member.sessionTimeoutMs, () => {
      // Whoever waits for an answer of ours is alive.
      if (member.joining || member.syncing) this.#startSession(member)
      else this.#remove(member)
    })
  }

  /** Ends the group: all who wait are `told` so, all timers stop. */
  close(told: number = errorCodes.UNKNOWN_MEMBER_ID): void {
    for (const member of this.members) this.#drop(member, told)
    for (const stop of this.#pending.values()) stop()
    this.#pending.clear()
    this.#enter({ is: 'dead' })
  }

  snapshot(): GroupSnapshot {
    return {
      protocolType: this.#protocolType ?? '',
      generationId: this.#generationId,
      protocolName: this.#protocolName,
      leader: this.#leader,
      stateTimestampMs: this.#stateTimestampMs,
      members: this.members.map((member) => memberSnapshot(member, this.#protocolName)),
    }
  }
}
