import { errorCodes, listGroups } from '../../kafka-wire/index.ts'
import { stateNames } from './describe-groups.ts'
import { handler } from './handler.ts'

/** Filters by state from version 4 on (KIP-518), by type from 5 on (KIP-848); names compare without case. */
export const listGroupsHandler = handler(listGroups, [0, 5], (request, { broker }) => {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase()))
  const types = new Set(request.typesFilter.map((type) => type.toLowerCase()))
  const groups = broker.groups
    .all()
    .map((group) => ({
      groupId: group.id,
      protocolType: group.protocolType ?? '',
      groupState: stateNames[group.state],
      groupType: group.kind,
    }))
    .filter(
      ({ groupState, groupType }) =>
        (states.size === 0 || states.has(groupState.toLowerCase())) && (types.size === 0 || types.has(groupType)),
    )
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, groups }
})
