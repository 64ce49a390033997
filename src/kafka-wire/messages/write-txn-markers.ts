import { api, array, arrayOf, bool, int16, int32, int64, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Ends a transaction in partitions (KIP-98): between brokers, and by administrators who abort a hanging one (KIP-664). */
export const writeTxnMarkers = api(27, 'WriteTxnMarkers', {
  versions: [1, 2],
  flexibleFrom: 1,
  request: {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({ name: string(), partitionIndexes: arrayOf('int32') }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ from: 2, ignorable: true }),
    }),
  },
  response: {
    markers: array({
      producerId: int64(),
      topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
    }),
  },
})

export type WriteTxnMarkersRequest = RequestOf<typeof writeTxnMarkers>
export type WriteTxnMarkersResponse = ResponseOf<typeof writeTxnMarkers>
