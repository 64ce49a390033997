import { api, array, arrayOf, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** All transactional ids with their states (KIP-664); by age from 1 on (KIP-994), by pattern from 2 on (KIP-1152). */
export const listTransactions = api(66, 'ListTransactions', {
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    stateFilters: arrayOf('string'),
    producerIdFilters: arrayOf('int64'),
    durationFilter: int64({ from: 1, default: -1n }),
    transactionalIdPattern: string({ from: 2, nullableFrom: 2, default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: arrayOf('string'),
    transactionStates: array({ transactionalId: string(), producerId: int64(), transactionState: string() }),
  },
})

export type ListTransactionsRequest = RequestOf<typeof listTransactions>
export type ListTransactionsResponse = ResponseOf<typeof listTransactions>
