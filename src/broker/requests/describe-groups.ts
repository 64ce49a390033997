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

/** From this version on a missing group is an error (KIP-1043). */
const notFoundFrom = 6

/** A group that does not exist, or is none of classic members, is `Dead`; what may be done with it is told where that is no error. */
export const describeGroupsHandler = handler(describeGroups, [0, 6], (request, { broker, apiVersion }) => ({
  throttleTimeMs: 0,
  groups: request.groups.map((groupId) => {
    const group = broker.groups.get(groupId)
    const authorizedOperations = request.includeAuthorizedOperations ? operations.group : unasked
    if (group?.kind === 'classic') return { ...describe(group), authorizedOperations }
    const missing = { groupId, groupState: stateNames.dead, protocolType: '', protocolData: '', members: [] }
    if (apiVersion < notFoundFrom) return { ...missing, errorCode: errorCodes.NONE, authorizedOperations }
    const errorMessage = group ? `Group ${groupId} is not a classic group.` : `Group ${groupId} not found.`
    return { ...missing, errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage }
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
      memberAssignment: member.assignment,
    })),
  }
}
