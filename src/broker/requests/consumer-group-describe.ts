import { consumerGroupDescribe, errorCodes } from '../../kafka-wire/index.ts'
import type { ConsumerGroup } from '../groups/consumer/consumer-group.ts'
import { isClassic } from '../groups/consumer/member.ts'
import { listed, union, type Assigned, type Partitions } from '../groups/consumer/partitions.ts'
import { operations, unasked } from './authorized-operations.ts'
import { stateNames } from './describe-groups.ts'
import { handler, type RequestContext } from './handler.ts'

/** KIP-1099: which protocol a member speaks. */
const memberTypes = { classic: 0, consumer: 1 } as const

/** Groups whose assignments the broker makes (KIP-848); others are not found. */
export const consumerGroupDescribeHandler = handler(consumerGroupDescribe, [0, 1], (request, { broker }) => ({
  throttleTimeMs: 0,
  groups: request.groupIds.map((groupId) => {
    const group = broker.groups.get(groupId)
    if (group?.kind === 'consumer' && groupId !== '') {
      const authorizedOperations = request.includeAuthorizedOperations ? operations.group : unasked
      return { ...describe(group, broker), authorizedOperations }
    }
    const errorMessage = group ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`
    const nothing = { groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
    const invalid = { errorCode: errorCodes.INVALID_GROUP_ID, errorMessage: null }
    return { ...(groupId === '' ? invalid : { errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage }), groupId, ...nothing }
  }),
}))

function describe(group: ConsumerGroup, { topics }: RequestContext['broker']) {
  const named = (partitions: Partitions | Assigned) => ({
    topicPartitions: listed(partitions).flatMap((topic) => {
      const topicName = topics.byId(topic.topicId)?.name
      return topicName === undefined ? [] : [{ ...topic, topicName }]
    }),
  })
  return {
    errorCode: errorCodes.NONE,
    groupId: group.id,
    groupState: stateNames[group.state],
    groupEpoch: group.epoch,
    assignmentEpoch: group.targetEpoch,
    assignorName: group.assignor,
    members: group.members.map((member) => ({
      memberId: member.id,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.epoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames],
      subscribedTopicRegex: member.subscribedTopicRegex,
      // As Kafka: what it is giving up is its until it has.
      assignment: named(union(member.assigned, member.pendingRevocation)),
      targetAssignment: named(group.targetOf(member.id)),
      memberType: memberTypes[isClassic(member) ? 'classic' : 'consumer'],
    })),
  }
}
