import { api, array, arrayOf, bool, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Moves replicas to other brokers (KIP-455). Null replicas end what is under way. */
export const alterPartitionReassignments = api(45, 'AlterPartitionReassignments', {
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    timeoutMs: int32({ default: 60_000 }),
    allowReplicationFactorChange: bool({ from: 1, default: true }),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), replicas: arrayOf('int32', { nullableFrom: 0, default: null }) }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool({ from: 1, default: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0 }),
    responses: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16(), errorMessage: string({ nullableFrom: 0 }) }),
    }),
  },
})

export type AlterPartitionReassignmentsRequest = RequestOf<typeof alterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = ResponseOf<typeof alterPartitionReassignments>
