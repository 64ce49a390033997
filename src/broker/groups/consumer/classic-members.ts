import { errorCodes } from '../../../kafka-wire/index.ts'
import { readSubscription, writeAssignment, type NamedPartitions, type Subscription } from '../consumer-protocol.ts'
import type { JoinInput, JoinOutcome, SyncInput } from '../member.ts'
import type { ClassicMember, ConsumerMember } from './member.ts'
import { each, has, listed, type Assigned, type Partitions } from './partitions.ts'
import type { TopicsView } from './subscriptions.ts'

/** The one type of classic groups whose members can be among those of a consumer group. */
export const consumerType = 'consumer'

/** Whether whoever joins by the classic protocol is a consumer, and shares one of its protocols with all members that do so too. */
export function fitsIn(members: readonly ConsumerMember[], { protocolType, protocols }: JoinInput): boolean {
  if (protocolType !== consumerType) return false
  const classic = members.flatMap(({ classicMemberMetadata }) => classicMemberMetadata ?? [])
  return protocols.some(({ name }) => classic.every((one) => one.supportedProtocols.some((protocol) => protocol.name === name)))
}

/** What the member subscribes to; all its protocols say the same, so the first is read. Null when that is none. */
export function subscriptionIn({ protocols }: Pick<JoinInput, 'protocols'>): Subscription | null {
  const [first] = protocols
  return first ? readSubscription(first.metadata) : null
}

/** The member with what its JoinGroup says. */
export function joined(member: ConsumerMember, input: JoinInput, { topics, rackId }: Subscription): ClassicMember {
  return {
    ...member,
    rackId: rackId ?? member.rackId,
    clientId: input.clientId,
    clientHost: input.clientHost,
    rebalanceTimeoutMs: input.rebalanceTimeoutMs,
    subscribedTopicNames: topics.toSorted(),
    subscribedTopicRegex: '',
    classicMemberMetadata: { sessionTimeoutMs: input.sessionTimeoutMs, supportedProtocols: input.protocols },
  }
}

/** What the member is told: its new epoch as generation, and nobody as leader, for the broker assigns. */
export function joinAnswer(member: ClassicMember, epoch: number): JoinOutcome {
  return {
    errorCode: errorCodes.NONE,
    memberId: member.id,
    generationId: epoch,
    protocolType: consumerType,
    protocolName: protocolOf(member),
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

/** Why a member is not given its assignment, or NONE: it must know what its JoinGroup was answered, and be told of no newer rebalance. */
export function syncRefusal(member: ClassicMember, input: SyncInput, groupEpoch: number): number {
  const { generationId, protocolType, protocolName } = input
  if (generationId !== member.epoch) return errorCodes.ILLEGAL_GENERATION
  const wrongType = protocolType !== null && protocolType !== consumerType
  const wrongName = protocolName !== null && protocolName !== protocolOf(member)
  if (wrongType || wrongName) return errorCodes.INCONSISTENT_GROUP_PROTOCOL
  // One that is giving partitions up has joined again already.
  return groupEpoch > member.epoch && member.state !== 'unrevoked' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
}

/** Whether a member is to join again: the group went on, it has to give partitions up, or all that it waits for is free. */
export function mustJoinAgain(
  member: ConsumerMember,
  target: Partitions,
  groupEpoch: number,
  isFree: (topicId: string, partition: number) => boolean,
): boolean {
  if (member.epoch < groupEpoch || member.state === 'unrevoked') return true
  if (member.state !== 'unreleased') return false
  for (const [topicId, partition] of each(target))
    if (!has(member.assigned, topicId, partition) && !isFree(topicId, partition)) return false
  return true
}

/** The bytes that a SyncGroup gives the member: what it has, in the version it speaks. */
export function assignmentOf(member: ClassicMember, partitions: Partitions | Assigned, topics: TopicsView): Uint8Array {
  const protocols = member.classicMemberMetadata.supportedProtocols
  return writeAssignment(subscriptionIn({ protocols })?.version ?? 0, byName(partitions, topics))
}

/** As Kafka: the one the member itself prefers, for no other member is to understand it. */
function protocolOf({ classicMemberMetadata }: ClassicMember): string | null {
  return classicMemberMetadata.supportedProtocols[0]?.name ?? null
}

/** Of topics that exist. */
function byName(partitions: Partitions | Assigned, topics: TopicsView): NamedPartitions[] {
  return listed(partitions).flatMap(({ topicId, partitions: numbers }) => {
    const topic = topics.byId(topicId)?.name
    return topic === undefined ? [] : [{ topic, partitions: numbers }]
  })
}

/** … and of those the partitions that there are: the bytes are a client's. */
export function byId(named: readonly NamedPartitions[], topics: TopicsView): Partitions {
  const found = new Map<string, Set<number>>()
  for (const { topic: name, partitions } of named) {
    const topic = topics.get(name)
    const known = partitions.filter((partition) => partition >= 0 && partition < (topic?.logs.length ?? 0))
    if (topic && known.length > 0) found.set(topic.id, new Set([...(found.get(topic.id) ?? []), ...known]))
  }
  return found
}
