import { consumerGroupHeartbeat } from '../../kafka-wire/index.ts'
import { fromList, listed } from '../groups/consumer/partitions.ts'
import { handler } from './handler.ts'

/** KIP-848: one request joins, keeps up and leaves. Version 0 leaves it to the broker to name a member. */
export const consumerGroupHeartbeatHandler = handler(consumerGroupHeartbeat, [0, 1], async (request, context) => {
  const { broker, apiVersion, clientId, clientHost } = context
  const names = apiVersion === 0 && request.memberId === '' && request.memberEpoch === 0
  const { assignment, ...outcome } = await broker.groups.consumerHeartbeat(request.groupId, {
    ...request,
    memberId: names ? crypto.randomUUID() : request.memberId,
    clientId,
    clientHost,
    owned: request.topicPartitions && fromList(request.topicPartitions),
  })
  return { throttleTimeMs: 0, ...outcome, assignment: assignment && { topicPartitions: listed(assignment) } }
})
