import { errorCodes, offsetFetch } from '../kafka-wire/index.ts'
import type { Cluster, CoordinatorOf } from './cluster.ts'
import { errorCodeOf, isNetworkError, kafkaError, meansStaleCoordinator, type NeededRight } from './errors.ts'
import type { TopicPartition } from './options.ts'

export interface CommittedOffset extends TopicPartition {
  offset: bigint
  /** −1 when none was committed with it. */
  leaderEpoch: number
  metadata: string
}

/** As requests have them: by topic. */
export function offsetsByTopic(offsets: readonly CommittedOffset[]): {
  name: string
  partitions: { partitionIndex: number; committedOffset: bigint; committedLeaderEpoch: number; committedMetadata: string }[]
}[] {
  return [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, some]) => ({
    name,
    partitions: some.map(({ partition, offset, leaderEpoch, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch,
      committedMetadata: metadata,
    })),
  }))
}

/** From 9 on the consumer group protocol of KIP-848, from 10 on topic ids. */
const OFFSET_FETCH_AT_MOST = 8

interface CoordinatorCall {
  /** Default: a group's. */
  of?: CoordinatorOf
  /** How long it is tried again. Default: the time-out of requests. */
  withinMs?: number
  signal?: AbortSignal
}

/** Runs `action` against the coordinator of the group or transactional id, looking that up again while it moves or is loading. */
export function withCoordinator<T>(cluster: Cluster, id: string, action: () => Promise<T>, call: CoordinatorCall = {}): Promise<T> {
  return cluster.retrying(async () => {
    try {
      return await action()
    } catch (error) {
      const errorCode = errorCodeOf(error)
      if (isNetworkError(error) || (errorCode !== null && meansStaleCoordinator(errorCode))) {
        cluster.forgetCoordinator(id, call.of)
        await cluster.refresh([]).catch(() => undefined)
      }
      throw error
    }
  }, call)
}

const rightOnGroup = (name: string): NeededRight => ({ operation: 'Describe', on: 'group', name })

/**
 * What the group committed; partitions without a commit are left out. Waits for open transactions (KIP-447), unless told not to.
 * @param partitions null for all
 */
export function fetchCommitted(
  cluster: Cluster,
  purpose: string,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  { signal, waitForTransactions: requireStable = true }: { signal?: AbortSignal; waitForTransactions?: boolean } = {},
): Promise<CommittedOffset[]> {
  const topics =
    partitions &&
    [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, some]) => ({
      name,
      partitionIndexes: some.map(({ partition }) => partition),
    }))
  return withCoordinator(
    cluster,
    groupId,
    async () => {
      const connection = cluster.toCoordinator(groupId, purpose)
      const answer = await cluster.ask(connection, offsetFetch, OFFSET_FETCH_AT_MOST, (version) =>
        version >= 8 ? { groups: [{ groupId, topics }], requireStable } : { groupId, topics, ...(version >= 7 ? { requireStable } : {}) },
      )
      const group = answer.groups[0] ?? answer
      if (group.errorCode !== errorCodes.NONE)
        throw kafkaError(group.errorCode, `Offsets of group "${groupId}"`, { details: { groupId }, needs: rightOnGroup(groupId) })
      return group.topics.flatMap(({ name, partitions: answered }) =>
        answered.flatMap((said) => {
          if (said.errorCode !== errorCodes.NONE)
            throw kafkaError(said.errorCode, `Offsets of group "${groupId}"`, { details: { groupId } })
          if (said.committedOffset < 0n) return []
          const { partitionIndex, committedOffset, committedLeaderEpoch, metadata } = said
          return [
            {
              topic: name,
              partition: partitionIndex,
              offset: committedOffset,
              leaderEpoch: committedLeaderEpoch,
              metadata: metadata ?? '',
            },
          ]
        }),
      )
    },
    signal ? { signal } : {},
  )
}
