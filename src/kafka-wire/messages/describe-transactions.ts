import { api, array, arrayOf, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** The state of transactions by their ids (KIP-664). */
export const describeTransactions = api(65, 'DescribeTransactions', {
  versions: [0, 0],
  flexibleFrom: 0,
  request: { transactionalIds: arrayOf('string') },
  response: {
    throttleTimeMs: int32(),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({ topic: string(), partitions: arrayOf('int32') }),
    }),
  },
})

export type DescribeTransactionsRequest = RequestOf<typeof describeTransactions>
export type DescribeTransactionsResponse = ResponseOf<typeof describeTransactions>
