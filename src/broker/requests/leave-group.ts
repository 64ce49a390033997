import { errorCodes, leaveGroup } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** One member up to version 2, several from 3 on (KIP-345). */
export const leaveGroupHandler = handler(leaveGroup, [0, 5], (request, { broker, apiVersion }) => {
  if (apiVersion < 3) return { throttleTimeMs: 0, errorCode: broker.groups.leave(request.groupId, request.memberId, null) }
  const members = request.members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode: broker.groups.leave(request.groupId, memberId, groupInstanceId),
  }))
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, members }
})
