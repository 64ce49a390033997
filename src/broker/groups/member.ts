import { subscribedTopics } from './consumer-protocol.ts'

/** A protocol a member can take part in, best first in its list; `metadata` (its subscription) is opaque here. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Uint8Array
}

/** One member of a classic group. */
export interface Member {
  id: string
  /** `group.instance.id` of a static member (KIP-345). */
  readonly instanceId: string | null
  clientId: string
  clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Uint8Array
  /** Answers the JoinGroup that waits for the rebalance. */
  joining: ((outcome: JoinOutcome) => void) | null
  /** Answers the SyncGroup that waits for the leader's assignment. */
  syncing: ((outcome: SyncOutcome) => void) | null
  stopSession: () => void
}

export interface JoinInput {
  /** Empty for a member that has no id yet. */
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
  /** KIP-394 (JoinGroup 4+): a new dynamic member is first told its id. */
  readonly needsMemberId: boolean
  /** KIP-814 (JoinGroup 9+): a static leader that came back may be told to leave the assignment as it is. */
  readonly canSkipAssignment: boolean
}

export interface JoinOutcome {
  readonly errorCode: number
  readonly memberId: string
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  /** Only for the leader. */
  readonly members: readonly { memberId: string; groupInstanceId: string | null; metadata: Uint8Array }[]
}

export interface SyncInput {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { memberId: string; assignment: Uint8Array }[]
}

export interface SyncOutcome {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Uint8Array
}

/** A group as it is kept in `__consumer_offsets`. */
export interface GroupSnapshot {
  readonly protocolType: string
  readonly generationId: number
  readonly protocolName: string | null
  readonly leader: string | null
  readonly stateTimestampMs: number
  readonly members: readonly {
    id: string
    instanceId: string | null
    clientId: string
    clientHost: string
    rebalanceTimeoutMs: number
    sessionTimeoutMs: number
    subscription: Uint8Array
    assignment: Uint8Array
    /** All that it knows; on the disk there is only the one in force. */
    protocols?: readonly MemberProtocol[]
  }[]
}

export const noBytes = new Uint8Array(0)

export function failedJoin(errorCode: number, memberId: string): JoinOutcome {
  return { errorCode, memberId, generationId: -1, protocolType: null, protocolName: null, leader: '', skipAssignment: false, members: [] }
}

export function failedSync(errorCode: number): SyncOutcome {
  return { errorCode, protocolType: null, protocolName: null, assignment: noBytes }
}

/** Whether two lists name the same protocols with the same metadata in the same order. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((protocol, i) => protocol.name === b[i]?.name && Buffer.compare(protocol.metadata, b[i].metadata) === 0)
  )
}

/** The protocol that all members know and most prefer; ties go to the first member's order. Null when they share none. */
export function selectProtocol(members: readonly Pick<Member, 'protocols'>[]): string | null {
  const [first, ...others] = members
  const shared = (first?.protocols ?? [])
    .map(({ name }) => name)
    .filter((name) => others.every((member) => member.protocols.some((protocol) => protocol.name === name)))
  const votes = new Map(shared.map((name) => [name, 0]))
  for (const member of members) {
    const vote = member.protocols.find(({ name }) => votes.has(name))
    if (vote) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
  }
  let best: string | null = null
  for (const name of shared) if (best === null || (votes.get(name) ?? 0) > (votes.get(best) ?? 0)) best = name
  return best
}

export function newMember(id: string, input: JoinInput): Member {
  return {
    id,
    instanceId: input.instanceId,
    clientId: input.clientId,
    clientHost: input.clientHost,
    sessionTimeoutMs: input.sessionTimeoutMs,
    rebalanceTimeoutMs: input.rebalanceTimeoutMs,
    protocols: input.protocols,
    assignment: noBytes,
    joining: null,
    syncing: null,
    stopSession: () => {},
  }
}

/** The members of a snapshot; of their protocols only the one in force may be known. */
export function membersOf(snapshot: GroupSnapshot): Member[] {
  return snapshot.members.map(({ subscription, protocols, ...kept }) => ({
    ...kept,
    protocols: protocols ?? [{ name: snapshot.protocolName ?? '', metadata: subscription }],
    joining: null,
    syncing: null,
    stopSession: () => {},
  }))
}

export function memberSnapshot(member: Member, protocolName: string | null): GroupSnapshot['members'][number] {
  return {
    id: member.id,
    instanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: member.sessionTimeoutMs,
    subscription: member.protocols.find(({ name }) => name === protocolName)?.metadata ?? noBytes,
    assignment: member.assignment,
  }
}

/** Whether whoever joins shares the group's protocol type and a protocol with all members; a member that comes back counts as it was. */
export function fitsIn(members: readonly Member[], protocolType: string | null, input: JoinInput): boolean {
  if (input.protocolType === '' || input.protocols.length === 0) return false
  if (members.length === 0) return true
  const isShared = (name: string): boolean => members.every((member) => member.protocols.some((protocol) => protocol.name === name))
  return input.protocolType === protocolType && input.protocols.some(({ name }) => isShared(name))
}

/** Whether one of the members subscribes to the topic, by the protocol in force or before it is chosen by any; unreadable subscriptions count. */
export function readBy(members: readonly Member[], protocolName: string | null, topic: string): boolean {
  const known = members.flatMap(({ protocols }) => protocols.filter(({ name }) => protocolName === null || name === protocolName))
  return known.some(({ metadata }) => subscribedTopics(metadata)?.includes(topic) ?? true)
}

/** A member as the leader is told of it. */
export function joinMember({ id, instanceId, protocols }: Member, protocolName: string | null): JoinOutcome['members'][number] {
  return { memberId: id, groupInstanceId: instanceId, metadata: protocols.find(({ name }) => name === protocolName)?.metadata ?? noBytes }
}
