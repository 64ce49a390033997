import { api, array, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'
import { aclFilter } from './acl-filter.ts'

/** Deletes the access rules that match filters (KIP-140). */
export const deleteAcls = api(31, 'DeleteAcls', {
  versions: [1, 3],
  flexibleFrom: 2,
  request: {
    filters: array(aclFilter),
  },
  response: {
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string({ nullableFrom: 0 }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string({ nullableFrom: 0 }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})

export type DeleteAclsRequest = RequestOf<typeof deleteAcls>
export type DeleteAclsResponse = ResponseOf<typeof deleteAcls>
