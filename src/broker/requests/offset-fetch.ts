import { errorCodes, offsetFetch } from '../../kafka-wire/index.ts'
import type { GroupOffsets } from '../groups/group-offsets.ts'
import { handler } from './handler.ts'

type Wanted = readonly { name: string; partitionIndexes: readonly number[] }[] | null

/** Committed offsets of one group (UNSTABLE_OFFSET_COMMIT where a transaction may still change them, KIP-447), from version 8 on of several (KIP-709). Null topics are all that have an offset; −1 stands for none. */
export const offsetFetchHandler = handler(offsetFetch, [1, 9], (request, { broker, apiVersion }) => {
  if (apiVersion < 8) {
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      topics: topicsOf(broker.groups.offsets(request.groupId), request.topics, request.requireStable),
    }
  }
  const groups = request.groups.map(({ groupId, topics }) => ({
    groupId,
    errorCode: errorCodes.NONE,
    topics: topicsOf(broker.groups.offsets(groupId), topics, request.requireStable),
  }))
  return { throttleTimeMs: 0, groups }
})

function topicsOf(offsets: GroupOffsets, wanted: Wanted, requireStable: boolean) {
  const all = wanted ?? [...offsets.topics].map(([name, partitions]) => ({ name, partitionIndexes: [...partitions.keys()] }))
  return all.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const unstable = requireStable && offsets.isPending(name, partitionIndex)
      const committed = unstable ? undefined : offsets.get(name, partitionIndex)
      return {
        partitionIndex,
        committedOffset: BigInt(committed?.offset ?? -1),
        committedLeaderEpoch: committed?.leaderEpoch ?? -1,
        metadata: committed?.metadata ?? '',
        errorCode: unstable ? errorCodes.UNSTABLE_OFFSET_COMMIT : errorCodes.NONE,
      }
    }),
  }))
}
