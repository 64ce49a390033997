import { api, array, arrayOf, int16, int32, string, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Deletes topics, by name or id from 6 on (KIP-516). */
export const deleteTopics = api(20, 'DeleteTopics', {
  versions: [1, 6],
  flexibleFrom: 4,
  request: {
    topics: array({ name: string({ nullableFrom: 6, default: null }), topicId: uuid() }, { from: 6 }),
    topicNames: arrayOf('string', { to: 5, ignorable: true }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    responses: array({
      name: string({ nullableFrom: 6 }),
      topicId: uuid({ from: 6, ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ from: 5, nullableFrom: 5, default: null, ignorable: true }),
    }),
  },
})

export type DeleteTopicsRequest = RequestOf<typeof deleteTopics>
export type DeleteTopicsResponse = ResponseOf<typeof deleteTopics>
