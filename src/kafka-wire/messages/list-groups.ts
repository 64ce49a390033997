import { api, array, arrayOf, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Groups of this broker, filtered by state from 4 on (KIP-518) and by type from 5 on (KIP-848). */
export const listGroups = api(16, 'ListGroups', {
  versions: [0, 5],
  flexibleFrom: 3,
  request: { statesFilter: arrayOf('string', { from: 4 }), typesFilter: arrayOf('string', { from: 5 }) },
  response: {
    throttleTimeMs: int32({ from: 1, ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ from: 4, ignorable: true }),
      groupType: string({ from: 5, ignorable: true }),
    }),
  },
})

export type ListGroupsRequest = RequestOf<typeof listGroups>
export type ListGroupsResponse = ResponseOf<typeof listGroups>
