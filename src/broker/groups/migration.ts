import { errorCodes } from '../../kafka-wire/index.ts'
import type { BrokerConfig } from '../topics/broker-configs.ts'
import { assignmentOf, byId, consumerType } from './consumer/classic-members.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import { refusal, type Refusal } from './consumer/heartbeat.ts'
import type { ConsumerGroupImage } from './consumer/image.ts'
import { fresh, isClassic, type ConsumerMember } from './consumer/member.ts'
import { AssignedBuilder, each, fromList, listed, union, type Partitions } from './consumer/partitions.ts'
import { resolveSubscriptions, type TopicsView } from './consumer/subscriptions.ts'
import { readAssignment, readSubscription, type NamedPartitions, type Subscription } from './consumer-protocol.ts'
import type { Group } from './group.ts'
import { noBytes, selectProtocol, type GroupSnapshot, type Member } from './member.ts'

/** Which groups with members may change their kind (KIP-848): any, or those that go one way, or none. */
function allows(config: BrokerConfig, way: 'upgrade' | 'downgrade'): boolean {
  const policy = config.text('group.consumer.migration.policy')?.toLowerCase()
  return policy === 'bidirectional' || policy === way
}

/**
 * A classic group as the consumer group that a member of that protocol is about to join: generation and epoch are one, each member has what it
 * was assigned, and goes on to speak its own protocol. Or why it must stay what it is.
 */
export function upgraded(group: Group, topics: TopicsView, config: BrokerConfig): ConsumerGroupImage | Refusal {
  const { id, members, generationId } = group
  const no = (why: string): Refusal =>
    refusal(errorCodes.GROUP_ID_NOT_FOUND, `Cannot upgrade classic group ${id} to consumer group because ${why}.`)
  if (!allows(config, 'upgrade')) return no('online upgrade is disabled')
  if (group.protocolType !== consumerType) return no('the group does not use the consumer embedded protocol')
  const maxMembers = config.number('group.consumer.max.size')
  if (members.length > maxMembers) return no('the group size exceeds the consumer group maximum size')
  if (members.length === maxMembers)
    return refusal(errorCodes.GROUP_MAX_SIZE_REACHED, `The consumer group has reached its maximum capacity of ${maxMembers} members.`)
  const said = members.map((member) => whatIsSaid(member, group))
  const wrong = said.find((one) => typeof one === 'string')
  if (wrong !== undefined) return no(wrong)
  const known = said.filter((one) => typeof one !== 'string')
  const taken = new Set<string>()
  for (const { held, assigned } of known) claim(held, byId(assigned, topics), generationId, taken)
  // A member may not have been told yet what was taken from it, or have given it up: what it said when it joined counts as well.
  for (const { held, subscription } of known) claim(held, byId(subscription.owned, topics), generationId, taken)
  const consumers = known.map((one) => asConsumer(one, generationId))
  const targets = new Map(consumers.map((member) => [member.id, fromList(listed(member.assigned))]))
  const { hash, patterns } = resolveSubscriptions(consumers, topics)
  return { epoch: generationId, targetEpoch: generationId, hash, patterns, targets, members: consumers }
}

const malformed = 'the embedded consumer protocol is malformed'
const custom =
  'an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade'

interface Said {
  readonly member: Member
  readonly subscription: Subscription
  readonly assigned: readonly NamedPartitions[]
  /** What it may own. */
  readonly held: AssignedBuilder
}

/** What a member said, and was told; or what is wrong with that. */
function whatIsSaid(member: Member, group: Group): Said | string {
  const { metadata } = member.protocols.find(({ name }) => name === group.protocolName) ?? member.protocols[0] ?? { metadata: noBytes }
  const subscription = readSubscription(metadata)
  const assignment = readAssignment(member.assignment)
  if (!subscription || !assignment) return malformed
  return assignment.hasUserData ? custom : { member, subscription, assigned: assignment.partitions, held: new AssignedBuilder() }
}

/** Adds partitions that no other has `taken`. */
function claim(held: AssignedBuilder, partitions: Partitions, epoch: number, taken: Set<string>): void {
  for (const [topicId, partition] of each(partitions)) {
    const place = `${topicId}-${partition}`
    if (!taken.has(place)) held.add(topicId, partition, epoch)
    taken.add(place)
  }
}

function asConsumer({ member, subscription, held }: Said, epoch: number): ConsumerMember {
  return {
    ...fresh(member.id, member.instanceId),
    rackId: subscription.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    subscribedTopicNames: subscription.topics.toSorted(),
    classicMemberMetadata: { sessionTimeoutMs: member.sessionTimeoutMs, supportedProtocols: member.protocols },
    epoch,
    previousEpoch: epoch,
    assigned: held.all,
  }
}

/**
 * A consumer group whose members all speak the classic protocol, as the classic group it becomes: without a leader, so that it rebalances at
 * once. Null where it must stay what it is.
 */
export function downgraded(group: ConsumerGroup, topics: TopicsView, config: BrokerConfig, nowMs: number): GroupSnapshot | null {
  const members = group.members.filter(isClassic)
  if (!allows(config, 'downgrade') || members.length > config.number('group.max.size')) return null
  const protocolName = selectProtocol(members.map(({ classicMemberMetadata }) => ({ protocols: classicMemberMetadata.supportedProtocols })))
  if (protocolName === null) return null
  return {
    protocolType: consumerType,
    generationId: group.epoch,
    protocolName,
    leader: null,
    stateTimestampMs: nowMs,
    members: members.map((member) => ({
      id: member.id,
      instanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: member.classicMemberMetadata.sessionTimeoutMs,
      subscription: member.classicMemberMetadata.supportedProtocols.find(({ name }) => name === protocolName)?.metadata ?? noBytes,
      // Not what it was to have, as Kafka writes: nobody told it yet, and should another member of KIP-848 come first, that one must wait for this.
      assignment: assignmentOf(member, union(member.assigned, member.pendingRevocation), topics),
      protocols: member.classicMemberMetadata.supportedProtocols,
    })),
  }
}
