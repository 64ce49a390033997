import type { Assigned } from './partitions.ts'

/** As Kafka numbers them in its records. */
export const memberStates = { stable: 0, unrevoked: 1, unreleased: 2 } as const

/** The epoch by which a member says that it leaves, and a static one that it will be back (KIP-848). */
export const leaving = -1
export const leavingForAWhile = -2

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
  readonly epoch: number
  readonly previousEpoch: number
  /** `unrevoked`: it has to give partitions up first. `unreleased`: others have to give up what it is to get. */
  readonly state: keyof typeof memberStates
  readonly assigned: Assigned
  readonly pendingRevocation: Assigned
}

export function sameIdentity(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.serverAssignor === b.serverAssignor &&
    sameSubscription(a, b)
  )
}

export function sameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.subscribedTopicNames.length === b.subscribedTopicNames.length &&
    a.subscribedTopicNames.every((name, i) => name === b.subscribedTopicNames[i])
  )
}
