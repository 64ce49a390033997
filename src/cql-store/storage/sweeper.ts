import { withoutGarbage, withoutOldDeletions } from './garbage.ts'
import { afterPrefix, places, prefixLengthOf, tableOfKey } from './keys.ts'
import { decodeDeletions, type PartitionDeletions } from './partition-deletions.ts'
import type { SortedStore } from './sorted-store.ts'

/** Records that one step looks at. */
const stepRecords = 500
const afterAll = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])
/** Below every record, above the position of the commit log. */
const firstKey = Buffer.from([0, 0, 0, 1])

interface OpenPartition {
  prefix: Buffer
  deletionsKey: Buffer
  deletions: PartitionDeletions
  /** Records came to it since its rows are swept: one of them may be older than the deletions. */
  isWritten: boolean
}

/** What may go, apart from what deletions shadow; see `EngineOptions`. */
interface SweepRules {
  /** Of a table by its number; null for one that is dropped. */
  gcGraceSeconds: (table: number) => number | null
  isStale: (key: Buffer, stored: (key: Buffer) => Buffer | undefined) => boolean
}

/** Records that are to be applied to the store. */
export interface Waiting {
  get(key: string): Buffer | undefined
  /** True when there is one of a partition. */
  holds(prefix: Buffer): boolean
}

export interface Swept {
  looked: number
  changed: number
}

/** Walks over all records once, a step at a time, and takes out what is garbage. A crash leaves it half done, and nothing wrong. */
export class Sweeper {
  readonly #store: SortedStore
  readonly #rules: SweepRules
  readonly #waiting: () => Waiting
  #next: Buffer = firstKey
  /** What is written behind the last record that there was at first is left to the next time: writers are quicker than a sweep. */
  readonly #end: Buffer
  #partition: OpenPartition | null = null

  constructor(store: SortedStore, rules: SweepRules, waiting: () => Waiting) {
    this.#store = store
    const last = store.range(firstKey, afterAll, true, 1)[0]
    this.#end = last ? Buffer.concat([last.key, Uint8Array.of(0)]) : firstKey
    this.#rules = rules
    this.#waiting = waiting
  }

  /** Tells what was applied between two steps. */
  applied(records: Waiting): void {
    if (this.#partition && records.holds(this.#partition.prefix)) this.#partition.isWritten = true
  }

  /** One step; null when all was seen. Nothing else may apply records meanwhile. */
  async step(nowSeconds: number): Promise<Swept | null> {
    const records = Buffer.compare(this.#next, this.#end) < 0 ? this.#store.range(this.#next, this.#end, false, stepRecords) : []
    const last = records.at(-1)
    const changes = new Map<string, Buffer | null>()
    for (const { key, record } of records) this.#look(key, record, nowSeconds, changes)
    if (!last && this.#goesOn()) this.#partition = null
    else if (!last) this.#leave(nowSeconds, changes)
    else this.#next = Buffer.concat([last.key, Uint8Array.of(0)])
    if (changes.size > 0) await this.#store.apply(changes.keys(), (key) => changes.get(key.toString('latin1')), null)
    return last ? { looked: records.length, changed: changes.size } : changes.size > 0 ? { looked: 0, changed: changes.size } : null
  }

  /** The open partition has rows behind the end, which were not swept: its deletions stay. */
  #goesOn(): boolean {
    return this.#partition !== null && this.#store.range(this.#end, afterPrefix(this.#partition.prefix), false, 1).length > 0
  }

  #look(key: Buffer, record: Buffer, nowSeconds: number, changes: Map<string, Buffer | null>): void {
    const grace = this.#rules.gcGraceSeconds(tableOfKey(key))
    if (grace === null) return
    const open = this.#partition
    const isInside =
      open !== null && key.length > open.prefix.length && key.compare(open.prefix, 0, open.prefix.length, 0, open.prefix.length) === 0
    if (open && !isInside) this.#leave(nowSeconds, changes)
    const prefixLength = prefixLengthOf(key)
    const place = key.subarray(prefixLength)
    if (place.length === 1 && place[0] === places.deletions) {
      this.#partition = { prefix: key.subarray(0, prefixLength), deletionsKey: key, deletions: decodeDeletions(record), isWritten: false }
      return
    }
    const deletions = this.#partition?.deletions ?? null
    // A range is about rows: the static row goes with its partition alone.
    const isStatic = place.length === 1 && place[0] === places.static
    const over = isStatic && deletions ? { partition: deletions.partition, ranges: [] } : deletions
    // What waits brings its own entries; what is only in the log may be lost, so the sorted store alone is asked.
    const isStale = this.#rules.isStale(key, (other) => {
      const changed = changes.get(other.toString('latin1'))
      return changed === undefined ? this.#store.get(other) : (changed ?? undefined)
    })
    const next = isStale ? null : withoutGarbage(record, place, over, nowSeconds - grace)
    const name = key.toString('latin1')
    // A record that waits may be older than a tombstone here: as in Cassandra, that stays until both are in one place.
    if (next !== record && !this.#waiting().get(name)) changes.set(name, next)
  }

  /** The rows of a partition are done: its deletions may go. */
  #leave(nowSeconds: number, changes: Map<string, Buffer | null>): void {
    const open = this.#partition
    this.#partition = null
    if (!open) return
    const grace = this.#rules.gcGraceSeconds(tableOfKey(open.deletionsKey))
    const record = this.#store.get(open.deletionsKey)
    if (grace === null || !record || open.isWritten || this.#waiting().holds(open.prefix)) return
    const next = withoutOldDeletions(record, open.deletions, nowSeconds - grace)
    if (next !== record) changes.set(open.deletionsKey.toString('latin1'), next)
  }
}
