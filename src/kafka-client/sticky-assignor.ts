import { compareMembers, type Assignment, type GroupMemberInfo } from './assignors.ts'
import type { TopicPartitions } from './consumer-protocol.ts'
import type { TopicPartition } from './options.ts'

/** A member that says what it has. */
export interface OwningMember extends GroupMemberInfo {
  owned: readonly TopicPartition[]
  /** In which it was given them; −1 unknown. */
  generationId: number
}

/** While it is made: each member's partitions, and who may have which. */
class Balance {
  readonly #members: readonly OwningMember[]
  readonly #partitions: ReadonlyMap<string, Map<string, TopicPartition>>

  constructor(members: readonly OwningMember[]) {
    this.#members = members.toSorted(compareMembers)
    this.#partitions = new Map(this.#members.map(({ memberId }) => [memberId, new Map()]))
  }

  give(memberId: string, partition: TopicPartition): void {
    this.#of(memberId).set(keyOf(partition), partition)
  }

  /** To the member with the fewest of those who want the topic. */
  place(partition: TopicPartition): void {
    const least = this.#least(partition.topic)
    if (least) this.give(least.memberId, partition)
  }

  /** Moves partitions from members with more to members with at least two fewer, until there are none; as few as that takes. */
  even(): void {
    for (let moved = true; moved;) {
      const byLoad = this.#members.toSorted((a, b) => this.#load(b) - this.#load(a))
      moved = byLoad.some((member) => this.#moveOneFrom(member))
    }
  }

  of(memberId: string): TopicPartition[] {
    return [...this.#of(memberId).values()]
  }

  #moveOneFrom(member: OwningMember): boolean {
    for (const [key, partition] of this.#of(member.memberId)) {
      const least = this.#least(partition.topic)
      if (!least || this.#load(member) - this.#load(least) < 2) continue
      this.#of(member.memberId).delete(key)
      this.give(least.memberId, partition)
      return true
    }
    return false
  }

  #least(topic: string): OwningMember | null {
    let least: OwningMember | null = null
    for (const member of this.#members) {
      if (member.topics.includes(topic) && (!least || this.#load(member) < this.#load(least))) least = member
    }
    return least
  }

  #load({ memberId }: OwningMember): number {
    return this.#of(memberId).size
  }

  #of(memberId: string): Map<string, TopicPartition> {
    return this.#partitions.get(memberId) ?? new Map()
  }
}

/**
 * Kafka's `cooperative-sticky` contract (KIP-429): partitions stay where they are as far as the numbers even out, and one that has to move
 * is given to nobody until its owner has given it up, for which the group rebalances once more.
 * @param partitionCount of a topic; 0 when unknown
 */
export function assignCooperatively(members: readonly OwningMember[], partitionCount: (topic: string) => number): Assignment {
  const owners = ownersOf(members, partitionCount)
  const balance = new Balance(members)
  const topics = [...new Set(members.flatMap((member) => member.topics))].toSorted()
  const all = topics.flatMap((topic) => Array.from({ length: partitionCount(topic) }, (_, partition) => ({ topic, partition })))
  for (const partition of all) {
    const owner = owners.get(keyOf(partition))
    if (owner) balance.give(owner.memberId, partition)
  }
  for (const partition of all) if (!owners.has(keyOf(partition))) balance.place(partition)
  balance.even()
  const claims = claimsOf(members)
  const isFree = (partition: TopicPartition, memberId: string): boolean =>
    owners.get(keyOf(partition))?.memberId === memberId || [...(claims.get(keyOf(partition)) ?? [])].every((id) => id === memberId)
  return new Map(members.map(({ memberId }) => [memberId, byTopic(balance.of(memberId).filter((each) => isFree(each, memberId)))]))
}

/** Who has a partition: the member of the latest generation that says so. Where two of one generation do, nobody. */
function ownersOf(members: readonly OwningMember[], partitionCount: (topic: string) => number): Map<string, OwningMember> {
  const latest = new Map<string, { generationId: number; owners: OwningMember[] }>()
  for (const member of members) {
    for (const { topic, partition } of member.owned) {
      if (!member.topics.includes(topic) || partition >= partitionCount(topic)) continue
      const key = keyOf({ topic, partition })
      const known = latest.get(key)
      if (!known || member.generationId > known.generationId) latest.set(key, { generationId: member.generationId, owners: [member] })
      else if (member.generationId === known.generationId) known.owners.push(member)
    }
  }
  const owners = new Map<string, OwningMember>()
  for (const [key, { owners: some }] of latest) if (some.length === 1 && some[0]) owners.set(key, some[0])
  return owners
}

/** All that may still be reading a partition, those who missed a generation too. */
function claimsOf(members: readonly OwningMember[]): Map<string, Set<string>> {
  const claims = new Map<string, Set<string>>()
  for (const { memberId, owned } of members) {
    for (const partition of owned) {
      const ids = claims.get(keyOf(partition)) ?? new Set()
      claims.set(keyOf(partition), ids.add(memberId))
    }
  }
  return claims
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

function byTopic(partitions: readonly TopicPartition[]): TopicPartitions[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, some]) => ({
    topic,
    partitions: some.map(({ partition }) => partition).toSorted((a, b) => a - b),
  }))
}
