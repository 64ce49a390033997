import { api, array, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Deletes committed offsets of a group (KIP-496). Never flexible. */
export const offsetDelete = api(47, 'OffsetDelete', {
  versions: [0, 0],
  flexibleFrom: null,
  request: { groupId: string(), topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }) },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
})

export type OffsetDeleteRequest = RequestOf<typeof offsetDelete>
export type OffsetDeleteResponse = ResponseOf<typeof offsetDelete>
