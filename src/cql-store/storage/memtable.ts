import { mergeRecords } from './record.ts'

/** Unsorted keys are sorted in when a range is read and there are more than this. */
const tailLimit = 256

/**
 * Records written since the sorted store was last brought up to date. Keys are held as latin1 strings: they hash and compare
 * fast, in the order of their bytes.
 */
export class Memtable {
  readonly #records = new Map<string, Buffer>()
  #sorted: string[] = []
  #tail: string[] = []
  #sizeBytes = 0
  /** What the records lie in, as far as it is to be used again. */
  readonly slabs = new Set<Buffer>()

  get size(): number {
    return this.#records.size
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Adds a version of the record; `record` is kept, not copied: who gives it out beyond the next turn of the event loop copies it. */
  put(key: string, record: Buffer): void {
    const old = this.#records.get(key)
    this.#sizeBytes += record.length + key.length + 100
    if (old === undefined) {
      this.#tail.push(key)
      this.#records.set(key, record)
      return
    }
    this.#records.set(key, mergeRecords(Buffer.from(key, 'latin1'), old, record))
  }

  get(key: string): Buffer | undefined {
    return this.#records.get(key)
  }

  /** True when some record's key begins with `prefix`, which ends where a key's component ends. */
  holds(prefix: Buffer): boolean {
    const start = prefix.toString('latin1')
    return this.range(start, `${start}\xff`, false, 1).length > 0
  }

  /** All keys in order. */
  keys(): readonly string[] {
    this.#sortIn()
    return this.#sorted
  }

  /** At most `limit` keys from `start` (included) to `end` (not included), in order, or from the end backwards. */
  range(start: string, end: string, reverse: boolean, limit: number): string[] {
    if (this.#tail.length > tailLimit) this.#sortIn()
    const sorted = this.#sorted
    const from = lowerBound(sorted, start)
    const to = lowerBound(sorted, end)
    const found = reverse ? sorted.slice(Math.max(from, to - limit), to) : sorted.slice(from, Math.min(to, from + limit))
    let more = false
    for (const key of this.#tail) {
      if (key >= start && key < end) {
        found.push(key)
        more = true
      }
    }
    if (more) found.sort(compareKeys)
    if (reverse) found.reverse()
    return found.length > limit ? found.slice(0, limit) : found
  }

  #sortIn(): void {
    if (this.#tail.length === 0) return
    const tail = this.#tail.sort(compareKeys)
    this.#tail = []
    const old = this.#sorted
    const merged: string[] = []
    let i = 0
    for (const key of tail) {
      for (let next = old[i]; next !== undefined && next < key; next = old[++i]) merged.push(next)
      merged.push(key)
    }
    for (let next = old[i]; next !== undefined; next = old[++i]) merged.push(next)
    this.#sorted = merged
  }
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = sorted[middle]
    if (at !== undefined && at < key) low = middle + 1
    else high = middle
  }
  return low
}
