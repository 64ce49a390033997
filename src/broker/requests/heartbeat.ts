import { heartbeat } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

export const heartbeatHandler = handler(heartbeat, [0, 4], (request, { broker }) => ({
  throttleTimeMs: 0,
  errorCode: broker.groups.heartbeat(request.groupId, request.memberId, request.groupInstanceId, request.generationId),
}))
