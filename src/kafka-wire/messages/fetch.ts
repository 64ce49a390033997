import {
  api,
  array,
  arrayOf,
  int16,
  int32,
  int64,
  int8,
  records,
  string,
  struct,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema/index.ts'

/** Reads record batches, with sessions (KIP-227) from 7 on, topic ids instead of names from 13 on (KIP-516). */
export const fetch = api(1, 'Fetch', {
  versions: [4, 18],
  flexibleFrom: 12,
  request: {
    clusterId: string({ from: 12, nullableFrom: 12, tag: 0, taggedFrom: 12, default: null, ignorable: true }),
    replicaId: int32({ to: 14, default: -1 }),
    replicaState: struct(
      { replicaId: int32({ default: -1 }), replicaEpoch: int64({ default: -1n }) },
      { from: 15, tag: 1, taggedFrom: 15 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fffffff, ignorable: true }),
    isolationLevel: int8({ default: 0, ignorable: true }),
    sessionId: int32({ from: 7, default: 0, ignorable: true }),
    sessionEpoch: int32({ from: 7, default: -1, ignorable: true }),
    topics: array({
      topic: string({ to: 12, ignorable: true }),
      topicId: uuid({ from: 13, ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ from: 9, default: -1, ignorable: true }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ from: 12, default: -1 }),
        logStartOffset: int64({ from: 5, default: -1n, ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ from: 17, tag: 0, taggedFrom: 17, ignorable: true }),
        highWatermark: int64({ from: 18, tag: 1, taggedFrom: 18, default: 9223372036854775807n, ignorable: true }),
      }),
    }),
    forgottenTopicsData: array(
      { topic: string({ to: 12, ignorable: true }), topicId: uuid({ from: 13, ignorable: true }), partitions: arrayOf('int32') },
      { from: 7 },
    ),
    rackId: string({ from: 11, default: '', ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    errorCode: int16({ from: 7, ignorable: true }),
    sessionId: int32({ from: 7, default: 0 }),
    responses: array({
      topic: string({ to: 12, ignorable: true }),
      topicId: uuid({ from: 13, ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1n, ignorable: true }),
        logStartOffset: int64({ from: 5, default: -1n, ignorable: true }),
        divergingEpoch: struct({ epoch: int32({ default: -1 }), endOffset: int64({ default: -1n }) }, { from: 12, tag: 0, taggedFrom: 12 }),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { from: 12, tag: 1, taggedFrom: 12 },
        ),
        snapshotId: struct({ endOffset: int64({ default: -1n }), epoch: int32({ default: -1 }) }, { from: 12, tag: 2, taggedFrom: 12 }),
        abortedTransactions: array({ producerId: int64(), firstOffset: int64() }, { nullableFrom: 4, ignorable: true }),
        preferredReadReplica: int32({ from: 11, default: -1 }),
        records: records({ nullableFrom: 0 }),
      }),
    }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullableFrom: 16, default: null }) },
      { from: 16, tag: 0, taggedFrom: 16 },
    ),
  },
})

export type FetchRequest = RequestOf<typeof fetch>
export type FetchResponse = ResponseOf<typeof fetch>
