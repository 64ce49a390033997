import { errorCodes, offsetForLeaderEpoch } from '../../kafka-wire/index.ts'
import { epochError } from './fetch.ts'
import { handler } from './handler.ts'

/** Where a leader epoch ends (KIP-101, KIP-320): how a client notices that the log was cut behind its back. */
export const offsetForLeaderEpochHandler = handler(offsetForLeaderEpoch, [2, 4], (request, { broker }) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
      const log = broker.topics.get(topic)?.logs[partition]
      const errorCode = log ? epochError(log, currentLeaderEpoch) : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      if (!log || errorCode !== errorCodes.NONE) return { errorCode, partition, leaderEpoch: -1, endOffset: -1n }
      // This start's epoch has begun, even when nothing was written in it yet.
      const end =
        leaderEpoch === log.leaderEpoch
          ? { epoch: leaderEpoch, endOffset: log.highWatermark }
          : log.epochs.endOf(leaderEpoch, log.highWatermark)
      const known = end && leaderEpoch <= log.leaderEpoch
      return { errorCode, partition, leaderEpoch: known ? end.epoch : -1, endOffset: known ? BigInt(end.endOffset) : -1n }
    }),
  })),
}))
