import type { ConsumerMember } from './member.ts'
import type { Partitions } from './partitions.ts'

/** A consumer group as it stands: read from its records, or made of a classic group. */
export interface ConsumerGroupImage {
  readonly epoch: number
  /** Of the topics that members subscribe to. */
  readonly hash: bigint
  readonly targetEpoch: number
  /** By member id. */
  readonly targets: ReadonlyMap<string, Partitions>
  /** Topic names by pattern. */
  readonly patterns: ReadonlyMap<string, readonly string[]>
  readonly members: readonly ConsumerMember[]
}
