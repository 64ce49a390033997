import { api, array, int16, int32, int64, string, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Commits a group's offsets. Topic ids instead of names in 10. */
export const offsetCommit = api(8, 'OffsetCommit', {
  versions: [2, 10],
  flexibleFrom: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1, ignorable: true }),
    memberId: string({ default: '', ignorable: true }),
    groupInstanceId: string({ from: 7, nullableFrom: 7, default: null }),
    retentionTimeMs: int64({ to: 4, default: -1n, ignorable: true }),
    topics: array({
      name: string({ to: 9, ignorable: true }),
      topicId: uuid({ from: 10, ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ from: 6, default: -1, ignorable: true }),
        committedMetadata: string({ nullableFrom: 0 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ from: 3, ignorable: true }),
    topics: array({
      name: string({ to: 9, ignorable: true }),
      topicId: uuid({ from: 10, ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
})

export type OffsetCommitRequest = RequestOf<typeof offsetCommit>
export type OffsetCommitResponse = ResponseOf<typeof offsetCommit>
