import { api, array, arrayOf, bool, bytes, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** State and members of classic groups. */
export const describeGroups = api(15, 'DescribeGroups', {
  versions: [0, 6],
  flexibleFrom: 5,
  request: { groups: arrayOf('string'), includeAuthorizedOperations: bool({ from: 3 }) },
  response: {
    throttleTimeMs: int32({ from: 1, ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ from: 6, nullableFrom: 6, default: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ from: 4, nullableFrom: 4, default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ from: 3, default: -2147483648 }),
    }),
  },
})

export type DescribeGroupsRequest = RequestOf<typeof describeGroups>
export type DescribeGroupsResponse = ResponseOf<typeof describeGroups>
