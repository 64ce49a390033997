import { api, array, arrayOf, bool, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

const results = () => ({
  name: string(),
  resultsByPartition: array({ partitionIndex: int32(), partitionErrorCode: int16() }),
})

/** Adds partitions to a transaction (KIP-98). Clients send up to version 3; 4 and 5 are between brokers, several transactions at once (KIP-890). */
export const addPartitionsToTxn = api(24, 'AddPartitionsToTxn', {
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    transactions: array(
      {
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: bool({ default: false }),
        topics: array({ name: string(), partitions: arrayOf('int32') }),
      },
      { from: 4 },
    ),
    v3AndBelowTransactionalId: string({ to: 3 }),
    v3AndBelowProducerId: int64({ to: 3 }),
    v3AndBelowProducerEpoch: int16({ to: 3 }),
    v3AndBelowTopics: array({ name: string(), partitions: arrayOf('int32') }, { to: 3 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ from: 4, ignorable: true }),
    resultsByTransaction: array({ transactionalId: string(), topicResults: array(results()) }, { from: 4 }),
    resultsByTopicV3AndBelow: array(results(), { to: 3 }),
  },
})

export type AddPartitionsToTxnRequest = RequestOf<typeof addPartitionsToTxn>
export type AddPartitionsToTxnResponse = ResponseOf<typeof addPartitionsToTxn>
