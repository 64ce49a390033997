import { api, array, arrayOf, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** The idempotent and transactional producers that a partition remembers (KIP-664). */
export const describeProducers = api(61, 'DescribeProducers', {
  versions: [0, 0],
  flexibleFrom: 0,
  request: { topics: array({ name: string(), partitionIndexes: arrayOf('int32') }) },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullableFrom: 0, default: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1n }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1n }),
        }),
      }),
    }),
  },
})

export type DescribeProducersRequest = RequestOf<typeof describeProducers>
export type DescribeProducersResponse = ResponseOf<typeof describeProducers>
