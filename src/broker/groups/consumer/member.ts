import { sameProtocols, type MemberProtocol } from '../member.ts'
import type { HeartbeatInput } from './heartbeat.ts'
import { nothingAssigned, type Assigned } from './partitions.ts'

/** As Kafka numbers them in its records. */
export const memberStates = { stable: 0, unrevoked: 1, unreleased: 2 } as const

/** The epoch by which a member says that it leaves, and a static one that it will be back (KIP-848). */
export const leaving = -1
export const leavingForAWhile = -2

/** What a member of the classic protocol said in its JoinGroup; its metadata is a subscription in each protocol. As Kafka's record names it. */
export interface ClassicMemberMetadata {
  readonly sessionTimeoutMs: number
  readonly supportedProtocols: readonly MemberProtocol[]
}

/** One member of a group whose assignments the broker makes; replaced, never changed. */
export interface ConsumerMember {
  readonly id: string
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[]
  /** Empty: none. */
  readonly subscribedTopicRegex: string
  readonly serverAssignor: string | null
  /** Null: it speaks the protocol of KIP-848. */
  readonly classicMemberMetadata: ClassicMemberMetadata | null
  readonly epoch: number
  readonly previousEpoch: number
  /** `unrevoked`: it has to give partitions up first. `unreleased`: others have to give up what it is to get. */
  readonly state: keyof typeof memberStates
  readonly assigned: Assigned
  readonly pendingRevocation: Assigned
}

export type ClassicMember = ConsumerMember & { readonly classicMemberMetadata: ClassicMemberMetadata }

export function isClassic(member: ConsumerMember): member is ClassicMember {
  return member.classicMemberMetadata !== null
}

export function sameIdentity(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.serverAssignor === b.serverAssignor &&
    sameClassic(a.classicMemberMetadata, b.classicMemberMetadata) &&
    sameSubscription(a, b)
  )
}

function sameClassic(a: ClassicMemberMetadata | null, b: ClassicMemberMetadata | null): boolean {
  if (a === null || b === null) return a === b
  return a.sessionTimeoutMs === b.sessionTimeoutMs && sameProtocols(a.supportedProtocols, b.supportedProtocols)
}

export function sameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.subscribedTopicNames.length === b.subscribedTopicNames.length &&
    a.subscribedTopicNames.every((name, i) => name === b.subscribedTopicNames[i])
  )
}

export function fresh(id: string, instanceId: string | null): ConsumerMember {
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
    classicMemberMetadata: null,
    epoch: 0,
    previousEpoch: 0,
    state: 'stable',
    assigned: nothingAssigned,
    pendingRevocation: nothingAssigned,
  }
}

/** The member with what the heartbeat says anew. */
export function updated(member: ConsumerMember, input: HeartbeatInput): ConsumerMember {
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
    classicMemberMetadata: null,
  }
}
