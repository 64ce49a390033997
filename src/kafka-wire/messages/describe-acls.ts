import { api, array, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'
import { aclFilter } from './acl-filter.ts'

/** Access rules that match a filter (KIP-140). */
export const describeAcls = api(29, 'DescribeAcls', {
  versions: [1, 3],
  flexibleFrom: 2,
  request: aclFilter,
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0 }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: array({ principal: string(), host: string(), operation: int8(), permissionType: int8() }),
    }),
  },
})

export type DescribeAclsRequest = RequestOf<typeof describeAcls>
export type DescribeAclsResponse = ResponseOf<typeof describeAcls>
