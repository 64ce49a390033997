import type { RecordEntry } from './records.ts'

interface Owed {
  readonly entry: RecordEntry
  /** Its place in the order of all, and that of the oldest of its key that is not known to be on the disk. */
  readonly order: number
  since: number
}

/** Writes a group's records in their order; what could not be written goes along with whatever comes next. */
export class OwedRecords {
  readonly #write: (entries: readonly RecordEntry[]) => Promise<boolean>
  /** By key the newest record that is not known to be on the disk. */
  readonly #owed = new Map<string, Owed>()
  readonly #underWay = new Set<Owed>()
  #order = 0
  /** Settled once all attempts so far are over. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(write: (entries: readonly RecordEntry[]) => Promise<boolean>) {
    this.#write = write
  }

  /** These go with the next that are written. */
  owe(entries: readonly RecordEntry[]): void {
    for (const entry of entries) {
      const key = Buffer.from(entry.key).toString('base64')
      const order = ++this.#order
      const since = this.#owed.get(key)?.since ?? order
      // Behind what is owed already, also when it takes the place of one of them.
      this.#owed.delete(key)
      this.#owed.set(key, { entry, order, since })
    }
  }

  /** Resolves once these, and all that came before them, are on the disk (P1); false when they are not. */
  async write(entries: readonly RecordEntry[]): Promise<boolean> {
    this.owe(entries)
    const upTo = this.#order
    const due = [...this.#owed].filter(([, owed]) => !this.#underWay.has(owed))
    if (due.length > 0) this.#last = Promise.all([this.#last, this.#attempt(due)])
    await this.#last
    return [...this.#owed.values()].every(({ since }) => since > upTo)
  }

  async #attempt(due: readonly [string, Owed][]): Promise<void> {
    for (const [, owed] of due) this.#underWay.add(owed)
    const written = await this.#write(due.map(([, { entry }]) => entry)).catch(() => false)
    for (const [key, owed] of due) {
      this.#underWay.delete(owed)
      const newest = this.#owed.get(key)
      if (!written || !newest) continue
      if (newest === owed) this.#owed.delete(key)
      else newest.since = Math.max(newest.since, owed.order + 1)
    }
  }
}
