import { each, type Partitions } from './partitions.ts'

/** A member as assignors see it. */
export interface Subscriber {
  readonly id: string
  readonly instanceId: string | null
  /** Ids of topics that exist. */
  readonly topics: ReadonlySet<string>
  /** What it was to have before. */
  readonly target: Partitions
}

/** Partition counts by topic id. */
export type TopicSizes = ReadonlyMap<string, number>

export type Assignor = (subscribers: readonly Subscriber[], topics: TopicSizes) => Map<string, Partitions>

/** The broker's assignors by the names Kafka gives them; the first is the default. */
export const assignors: Readonly<Record<string, Assignor>> = { uniform, range }
export const defaultAssignor = 'uniform'

class Share {
  readonly subscriber: Subscriber
  readonly partitions = new Map<string, Set<number>>()
  size = 0

  constructor(subscriber: Subscriber) {
    this.subscriber = subscriber
  }

  add(topicId: string, partition: number): void {
    const numbers = this.partitions.get(topicId) ?? new Set<number>()
    numbers.add(partition)
    this.partitions.set(topicId, numbers)
    this.size++
  }

  /** Gives up the last partition of a topic. */
  take(topicId: string): number {
    const partition = Math.max(...(this.partitions.get(topicId) ?? []))
    this.partitions.get(topicId)?.delete(partition)
    if (this.partitions.get(topicId)?.size === 0) this.partitions.delete(topicId)
    this.size--
    return partition
  }
}

/** As many partitions for each member as its subscription allows, moving no more of them than that takes. */
function uniform(subscribers: readonly Subscriber[], topics: TopicSizes): Map<string, Partitions> {
  const shares = inOrder(subscribers).map((subscriber) => new Share(subscriber))
  const taken = new Map<string, Set<number>>()
  for (const share of shares) {
    for (const [topicId, partition] of each(share.subscriber.target)) {
      if (partition >= (topics.get(topicId) ?? 0) || !share.subscriber.topics.has(topicId) || taken.get(topicId)?.has(partition)) continue
      share.add(topicId, partition)
      taken.set(topicId, (taken.get(topicId) ?? new Set<number>()).add(partition))
    }
  }
  for (const [topicId, size] of [...topics].toSorted(([a], [b]) => readersOf(a, shares).length - readersOf(b, shares).length)) {
    const readers = readersOf(topicId, shares)
    for (let partition = 0; partition < size; partition++) {
      if (!taken.get(topicId)?.has(partition)) leastLoaded(readers)?.add(topicId, partition)
    }
  }
  while (moveOne(shares));
  return new Map(shares.map(({ subscriber, partitions }) => [subscriber.id, partitions]))
}

function readersOf(topicId: string, shares: readonly Share[]): Share[] {
  return shares.filter(({ subscriber }) => subscriber.topics.has(topicId))
}

function leastLoaded(shares: readonly Share[]): Share | undefined {
  return shares.reduce<Share | undefined>((least, share) => (least === undefined || share.size < least.size ? share : least), undefined)
}

/** Moves a partition from a member to one with at least two fewer; false when there is none such. The sum of squares falls with each move, so this ends. */
function moveOne(shares: readonly Share[]): boolean {
  const least = leastLoaded(shares)?.size ?? 0
  for (const share of shares.toSorted((a, b) => b.size - a.size)) {
    if (share.size - least < 2) return false
    for (const topicId of share.partitions.keys()) {
      const to = leastLoaded(readersOf(topicId, shares))
      if (!to || share.size - to.size < 2) continue
      to.add(topicId, share.take(topicId))
      return true
    }
  }
  return false
}

/** Of each topic a range of partitions for each member, so that partitions of the same number go together. */
function range(subscribers: readonly Subscriber[], topics: TopicSizes): Map<string, Partitions> {
  const shares = inOrder(subscribers).map((subscriber) => new Share(subscriber))
  for (const [topicId, size] of topics) {
    const readers = readersOf(topicId, shares)
    let partition = 0
    for (const [i, share] of readers.entries()) {
      const quota = Math.floor(size / readers.length) + (i < size % readers.length ? 1 : 0)
      for (const end = partition + quota; partition < end; partition++) share.add(topicId, partition)
    }
  }
  return new Map(shares.map(({ subscriber, partitions }) => [subscriber.id, partitions]))
}

/** Static members first, by their instance ids. */
function inOrder(subscribers: readonly Subscriber[]): Subscriber[] {
  const key = ({ id, instanceId }: Subscriber): string => (instanceId === null ? `1${id}` : `0${instanceId}`)
  return subscribers.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}
