import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Leaves a classic group; several members at once from 3 on (KIP-345). */
export const leaveGroup = api(13, 'LeaveGroup', {
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: string(),
    memberId: string({ to: 2 }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullableFrom: 3, default: null }),
        reason: string({ from: 5, nullableFrom: 5, default: null, ignorable: true }),
      },
      { from: 3 },
    ),
  },
  response: {
    throttleTimeMs: int32({ from: 1, ignorable: true }),
    errorCode: int16(),
    members: array({ memberId: string(), groupInstanceId: string({ nullableFrom: 3 }), errorCode: int16() }, { from: 3 }),
  },
})

export type LeaveGroupRequest = RequestOf<typeof leaveGroup>
export type LeaveGroupResponse = ResponseOf<typeof leaveGroup>
