import { deleteRecords, errorCodes } from '../../kafka-wire/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { handler, type RequestContext } from './handler.ts'

/** Moves the start of partitions up (KIP-107): −1 is the high watermark. On the disk before it is answered. */
export const deleteRecordsHandler = handler(deleteRecords, [0, 2], (request, { broker }) => {
  const deletions: { log: PartitionLog; offset: number }[] = []
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, offset }) => {
      const found = find(name, partitionIndex, Number(offset), broker)
      if (typeof found === 'number') return { partitionIndex, lowWatermark: -1n, errorCode: found }
      deletions.push(found)
      return { partitionIndex, lowWatermark: BigInt(Math.max(found.offset, found.log.logStartOffset)), errorCode: errorCodes.NONE }
    }),
  }))
  if (deletions.length === 0) return { throttleTimeMs: 0, topics }
  try {
    broker.topics.deleteRecords(deletions)
    return { throttleTimeMs: 0, topics }
  } catch (error) {
    broker.log.warn('records could not be deleted', { error: asMillraceError(error) })
    const failed = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, errorCode }) => ({
        partitionIndex,
        lowWatermark: -1n,
        errorCode: errorCode || errorCodes.KAFKA_STORAGE_ERROR,
      })),
    }))
    return { throttleTimeMs: 0, topics: failed }
  }
})

function find(
  name: string,
  partition: number,
  wanted: number,
  broker: RequestContext['broker'],
): { log: PartitionLog; offset: number } | number {
  const topic = broker.topics.get(name)
  const log = topic?.logs[partition]
  if (!topic || !log) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  if (topic.internal) return errorCodes.INVALID_TOPIC_EXCEPTION
  if (log.offline) return errorCodes.KAFKA_STORAGE_ERROR
  if (!log.config.deletes) return errorCodes.POLICY_VIOLATION
  const offset = wanted === -1 ? log.highWatermark : wanted
  return offset < 0 || offset > log.highWatermark ? errorCodes.OFFSET_OUT_OF_RANGE : { log, offset }
}
