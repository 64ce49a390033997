import type { ConsumerMember } from './member.ts'
import { AssignedBuilder, each, has, isNone, nothingAssigned, type Assigned, type Partitions } from './partitions.ts'

export interface Target {
  readonly epoch: number
  readonly partitions: Partitions
}

/**
 * Brings a member one step nearer to its target (KIP-848): what it must not keep is taken from it first; once it does not own that,
 * it gets the target's epoch and all of the target that nobody else still has.
 * @param owned what the member says it owns; null when it said nothing
 * @param isFree whether no other member has the partition, or is giving it up
 */
export function reconcile(
  member: ConsumerMember,
  target: Target,
  owned: Partitions | null,
  isFree: (topicId: string, partition: number) => boolean,
): ConsumerMember {
  if (member.state === 'stable' && member.epoch === target.epoch) return member
  if (member.state === 'unrevoked' && ownsAny(owned, member.pendingRevocation)) return member
  const assigned = new AssignedBuilder()
  const revoked = new AssignedBuilder()
  for (const [topicId, numbers] of member.assigned) {
    for (const [partition, epoch] of numbers) {
      const kept = has(target.partitions, topicId, partition) ? assigned : revoked
      kept.add(topicId, partition, epoch)
    }
  }
  if (!revoked.isNone && ownsAny(owned, revoked.all)) {
    return { ...member, previousEpoch: member.epoch, state: 'unrevoked', assigned: assigned.all, pendingRevocation: revoked.all }
  }
  let waits = false
  for (const [topicId, partition] of each(target.partitions)) {
    if (has(member.assigned, topicId, partition)) continue
    if (isFree(topicId, partition)) assigned.add(topicId, partition, target.epoch)
    else waits = true
  }
  return {
    ...member,
    epoch: target.epoch,
    previousEpoch: member.epoch,
    state: waits ? 'unreleased' : 'stable',
    assigned: assigned.all,
    pendingRevocation: nothingAssigned,
  }
}

/** Whether the member may still own any of these; one that says nothing may own all. */
function ownsAny(owned: Partitions | null, revoked: Assigned): boolean {
  if (isNone(revoked)) return false
  if (owned === null) return true
  for (const [topicId, partition] of each(revoked)) if (has(owned, topicId, partition)) return true
  return false
}
