import { api, array, int16, int32, int64, records, string, struct, uuid, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Appends record batches to partitions. Topic ids instead of names from 13 on (KIP-516); leaders in errors from 10 on (KIP-951). */
export const produce = api(0, 'Produce', {
  versions: [3, 13],
  flexibleFrom: 9,
  request: {
    transactionalId: string({ nullableFrom: 3, default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ to: 12, ignorable: true }),
      topicId: uuid({ from: 13, ignorable: true }),
      partitionData: array({ index: int32(), records: records({ nullableFrom: 0 }) }),
    }),
  },
  response: {
    responses: array({
      name: string({ to: 12, ignorable: true }),
      topicId: uuid({ from: 13, ignorable: true }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ default: -1n, ignorable: true }),
        logStartOffset: int64({ from: 5, default: -1n, ignorable: true }),
        recordErrors: array(
          { batchIndex: int32(), batchIndexErrorMessage: string({ nullableFrom: 8, default: null }) },
          { from: 8, ignorable: true },
        ),
        errorMessage: string({ from: 8, nullableFrom: 8, default: null, ignorable: true }),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { from: 10, tag: 0, taggedFrom: 10 },
        ),
      }),
    }),
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullableFrom: 10, default: null }) },
      { from: 10, tag: 0, taggedFrom: 10 },
    ),
  },
})

export type ProduceRequest = RequestOf<typeof produce>
export type ProduceResponse = ResponseOf<typeof produce>
