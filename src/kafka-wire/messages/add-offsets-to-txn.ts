import { api, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Adds a group's offsets to a transaction (KIP-98). */
export const addOffsetsToTxn = api(25, 'AddOffsetsToTxn', {
  versions: [0, 4],
  flexibleFrom: 3,
  request: { transactionalId: string(), producerId: int64(), producerEpoch: int16(), groupId: string() },
  response: { throttleTimeMs: int32({ default: 0 }), errorCode: int16() },
})

export type AddOffsetsToTxnRequest = RequestOf<typeof addOffsetsToTxn>
export type AddOffsetsToTxnResponse = ResponseOf<typeof addOffsetsToTxn>
