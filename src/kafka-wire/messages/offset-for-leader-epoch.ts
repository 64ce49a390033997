import { api, array, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Where a leader epoch ended, so that clients notice a truncated log (KIP-320). */
export const offsetForLeaderEpoch = api(23, 'OffsetForLeaderEpoch', {
  versions: [2, 4],
  flexibleFrom: 4,
  request: {
    replicaId: int32({ from: 3, default: -2, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({ partition: int32(), currentLeaderEpoch: int32({ default: -1, ignorable: true }), leaderEpoch: int32() }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ default: -1, ignorable: true }),
        endOffset: int64({ default: -1n }),
      }),
    }),
  },
})

export type OffsetForLeaderEpochRequest = RequestOf<typeof offsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = ResponseOf<typeof offsetForLeaderEpoch>
