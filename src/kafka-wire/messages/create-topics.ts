import { api, array, arrayOf, bool, int16, int32, int8, string, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Creates topics; answers with their ids from 7 on (KIP-516), and with their configs from 5 on (KIP-525). */
export const createTopics = api(19, 'CreateTopics', {
  versions: [2, 7],
  flexibleFrom: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: arrayOf('int32') }),
      configs: array({ name: string(), value: string({ nullableFrom: 0 }) }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({
      name: string(),
      topicId: uuid({ from: 7, ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ nullableFrom: 0, ignorable: true }),
      topicConfigErrorCode: int16({ from: 5, tag: 0, taggedFrom: 5, ignorable: true }),
      numPartitions: int32({ from: 5, default: -1, ignorable: true }),
      replicationFactor: int16({ from: 5, default: -1, ignorable: true }),
      configs: array(
        {
          name: string(),
          value: string({ nullableFrom: 5 }),
          readOnly: bool(),
          configSource: int8({ default: -1, ignorable: true }),
          isSensitive: bool(),
        },
        { from: 5, nullableFrom: 5, ignorable: true },
      ),
    }),
  },
})

export type CreateTopicsRequest = RequestOf<typeof createTopics>
export type CreateTopicsResponse = ResponseOf<typeof createTopics>
