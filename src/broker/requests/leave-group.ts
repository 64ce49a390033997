import { errorCodes, leaveGroup } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** One member up to version 2, several from 3 on (KIP-345). */
export const leaveGroupHandler = handler(leaveGroup, [0, 5], async (request, { broker, apiVersion }) => {
  if (apiVersion < 3) return { throttleTimeMs: 0, errorCode: await broker.groups.leave(request.groupId, request.memberId, null) }
  const members = await Promise.all(
    request.members.map(async ({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: await broker.groups.leave(request.groupId, memberId, groupInstanceId),
    })),
  )
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, members }
})
