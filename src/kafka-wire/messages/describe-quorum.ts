import { api, array, int16, int32, int64, string, uint16, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

const replicas = () =>
  array({
    replicaId: int32(),
    replicaDirectoryId: uuid({ from: 2 }),
    logEndOffset: int64(),
    lastFetchTimestamp: int64({ from: 1, default: -1n, ignorable: true }),
    lastCaughtUpTimestamp: int64({ from: 1, default: -1n, ignorable: true }),
  })

/** Who keeps the cluster's metadata (KIP-595); from 2 on with their listeners (KIP-853). */
export const describeQuorum = api(55, 'DescribeQuorum', {
  versions: [0, 2],
  flexibleFrom: 0,
  request: { topics: array({ topicName: string(), partitions: array({ partitionIndex: int32() }) }) },
  response: {
    errorCode: int16(),
    errorMessage: string({ from: 2, nullableFrom: 2, ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ from: 2, nullableFrom: 2, ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: replicas(),
        observers: replicas(),
      }),
    }),
    nodes: array({ nodeId: int32(), listeners: array({ name: string(), host: string(), port: uint16() }) }, { from: 2 }),
  },
})

export type DescribeQuorumRequest = RequestOf<typeof describeQuorum>
export type DescribeQuorumResponse = ResponseOf<typeof describeQuorum>
