import { api, array, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Moves the start of partitions up (KIP-107); offset −1 is the high watermark. */
export const deleteRecords = api(21, 'DeleteRecords', {
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), offset: int64() }) }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() }) }),
  },
})

export type DeleteRecordsRequest = RequestOf<typeof deleteRecords>
export type DeleteRecordsResponse = ResponseOf<typeof deleteRecords>
