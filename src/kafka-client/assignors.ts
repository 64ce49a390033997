import type { TopicPartitions } from './consumer-protocol.ts'

export interface GroupMemberInfo {
  memberId: string
  groupInstanceId: string | null
  topics: readonly string[]
}

/** Partitions of each member, by member id; every member has an entry. */
export type Assignment = Map<string, TopicPartitions[]>

/**
 * Kafka's `range` assignor: per topic, the subscribed members in order (static ones first, by instance id, then by member id) get
 * neighbouring partitions, the first ones one more where it does not divide. Topics without partitions (unknown ones) are left out.
 * @param partitionCount of a topic; 0 when unknown
 */
export function assignRange(members: readonly GroupMemberInfo[], partitionCount: (topic: string) => number): Assignment {
  const assignment: Assignment = new Map(members.map(({ memberId }) => [memberId, []]))
  const ordered = members.toSorted(compareMembers)
  const topics = [...new Set(members.flatMap((member) => member.topics))].toSorted()
  for (const topic of topics) {
    const subscribed = ordered.filter((member) => member.topics.includes(topic))
    const count = partitionCount(topic)
    const each = Math.floor(count / subscribed.length)
    const extra = count % subscribed.length
    let next = 0
    for (const [i, { memberId }] of subscribed.entries()) {
      const size = each + (i < extra ? 1 : 0)
      if (size > 0) assignment.get(memberId)?.push({ topic, partitions: Array.from({ length: size }, (_, n) => next + n) })
      next += size
    }
  }
  return assignment
}

export function compareMembers(a: GroupMemberInfo, b: GroupMemberInfo): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) return compare(a.groupInstanceId, b.groupInstanceId)
  if (a.groupInstanceId !== null) return -1
  if (b.groupInstanceId !== null) return 1
  return compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
