import { api, array, arrayOf, bool, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Adds partitions to topics (KIP-195); count is the new total. */
export const createPartitions = api(37, 'CreatePartitions', {
  versions: [0, 3],
  flexibleFrom: 2,
  request: {
    topics: array({ name: string(), count: int32(), assignments: array({ brokerIds: arrayOf('int32') }, { nullableFrom: 0 }) }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ name: string(), errorCode: int16(), errorMessage: string({ nullableFrom: 0, default: null }) }),
  },
})

export type CreatePartitionsRequest = RequestOf<typeof createPartitions>
export type CreatePartitionsResponse = ResponseOf<typeof createPartitions>
