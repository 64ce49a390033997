import { errorCodes } from '../../../kafka-wire/index.ts'
import { refusal, type HeartbeatInput, type Refusal } from './heartbeat.ts'
import type { ConsumerMember } from './member.ts'
import { isWithin } from './partitions.ts'

/** Whether a heartbeat has the member's epoch; after a lost answer the one before is taken as well, when it owns nothing that it was not given. */
export function wrongEpoch(member: ConsumerMember, { memberEpoch, owned }: HeartbeatInput): Refusal | null {
  if (memberEpoch === member.epoch) return null
  const isLate = memberEpoch === member.previousEpoch && owned !== null && isWithin(owned, member.assigned)
  if (memberEpoch < member.epoch && isLate) return null
  const relation = memberEpoch < member.epoch ? 'smaller' : 'greater'
  return refusal(
    errorCodes.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${relation} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`,
  )
}

/** Whether a member may commit: with its epoch, or an older one in which it had these partitions already (KIP-1251). */
export function commitRefusal(member: ConsumerMember, epoch: number, places: readonly { topicId: string; partition: number }[]): number {
  if (epoch === member.epoch) return errorCodes.NONE
  const had = ({ topicId, partition }: { topicId: string; partition: number }): boolean =>
    (member.assigned.get(topicId)?.get(partition) ?? Infinity) <= epoch
  if (epoch < member.epoch && places.every(had)) return errorCodes.NONE
  return otherEpoch(member)
}

/** What a member is told that names another epoch: of the classic protocol, which calls it a generation, otherwise. */
export function otherEpoch({ classicMemberMetadata }: ConsumerMember): number {
  return classicMemberMetadata ? errorCodes.ILLEGAL_GENERATION : errorCodes.STALE_MEMBER_EPOCH
}
