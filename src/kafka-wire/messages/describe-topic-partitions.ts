import { api, array, arrayOf, bool, int16, int32, string, struct, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

const cursor = () => struct({ topicName: string(), partitionIndex: int32() }, { nullableFrom: 0, default: null })

/** Topics and their partitions, page by page (KIP-966). */
export const describeTopicPartitions = api(75, 'DescribeTopicPartitions', {
  versions: [0, 0],
  flexibleFrom: 0,
  request: { topics: array({ name: string() }), responsePartitionLimit: int32({ default: 2000 }), cursor: cursor() },
  response: {
    throttleTimeMs: int32({ ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string({ nullableFrom: 0 }),
      topicId: uuid({ ignorable: true }),
      isInternal: bool({ default: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ default: -1, ignorable: true }),
        replicaNodes: arrayOf('int32'),
        isrNodes: arrayOf('int32'),
        eligibleLeaderReplicas: arrayOf('int32', { nullableFrom: 0, default: null }),
        lastKnownElr: arrayOf('int32', { nullableFrom: 0, default: null }),
        offlineReplicas: arrayOf('int32', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32({ default: -2147483648 }),
    }),
    nextCursor: cursor(),
  },
})

export type DescribeTopicPartitionsRequest = RequestOf<typeof describeTopicPartitions>
export type DescribeTopicPartitionsResponse = ResponseOf<typeof describeTopicPartitions>
