import { describeGroups, errorCodes } from '../../kafka-wire/index.ts'
import type { AnyGroup } from '../groups/any-group.ts'
import type { Group } from '../groups/group.ts'
import { noBytes } from '../groups/member.ts'
import { operations, unasked } from './authorized-operations.ts'
import { handler } from './handler.ts'

/** Kafka's names of the states. */
export const stateNames: Record<AnyGroup['state'], string> = {
  empty: 'Empty',
  preparing: 'PreparingRebalance',
  completing: 'CompletingRebalance',
  assigning: 'Assigning',
  reconciling: 'Reconciling',
  stable: 'Stable',
  dead: 'Dead',
}

/** A group that does not exist, or is none of classic members, is `Dead`; from version 6 on GROUP_ID_NOT_FOUND is said too (KIP-1043). */
export const describeGroupsHandler = handler(describeGroups, [0, 6], (request, { broker, apiVersion }) => ({
  throttleTimeMs: 0,
  groups: request.groups.map((groupId) => {
    const group = broker.groups.get(groupId)
    if (group?.kind === 'classic')
      return { ...describe(group), authorizedOperations: request.includeAuthorizedOperations ? operations.group : unasked }
    const missing =
      apiVersion >= 6
        ? {
            errorCode: errorCodes.GROUP_ID_NOT_FOUND,
            errorMessage: group ? `Group ${groupId} is not a classic group.` : `Group ${groupId} not found.`,
          }
        : { errorCode: errorCodes.NONE }
    return { ...missing, groupId, groupState: stateNames.dead, protocolType: '', protocolData: '', members: [] }
  }),
}))

function describe(group: Group) {
  const stable = group.state === 'stable'
  return {
    errorCode: errorCodes.NONE,
    groupId: group.id,
    groupState: stateNames[group.state],
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: group.members.map((member) => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? (member.protocols.find(({ name }) => name === group.protocolName)?.metadata ?? noBytes) : noBytes,
      memberAssignment: stable ? member.assignment : noBytes,
    })),
  }
}
