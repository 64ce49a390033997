import { assignors, defaultAssignor } from './assignors.ts'
import type { ConsumerMember } from './member.ts'
import type { Partitions } from './partitions.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What most members ask for. */
export function preferredAssignor(members: readonly ConsumerMember[]): string {
  const votes = new Map<string, number>()
  for (const { serverAssignor } of members) if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
  const [best] = [...votes].toSorted((a, b) => b[1] - a[1])
  return best?.[0] ?? defaultAssignor
}

/** What each member is to have now, by its id. */
export function newTargets(
  members: readonly ConsumerMember[],
  subscriptions: Subscriptions,
  targetOf: (memberId: string) => Partitions,
): Map<string, Partitions> {
  const subscribers = members.map((member) => ({
    id: member.id,
    instanceId: member.instanceId,
    topics: new Set(subscriptions.topicsOf(member).map(({ id }) => id)),
    target: targetOf(member.id),
  }))
  const sizes = new Map(subscriptions.topics.map(({ id, logs }) => [id, logs.length]))
  return assignors[preferredAssignor(members)]?.(subscribers, sizes) ?? new Map<string, Partitions>()
}
