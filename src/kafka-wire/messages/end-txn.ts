import { api, bool, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Commits or aborts a transaction (KIP-98). Up to version 4: transaction version 1, the epoch stays; 5 says the raised one (KIP-890). */
export const endTxn = api(26, 'EndTxn', {
  versions: [0, 5],
  flexibleFrom: 3,
  request: { transactionalId: string(), producerId: int64(), producerEpoch: int16(), committed: bool() },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerId: int64({ from: 5, default: -1n, ignorable: true }),
    producerEpoch: int16({ from: 5, default: -1, ignorable: true }),
  },
})

export type EndTxnRequest = RequestOf<typeof endTxn>
export type EndTxnResponse = ResponseOf<typeof endTxn>
