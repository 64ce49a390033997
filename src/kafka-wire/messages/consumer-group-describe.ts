import { api, array, arrayOf, bool, int16, int32, int8, string, struct, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

const assignment = () => struct({ topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: arrayOf('int32') }) })

/** Groups whose assignments the broker makes (KIP-848); from 1 on with the kind of each member (KIP-1099). */
export const consumerGroupDescribe = api(69, 'ConsumerGroupDescribe', {
  versions: [0, 1],
  flexibleFrom: 0,
  request: { groupIds: arrayOf('string'), includeAuthorizedOperations: bool() },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ nullableFrom: 0, default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullableFrom: 0, default: null }),
        rackId: string({ nullableFrom: 0, default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: arrayOf('string'),
        subscribedTopicRegex: string({ nullableFrom: 0, default: null }),
        assignment: assignment(),
        targetAssignment: assignment(),
        memberType: int8({ from: 1, default: -1, ignorable: true }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
})

export type ConsumerGroupDescribeRequest = RequestOf<typeof consumerGroupDescribe>
export type ConsumerGroupDescribeResponse = ResponseOf<typeof consumerGroupDescribe>
