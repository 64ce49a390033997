import { api, array, bytes, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Hands the leader's assignment out to the members of a classic group. */
export const syncGroup = api(14, 'SyncGroup', {
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ from: 3, nullableFrom: 3, default: null }),
    protocolType: string({ from: 5, nullableFrom: 5, default: null, ignorable: true }),
    protocolName: string({ from: 5, nullableFrom: 5, default: null, ignorable: true }),
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
  response: {
    throttleTimeMs: int32({ from: 1, ignorable: true }),
    errorCode: int16(),
    protocolType: string({ from: 5, nullableFrom: 5, default: null, ignorable: true }),
    protocolName: string({ from: 5, nullableFrom: 5, default: null, ignorable: true }),
    assignment: bytes(),
  },
})

export type SyncGroupRequest = RequestOf<typeof syncGroup>
export type SyncGroupResponse = ResponseOf<typeof syncGroup>
