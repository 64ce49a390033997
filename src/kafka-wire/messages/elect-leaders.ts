import { api, array, arrayOf, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Elects leaders of partitions: preferred (0) or unclean (1, KIP-460). Null partitions are all. */
export const electLeaders = api(43, 'ElectLeaders', {
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    electionType: int8({ from: 1 }),
    topicPartitions: array({ topic: string(), partitions: arrayOf('int32') }, { nullableFrom: 0 }),
    timeoutMs: int32({ default: 60_000 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ from: 1 }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({ partitionId: int32(), errorCode: int16(), errorMessage: string({ nullableFrom: 0 }) }),
    }),
  },
})

export type ElectLeadersRequest = RequestOf<typeof electLeaders>
export type ElectLeadersResponse = ResponseOf<typeof electLeaders>
