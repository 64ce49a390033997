import { api, array, int16, int32, int64, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Finds offsets by timestamp; −1 latest, −2 earliest, −3 the largest timestamp (KIP-734). */
export const listOffsets = api(2, 'ListOffsets', {
  versions: [1, 11],
  flexibleFrom: 6,
  request: {
    replicaId: int32(),
    isolationLevel: int8({ from: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ from: 4, default: -1, ignorable: true }),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ from: 10, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ from: 2, ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1n }),
        offset: int64({ default: -1n }),
        leaderEpoch: int32({ from: 4, default: -1 }),
      }),
    }),
  },
})

export type ListOffsetsRequest = RequestOf<typeof listOffsets>
export type ListOffsetsResponse = ResponseOf<typeof listOffsets>
