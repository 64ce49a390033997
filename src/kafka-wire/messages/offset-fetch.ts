import { api, array, arrayOf, bool, int16, int32, int64, string, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Reads a group's committed offsets; several groups at once from 8 on (KIP-709). Null topics are all. */
export const offsetFetch = api(9, 'OffsetFetch', {
  versions: [1, 10],
  flexibleFrom: 6,
  request: {
    groupId: string({ to: 7 }),
    topics: array({ name: string(), partitionIndexes: arrayOf('int32') }, { to: 7, nullableFrom: 2 }),
    groups: array(
      {
        groupId: string(),
        memberId: string({ from: 9, nullableFrom: 9, default: null, ignorable: true }),
        memberEpoch: int32({ from: 9, default: -1, ignorable: true }),
        topics: array(
          {
            name: string({ to: 9, ignorable: true }),
            topicId: uuid({ from: 10, ignorable: true }),
            partitionIndexes: arrayOf('int32'),
          },
          { nullableFrom: 8 },
        ),
      },
      { from: 8 },
    ),
    requireStable: bool({ from: 7, default: false }),
  },
  response: {
    throttleTimeMs: int32({ from: 3, ignorable: true }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ from: 5, default: -1, ignorable: true }),
          metadata: string({ nullableFrom: 0 }),
          errorCode: int16(),
        }),
      },
      { to: 7 },
    ),
    errorCode: int16({ from: 2, to: 7, default: 0, ignorable: true }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string({ to: 9, ignorable: true }),
          topicId: uuid({ from: 10, ignorable: true }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1, ignorable: true }),
            metadata: string({ nullableFrom: 8 }),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ default: 0 }),
      },
      { from: 8 },
    ),
  },
})

export type OffsetFetchRequest = RequestOf<typeof offsetFetch>
export type OffsetFetchResponse = ResponseOf<typeof offsetFetch>
