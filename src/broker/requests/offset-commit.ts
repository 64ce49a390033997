import { errorCodes, offsetCommit } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** Partitions that do not exist, or whose metadata is too long, are answered apart; all others are written as one batch. */
export const offsetCommitHandler = handler(offsetCommit, [2, 9], async (request, { broker }) => {
  const maxMetadataBytes = broker.config.number('offset.metadata.max.bytes')
  const refusal = (topic: string, partition: { partitionIndex: number; committedMetadata: string | null }): number => {
    if (!broker.topics.get(topic)?.logs[partition.partitionIndex]) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return Buffer.byteLength(partition.committedMetadata ?? '') > maxMetadataBytes ? errorCodes.OFFSET_METADATA_TOO_LARGE : errorCodes.NONE
  }
  const offsets = request.topics.flatMap(({ name, partitions }) =>
    partitions
      .filter((partition) => refusal(name, partition) === errorCodes.NONE)
      .map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => ({
        topic: name,
        partition: partitionIndex,
        offset: Number(committedOffset),
        leaderEpoch: committedLeaderEpoch,
        metadata: committedMetadata ?? '',
      })),
  )
  const refused = new Map(request.topics.map(({ name, partitions }) => [name, partitions.map((partition) => refusal(name, partition))]))
  const errorCode = await broker.groups.commit(request.groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    offsets,
  })
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }, i) => ({ partitionIndex, errorCode: refused.get(name)?.[i] || errorCode })),
    })),
  }
})
