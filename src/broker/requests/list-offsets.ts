import { errorCodes, listOffsets } from '../../kafka-wire/index.ts'
import { earliestOffset, latestOffset, offsetForTime, offsetOfMaxTimestamp, type FoundOffset } from '../log/offset-lookup.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { epochError } from './fetch.ts'
import { handler } from './handler.ts'

/** The version from which a special timestamp may be asked for. */
const firstVersions: ReadonlyMap<bigint, number> = new Map([
  [-3n, 7],
  [-4n, 8],
  [-5n, 9],
  [-6n, 11],
])

/** Special timestamps: −1 latest, −2 earliest, −3 largest timestamp (KIP-734), −4 earliest local, −5 latest tiered (KIP-405), −6 earliest to be tiered (KIP-1023). */
export const listOffsetsHandler = handler(listOffsets, [1, 11], (request, { broker, apiVersion }) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, currentLeaderEpoch, timestamp }) => {
      const log = broker.topics.get(name)?.logs[partitionIndex]
      if (!log) return { partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
      if (apiVersion < (firstVersions.get(timestamp) ?? 0)) return { partitionIndex, errorCode: errorCodes.UNSUPPORTED_VERSION }
      const errorCode = log.offline ? errorCodes.KAFKA_STORAGE_ERROR : epochError(log, currentLeaderEpoch)
      if (errorCode !== errorCodes.NONE) return { partitionIndex, errorCode }
      const looked = log.look(() => find(log, Number(timestamp), request.isolationLevel === 1))
      if (!looked.ok) return { partitionIndex, errorCode: looked.errorCode }
      const { found } = looked
      return found
        ? {
            partitionIndex,
            errorCode,
            timestamp: BigInt(found.timestampMs),
            offset: BigInt(found.offset),
            ...(apiVersion >= 4 ? { leaderEpoch: found.leaderEpoch } : {}),
          }
        : { partitionIndex, errorCode }
    }),
  })),
}))

function find(log: PartitionLog, timestamp: number, committedOnly: boolean): FoundOffset | null {
  switch (timestamp) {
    case -1:
      return latestOffset(log, committedOnly)
    case -2:
    case -4:
      return earliestOffset(log)
    case -3:
      return offsetOfMaxTimestamp(log)
    case -5:
    case -6:
      return null
    default:
      return offsetForTime(log, timestamp, committedOnly)
  }
}
