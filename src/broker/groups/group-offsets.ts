import type { CommittedOffset } from './offsets-records.ts'

interface Kept extends CommittedOffset {
  /** Offset of its record in `__consumer_offsets`: of two the later one counts. */
  readonly at: number
}

type Table = Map<string, Map<number, Kept>>

/** The committed offsets of one group, and those of transactions that are not decided yet (KIP-98). */
export class GroupOffsets {
  readonly #kept: Table = new Map()
  /** By producer id. */
  readonly #pending = new Map<number, Table>()

  get topics(): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.#kept
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0 && this.#pending.size === 0
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#kept.get(topic)?.get(partition)
  }

  /** All of them, one by one. */
  *entries(): Generator<{ topic: string; partition: number; committed: CommittedOffset }> {
    for (const [topic, partitions] of this.#kept) for (const [partition, committed] of partitions) yield { topic, partition, committed }
  }

  /** The partitions that open transactions hold offsets of. */
  *pending(): Generator<{ topic: string; partition: number }> {
    for (const table of this.#pending.values())
      for (const [topic, partitions] of table) for (const partition of partitions.keys()) yield { topic, partition }
  }

  keep(topic: string, partition: number, committed: CommittedOffset, at: number): void {
    if ((this.#kept.get(topic)?.get(partition)?.at ?? -1) <= at) put(this.#kept, topic, partition, { ...committed, at })
  }

  /** Forgets what was committed before `at`, the offset of the record that deletes it; also in transactions that are still open. */
  forget(topic: string, partition: number, at: number): void {
    drop(this.#kept, topic, partition, at)
    for (const [producerId, table] of this.#pending) {
      drop(table, topic, partition, at)
      if (table.size === 0) this.#pending.delete(producerId)
    }
  }

  forgetTopic(topic: string): void {
    this.#kept.delete(topic)
    for (const [producerId, table] of this.#pending) {
      table.delete(topic)
      if (table.size === 0) this.#pending.delete(producerId)
    }
  }

  /** Committed within a transaction: counts from its commit on. */
  hold(producerId: number, topic: string, partition: number, committed: CommittedOffset, at: number): void {
    const table = this.#pending.get(producerId) ?? new Map<string, Map<number, Kept>>()
    put(table, topic, partition, { ...committed, at })
    this.#pending.set(producerId, table)
  }

  /** The producer's transaction ended. */
  end(producerId: number, commit: boolean): void {
    const table = this.#pending.get(producerId)
    this.#pending.delete(producerId)
    if (!table || !commit) return
    for (const [topic, partitions] of table) for (const [partition, kept] of partitions) this.keep(topic, partition, kept, kept.at)
  }

  /** Whether an open transaction holds an offset of the partition: what is committed may change any moment. */
  isPending(topic: string, partition: number): boolean {
    for (const table of this.#pending.values()) if (table.get(topic)?.has(partition)) return true
    return false
  }
}

function put(table: Table, topic: string, partition: number, kept: Kept): void {
  const partitions = table.get(topic) ?? new Map<number, Kept>()
  partitions.set(partition, kept)
  table.set(topic, partitions)
}

function drop(table: Table, topic: string, partition: number, before: number): void {
  const partitions = table.get(topic)
  if ((partitions?.get(partition)?.at ?? Infinity) < before) partitions?.delete(partition)
  if (partitions?.size === 0) table.delete(topic)
}
