import { api, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** A producer id and epoch (KIP-98); with the current ones from 3 on, to bump the epoch (KIP-360). */
export const initProducerId = api(22, 'InitProducerId', {
  versions: [0, 5],
  flexibleFrom: 2,
  request: {
    transactionalId: string({ nullableFrom: 0 }),
    transactionTimeoutMs: int32(),
    producerId: int64({ from: 3, default: -1n }),
    producerEpoch: int16({ from: 3, default: -1 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    errorCode: int16(),
    producerId: int64({ default: -1n }),
    producerEpoch: int16(),
  },
})

export type InitProducerIdRequest = RequestOf<typeof initProducerId>
export type InitProducerIdResponse = ResponseOf<typeof initProducerId>
