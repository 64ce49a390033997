import type { GroupOffsets } from './group-offsets.ts'
import type { AnyGroup } from './any-group.ts'

/**
 * The offsets whose retention is over (KIP-211): of an empty group since it became empty or they were committed, of a group with
 * members those of topics that none of them reads. What a transaction may still change stays.
 */
export function expiredOffsets(
  group: AnyGroup,
  offsets: GroupOffsets,
  nowMs: number,
  retentionMs: number,
): { topic: string; partition: number }[] {
  const isEmpty = group.state === 'empty'
  const unread = (topic: string): boolean =>
    (group.kind === 'consumer' || (group.state === 'stable' && group.protocolType === 'consumer')) && !group.reads(topic)
  const sinceMs = group.protocolType === null ? 0 : group.stateTimestampMs
  return [...offsets.entries()]
    .filter(({ topic, partition }) => (isEmpty || unread(topic)) && !offsets.isPending(topic, partition))
    .filter(
      ({ committed }) => nowMs - (isEmpty ? Math.max(sinceMs, committed.commitTimestampMs) : committed.commitTimestampMs) >= retentionMs,
    )
    .map(({ topic, partition }) => ({ topic, partition }))
}
