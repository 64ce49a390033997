import { syncGroup } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

export const syncGroupHandler = handler(syncGroup, [0, 5], async (request, { broker }) => {
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
