import { api, array, arrayOf, int16, int32, string, struct, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Joins, keeps up with and leaves a group whose assignments the broker makes (KIP-848). Subscriptions by pattern from 1 on. */
export const consumerGroupHeartbeat = api(68, 'ConsumerGroupHeartbeat', {
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string({ nullableFrom: 0, default: null }),
    rackId: string({ nullableFrom: 0, default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: arrayOf('string', { nullableFrom: 0, default: null }),
    subscribedTopicRegex: string({ from: 1, nullableFrom: 1, default: null }),
    serverAssignor: string({ nullableFrom: 0, default: null }),
    topicPartitions: array({ topicId: uuid(), partitions: arrayOf('int32') }, { nullableFrom: 0, default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0, default: null }),
    memberId: string({ nullableFrom: 0, default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({ topicPartitions: array({ topicId: uuid(), partitions: arrayOf('int32') }) }, { nullableFrom: 0, default: null }),
  },
})

export type ConsumerGroupHeartbeatRequest = RequestOf<typeof consumerGroupHeartbeat>
export type ConsumerGroupHeartbeatResponse = ResponseOf<typeof consumerGroupHeartbeat>
