import { errorCodes, offsetCommit } from '../kafka-wire/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { Cluster } from './cluster.ts'
import { type CommittedOffset, offsetsByTopic } from './committed-offsets.ts'
import { kafkaError } from './errors.ts'
import type { GroupMetadata, TopicPartition } from './options.ts'

/** How a consumer is a member of its group: classic (the members assign) or by KIP-848 (the broker does). */
export interface Membership {
  /** Partitions that stay are kept, and read on, while the group rebalances (KIP-429, KIP-848). */
  readonly isIncremental: boolean
  /** `join` is to be called. */
  readonly needsJoin: boolean
  /** True when the partitions were given to others already: nothing can be committed for them. */
  readonly hasLost: boolean
  /** Why the group will not have this member; null while it may. */
  readonly refusal: MillraceError | null
  readonly isMember: boolean
  /** What the group wants it to have now, until `adopted` says that it has; null when nothing is to change. Incremental ones only. */
  readonly target: readonly TopicPartition[] | null
  /** As transactions fence offsets by it (KIP-447). Throws KAFKA ILLEGAL_GENERATION when the group has no such member. */
  readonly metadata: GroupMetadata
  /**
   * True when this member is entering, or has entered, a later generation than this one of its own: what it kept stays its own, and a commit
   * that was refused with ILLEGAL_GENERATION is to be made again (KIP-429, KIP-848).
   */
  hasMovedOnFrom(metadata: GroupMetadata): boolean
  polled(): void
  /** Joins, or joins again, until it has an assignment or is refused. Rejects with the refusal, or CLOSED. */
  join(owned: readonly TopicPartition[]): Promise<readonly TopicPartition[]>
  /** It has given up what is not in the target, and has all of it. */
  adopted(owned: readonly TopicPartition[], hasGivenUp: boolean): void
  /** What it was given could not be taken: it is to be given it again. */
  requestRejoin(): void
  checkPartitionCounts(): void
  /** Rejects KAFKA with details.errorName ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID or REBALANCE_IN_PROGRESS when fenced. */
  commit(offsets: readonly CommittedOffset[]): Promise<void>
  /** Dynamic members leave at once; static ones so that a restart finds its partitions (KIP-345). */
  leave(): Promise<void>
  /** Stops all that is still tried: what waits rejects with CLOSED. */
  abandon(): void
}

export const BACKOFF = { initialMs: 50, maxMs: 1_000 }

export const lostMembership: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.FENCED_MEMBER_EPOCH,
])

/** From 9 on member epochs (KIP-848), from 10 on topic ids. */
const OFFSET_COMMIT_AT_MOST = 9

/** One OffsetCommit; the first error of its partitions, or NONE. */
export async function commitOnce(
  cluster: Cluster,
  purpose: string,
  { groupId, memberId, generationId, groupInstanceId }: GroupMetadata,
  offsets: readonly CommittedOffset[],
): Promise<number> {
  const topics = offsetsByTopic(offsets)
  const answer = await cluster.ask(cluster.toCoordinator(groupId, purpose), offsetCommit, OFFSET_COMMIT_AT_MOST, () => ({
    groupId,
    generationIdOrMemberEpoch: generationId,
    memberId,
    ...(groupInstanceId === null ? {} : { groupInstanceId }),
    topics,
  }))
  return (
    answer.topics.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== errorCodes.NONE)?.errorCode ??
    errorCodes.NONE
  )
}

/** What a refused commit is told as. */
export function refusedCommit(errorCode: number, groupId: string): MillraceError {
  const isFenced =
    lostMembership.has(errorCode) || errorCode === errorCodes.REBALANCE_IN_PROGRESS || errorCode === errorCodes.FENCED_INSTANCE_ID
  return isFenced ? fenced(errorCode, groupId) : kafkaError(errorCode, `Committing offsets of group "${groupId}"`, { details: { groupId } })
}

export function fenced(errorCode: number, groupId: string): MillraceError {
  const answer = kafkaError(errorCode, `Group "${groupId}" has gone on without this member`, { details: { groupId } })
  return new MillraceError('KAFKA', answer.message, { details: answer.details, retriable: false })
}

export function closed(): MillraceError {
  return new MillraceError('CLOSED', 'The consumer is closed.')
}
