import { errorCodes, offsetCommit } from '../../kafka-wire/index.ts'
import type { CommitInput } from '../groups/coordinator.ts'
import { handler, type RequestContext } from './handler.ts'
import { topicOf, type NamedTopic } from './topic-of.ts'

/** From this version on members of consumer groups commit, with their epochs (KIP-848). */
const epochsFrom = 9
const topicIdsFrom = 10

/** Partitions that do not exist, or whose metadata is too long, are answered apart; all others are written as one batch. */
export const offsetCommitHandler = handler(offsetCommit, [2, 10], async (request, { broker, apiVersion }) => {
  const { offsets, answer } = offsetsToCommit(request.topics, broker, apiVersion >= topicIdsFrom)
  const errorCode = await broker.groups.commit(request.groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    knowsEpochs: apiVersion >= epochsFrom,
    offsets,
  })
  return { throttleTimeMs: 0, topics: answer(errorCode) }
})

interface WantedTopic extends NamedTopic {
  readonly partitions: readonly {
    partitionIndex: number
    committedOffset: bigint
    committedLeaderEpoch: number
    committedMetadata: string | null
  }[]
}

/** What of a request can be committed, and how to answer once that has an outcome. */
export function offsetsToCommit(topics: readonly WantedTopic[], broker: RequestContext['broker'], byId: boolean) {
  const maxMetadataBytes = broker.config.number('offset.metadata.max.bytes')
  const offsets: CommitInput['offsets'][number][] = []
  const checked = topics.map((wanted) => {
    const { topic, unknown } = topicOf(broker.topics, byId, wanted)
    const partitions = wanted.partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
      const metadata = committedMetadata ?? ''
      if (!topic) return { partitionIndex, refused: unknown }
      if (!topic.logs[partitionIndex]) return { partitionIndex, refused: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
      if (Buffer.byteLength(metadata) > maxMetadataBytes) return { partitionIndex, refused: errorCodes.OFFSET_METADATA_TOO_LARGE }
      offsets.push({
        topic: topic.name,
        partition: partitionIndex,
        offset: Number(committedOffset),
        leaderEpoch: committedLeaderEpoch,
        metadata,
      })
      return { partitionIndex, refused: errorCodes.NONE }
    })
    return { name: wanted.name, topicId: wanted.topicId, partitions }
  })
  const answer = (errorCode: number) =>
    checked.map(({ partitions, ...topic }) => ({
      ...topic,
      partitions: partitions.map(({ partitionIndex, refused }) => ({ partitionIndex, errorCode: refused || errorCode })),
    }))
  return { offsets, answer }
}
