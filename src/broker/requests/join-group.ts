import { joinGroup } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** KIP-394: from this version on a new member is first told its id. */
const memberIdRequiredFrom = 4

/** Version 0 has no rebalance timeout: the session timeout stands for it. */
export const joinGroupHandler = handler(joinGroup, [0, 9], async (request, { broker, apiVersion, clientId, clientHost }) => {
  const outcome = await broker.groups.join(request.groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    clientId,
    clientHost,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: apiVersion === 0 || request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    // Copied: the frame they lie in is not kept.
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Uint8Array.from(metadata) })),
    needsMemberId: apiVersion >= memberIdRequiredFrom,
    canSkipAssignment: apiVersion >= 9,
  })
  return { throttleTimeMs: 0, ...outcome, protocolName: outcome.protocolName ?? (apiVersion >= 7 ? null : '') }
})
