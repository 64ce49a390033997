import { api, array, arrayOf, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Adds partitions to a transaction (KIP-98). Up to version 3, which is what clients send; 4 and 5 are between brokers. */
export const addPartitionsToTxn = api(24, 'AddPartitionsToTxn', {
  versions: [0, 3],
  flexibleFrom: 3,
  request: {
    v3AndBelowTransactionalId: string(),
    v3AndBelowProducerId: int64(),
    v3AndBelowProducerEpoch: int16(),
    v3AndBelowTopics: array({ name: string(), partitions: arrayOf('int32') }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    resultsByTopicV3AndBelow: array({
      name: string(),
      resultsByPartition: array({ partitionIndex: int32(), partitionErrorCode: int16() }),
    }),
  },
})

export type AddPartitionsToTxnRequest = RequestOf<typeof addPartitionsToTxn>
export type AddPartitionsToTxnResponse = ResponseOf<typeof addPartitionsToTxn>
