import { errorCodes, syncGroup } from '../../kafka-wire/index.ts'
import { failedSync } from '../groups/member.ts'
import { handler } from './handler.ts'

export const syncGroupHandler = handler(syncGroup, [0, 5], async (request, { broker, apiVersion }) => {
  // KIP-559: from this version on a member says what it believes the group has agreed on.
  if (apiVersion >= 5 && (request.protocolType === null || request.protocolName === null))
    return { throttleTimeMs: 0, ...failedSync(errorCodes.INCONSISTENT_GROUP_PROTOCOL) }
  const outcome = await broker.groups.sync(request.groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generationId: request.generationId,
    protocolType: request.protocolType,
    protocolName: request.protocolName,
    assignments: request.assignments.map(({ memberId, assignment }) => ({ memberId, assignment: Uint8Array.from(assignment) })),
  })
  return { throttleTimeMs: 0, ...outcome }
})
