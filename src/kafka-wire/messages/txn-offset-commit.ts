import { api, array, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Commits a group's offsets within a transaction (KIP-98), fenced by the group's generation from 3 on (KIP-447). Up to version 4: transaction version 1; 5 adds the offsets to the transaction itself (KIP-890). */
export const txnOffsetCommit = api(28, 'TxnOffsetCommit', {
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationIdOrMemberEpoch: int32({ from: 3, default: -1 }),
    memberId: string({ from: 3, default: '' }),
    groupInstanceId: string({ from: 3, nullableFrom: 3, default: null }),
    topics: array({
      name: string({ ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ from: 2, default: -1, ignorable: true }),
        committedMetadata: string({ nullableFrom: 0 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({ name: string({ ignorable: true }), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
})

export type TxnOffsetCommitRequest = RequestOf<typeof txnOffsetCommit>
export type TxnOffsetCommitResponse = ResponseOf<typeof txnOffsetCommit>
