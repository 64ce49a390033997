/** Partition numbers by topic id. */
export type Partitions = ReadonlyMap<string, ReadonlySet<number>>

/** What a member has: by topic id and partition number the assignment epoch at which it got it (KIP-1251). */
export type Assigned = ReadonlyMap<string, ReadonlyMap<number, number>>

export const noPartitions: Partitions = new Map()
export const nothingAssigned: Assigned = new Map()

/** Either shape as a list, topics and partitions in order. */
export function listed(partitions: Partitions | Assigned): { topicId: string; partitions: number[] }[] {
  return [...partitions]
    .map(([topicId, numbers]) => ({ topicId, partitions: [...numbers.keys()].toSorted((a, b) => a - b) }))
    .filter((topic) => topic.partitions.length > 0)
    .toSorted((a, b) => (a.topicId < b.topicId ? -1 : 1))
}

export function fromList(list: readonly { topicId: string; partitions: readonly number[] }[]): Partitions {
  return new Map(list.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))
}

/** Each partition of either shape. */
export function* each(partitions: Partitions | Assigned): Generator<[topicId: string, partition: number]> {
  for (const [topicId, numbers] of partitions) for (const partition of numbers.keys()) yield [topicId, partition]
}

export function has(partitions: Partitions | Assigned, topicId: string, partition: number): boolean {
  return partitions.get(topicId)?.has(partition) ?? false
}

export function samePartitions(a: Partitions | Assigned, b: Partitions | Assigned): boolean {
  return isWithin(a, b) && isWithin(b, a)
}

export function isWithin(inner: Partitions | Assigned, outer: Partitions | Assigned): boolean {
  for (const [topicId, partition] of each(inner)) if (!has(outer, topicId, partition)) return false
  return true
}

export function isNone(partitions: Partitions | Assigned): boolean {
  for (const numbers of partitions.values()) if (numbers.size > 0) return false
  return true
}

export function union(a: Assigned, b: Assigned): Assigned {
  const both = new AssignedBuilder()
  for (const one of [a, b])
    for (const [topicId, numbers] of one) for (const [partition, epoch] of numbers) both.add(topicId, partition, epoch)
  return both.all
}

/** Gathers partitions with their epochs. */
export class AssignedBuilder {
  readonly #topics = new Map<string, Map<number, number>>()

  add(topicId: string, partition: number, epoch: number): void {
    const numbers = this.#topics.get(topicId) ?? new Map<number, number>()
    numbers.set(partition, epoch)
    this.#topics.set(topicId, numbers)
  }

  get isNone(): boolean {
    return this.#topics.size === 0
  }

  get all(): Assigned {
    return this.#topics
  }
}
