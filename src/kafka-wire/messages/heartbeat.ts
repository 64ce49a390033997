import { api, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Keeps a member of a classic group alive and tells it of rebalances. */
export const heartbeat = api(12, 'Heartbeat', {
  versions: [0, 4],
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ from: 3, nullableFrom: 3, default: null }),
  },
  response: { throttleTimeMs: int32({ from: 1, ignorable: true }), errorCode: int16() },
})

export type HeartbeatRequest = RequestOf<typeof heartbeat>
export type HeartbeatResponse = ResponseOf<typeof heartbeat>
