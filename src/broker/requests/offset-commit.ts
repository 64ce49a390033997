import { errorCodes, offsetCommit } from '../../kafka-wire/index.ts'
import type { CommitInput } from '../groups/coordinator.ts'
import { handler, type RequestContext } from './handler.ts'

/** Partitions that do not exist, or whose metadata is too long, are answered apart; all others are written as one batch. */
export const offsetCommitHandler = handler(offsetCommit, [2, 9], async (request, { broker }) => {
  const { offsets, answer } = offsetsToCommit(request.topics, broker)
  const errorCode = await broker.groups.commit(request.groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    offsets,
  })
  return { throttleTimeMs: 0, topics: answer(errorCode) }
})

interface WantedTopic {
  readonly name: string
  readonly partitions: readonly {
    partitionIndex: number
    committedOffset: bigint
    committedLeaderEpoch: number
    committedMetadata: string | null
  }[]
}

/** What of a request can be committed, and how to answer once that has an outcome. */
export function offsetsToCommit(topics: readonly WantedTopic[], broker: RequestContext['broker']) {
  const maxMetadataBytes = broker.config.number('offset.metadata.max.bytes')
  const refusal = (topic: string, { partitionIndex, committedMetadata }: WantedTopic['partitions'][number]): number => {
    if (!broker.topics.get(topic)?.logs[partitionIndex]) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return Buffer.byteLength(committedMetadata ?? '') > maxMetadataBytes ? errorCodes.OFFSET_METADATA_TOO_LARGE : errorCodes.NONE
  }
  const refused = new Map(topics.map(({ name, partitions }) => [name, partitions.map((partition) => refusal(name, partition))]))
  const offsets: CommitInput['offsets'] = topics.flatMap(({ name, partitions }) =>
    partitions
      .filter((_partition, i) => refused.get(name)?.[i] === errorCodes.NONE)
      .map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => ({
        topic: name,
        partition: partitionIndex,
        offset: Number(committedOffset),
        leaderEpoch: committedLeaderEpoch,
        metadata: committedMetadata ?? '',
      })),
  )
  const answer = (errorCode: number) =>
    topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }, i) => ({ partitionIndex, errorCode: refused.get(name)?.[i] || errorCode })),
    }))
  return { offsets, answer }
}
