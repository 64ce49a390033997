import { api, array, bool, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Brokers, controller and cluster id (KIP-700). */
export const describeCluster = api(60, 'DescribeCluster', {
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ from: 1, default: 1 }),
    includeFencedBrokers: bool({ from: 2 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0, default: null }),
    endpointType: int8({ from: 1, default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullableFrom: 0, default: null }),
      isFenced: bool({ from: 2 }),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
})

export type DescribeClusterRequest = RequestOf<typeof describeCluster>
export type DescribeClusterResponse = ResponseOf<typeof describeCluster>
