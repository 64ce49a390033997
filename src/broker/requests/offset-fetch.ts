import { errorCodes, offsetFetch, type OffsetFetchRequest, type OffsetFetchResponse } from '../../kafka-wire/index.ts'
import type { GroupOffsets } from '../groups/group-offsets.ts'
import { handler, type RequestContext } from './handler.ts'

type Wanted = readonly { name: string; partitionIndexes: readonly number[] }[] | null
type WantedGroup = OffsetFetchRequest['groups'][number]

const severalGroupsFrom = 8
const topicIdsFrom = 10

/**
 * Committed offsets of one group (UNSTABLE_OFFSET_COMMIT where a transaction may still change them, KIP-447), from version 8 on of
 * several (KIP-709). Null topics are all that have an offset; −1 stands for none.
 */
export const offsetFetchHandler = handler(offsetFetch, [1, 10], (request, context) => {
  const { broker, apiVersion } = context
  if (apiVersion < severalGroupsFrom) {
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      topics: topicsOf(broker.groups.offsets(request.groupId), request.topics, request.requireStable),
    }
  }
  return { throttleTimeMs: 0, groups: request.groups.map((group) => answerGroup(group, request.requireStable, context)) }
})

function answerGroup(wanted: WantedGroup, requireStable: boolean, { broker, apiVersion }: RequestContext) {
  const { groupId, memberId, memberEpoch, topics } = wanted
  const group = broker.groups.get(groupId)
  const errorCode = group?.kind === 'consumer' ? group.mayFetch(memberId, memberEpoch) : errorCodes.NONE
  if (errorCode !== errorCodes.NONE) return { groupId, errorCode, topics: [] }
  const offsets = broker.groups.offsets(groupId)
  const answers = apiVersion < topicIdsFrom ? topicsOf(offsets, topics, requireStable) : topicsById(offsets, topics, requireStable, broker)
  return { groupId, errorCode, topics: answers }
}

type TopicAnswer = OffsetFetchResponse['topics'][number] & { topicId?: string }

/** As `topicsOf`, by topic ids; what was committed of deleted topics cannot be said by one. */
function topicsById(
  offsets: GroupOffsets,
  wanted: WantedGroup['topics'],
  requireStable: boolean,
  { topics }: RequestContext['broker'],
): TopicAnswer[] {
  if (wanted === null) {
    return topicsOf(offsets, null, requireStable).flatMap((answer) => {
      const topicId = topics.get(answer.name)?.id
      return topicId === undefined ? [] : [{ ...answer, topicId }]
    })
  }
  return wanted.flatMap(({ topicId, partitionIndexes }): TopicAnswer[] => {
    const name = topics.byId(topicId)?.name
    if (name !== undefined) return topicsOf(offsets, [{ name, partitionIndexes }], requireStable).map((answer) => ({ ...answer, topicId }))
    const partitions = partitionIndexes.map((partitionIndex) => ({ ...nothing, partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_ID }))
    return [{ name: '', topicId, partitions }]
  })
}

const nothing = {
  committedOffset: -1n,
  committedLeaderEpoch: -1,
  metadata: '',
}

function topicsOf(offsets: GroupOffsets, wanted: Wanted, requireStable: boolean): TopicAnswer[] {
  const all = wanted ?? [...offsets.topics].map(([name, partitions]) => ({ name, partitionIndexes: [...partitions.keys()] }))
  return all.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const unstable = requireStable && offsets.isPending(name, partitionIndex)
      const committed = unstable ? undefined : offsets.get(name, partitionIndex)
      if (!committed) return { ...nothing, partitionIndex, errorCode: unstable ? errorCodes.UNSTABLE_OFFSET_COMMIT : errorCodes.NONE }
      const { offset, leaderEpoch, metadata } = committed
      return { partitionIndex, committedOffset: BigInt(offset), committedLeaderEpoch: leaderEpoch, metadata, errorCode: errorCodes.NONE }
    }),
  }))
}
