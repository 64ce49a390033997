import { api, array, arrayOf, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Deletes empty groups and their offsets (KIP-229). */
export const deleteGroups = api(42, 'DeleteGroups', {
  versions: [0, 2],
  flexibleFrom: 2,
  request: { groupsNames: arrayOf('string') },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ groupId: string(), errorCode: int16() }),
  },
})

export type DeleteGroupsRequest = RequestOf<typeof deleteGroups>
export type DeleteGroupsResponse = ResponseOf<typeof deleteGroups>
