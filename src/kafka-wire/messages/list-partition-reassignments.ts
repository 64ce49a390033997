import { api, array, arrayOf, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Moves of replicas that are under way (KIP-455). Null topics are all. */
export const listPartitionReassignments = api(46, 'ListPartitionReassignments', {
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    timeoutMs: int32({ default: 60_000 }),
    topics: array({ name: string(), partitionIndexes: arrayOf('int32') }, { nullableFrom: 0, default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: arrayOf('int32'),
        addingReplicas: arrayOf('int32'),
        removingReplicas: arrayOf('int32'),
      }),
    }),
  },
})

export type ListPartitionReassignmentsRequest = RequestOf<typeof listPartitionReassignments>
export type ListPartitionReassignmentsResponse = ResponseOf<typeof listPartitionReassignments>
