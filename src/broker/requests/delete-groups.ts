import { deleteGroups } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

export const deleteGroupsHandler = handler(deleteGroups, [0, 2], async (request, { broker }) => ({
  throttleTimeMs: 0,
  results: await Promise.all(request.groupsNames.map(async (groupId) => ({ groupId, errorCode: await broker.groups.delete(groupId) }))),
}))
