import { api, array, arrayOf, bool, int16, int32, string, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Brokers, topics and partition leaders. Null topics are all, an empty list is none (from 1 on; in 0 an empty list is all). */
export const metadata = api(3, 'Metadata', {
  versions: [0, 13],
  flexibleFrom: 9,
  request: {
    topics: array({ topicId: uuid({ from: 10, ignorable: true }), name: string({ nullableFrom: 10 }) }, { nullableFrom: 1 }),
    allowAutoTopicCreation: bool({ from: 4, default: true }),
    includeClusterAuthorizedOperations: bool({ from: 8, to: 10 }),
    includeTopicAuthorizedOperations: bool({ from: 8 }),
  },
  response: {
    throttleTimeMs: int32({ from: 3, ignorable: true }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ from: 1, nullableFrom: 1, default: null, ignorable: true }),
    }),
    clusterId: string({ from: 2, nullableFrom: 2, default: null, ignorable: true }),
    controllerId: int32({ from: 1, default: -1, ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string({ nullableFrom: 12 }),
      topicId: uuid({ from: 10, ignorable: true }),
      isInternal: bool({ from: 1, default: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ from: 7, default: -1, ignorable: true }),
        replicaNodes: arrayOf('int32'),
        isrNodes: arrayOf('int32'),
        offlineReplicas: arrayOf('int32', { from: 5, ignorable: true }),
      }),
      topicAuthorizedOperations: int32({ from: 8, default: -2147483648 }),
    }),
    clusterAuthorizedOperations: int32({ from: 8, to: 10, default: -2147483648 }),
    errorCode: int16({ from: 13, ignorable: true }),
  },
})

export type MetadataRequest = RequestOf<typeof metadata>
export type MetadataResponse = ResponseOf<typeof metadata>
