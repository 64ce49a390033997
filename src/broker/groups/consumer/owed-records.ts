import type { RecordEntry } from './records.ts'

/** Writes a group's records in their order; what could not be written goes along with whatever comes next. */
export class OwedRecords {
  readonly #write: (entries: readonly RecordEntry[]) => Promise<boolean>
  /** By key the newest record that is not known to be on the disk. */
  readonly #owed = new Map<string, RecordEntry>()
  readonly #underWay = new Set<RecordEntry>()
  #last: Promise<boolean> = Promise.resolve(true)

  constructor(write: (entries: readonly RecordEntry[]) => Promise<boolean>) {
    this.#write = write
  }

  /** Resolves once these, and all that came before them, are on the disk (P1); false when they are not. */
  write(entries: readonly RecordEntry[]): Promise<boolean> {
    for (const entry of entries) {
      const key = Buffer.from(entry.key).toString('base64')
      // Behind what is owed already, also when it takes the place of one of them.
      this.#owed.delete(key)
      this.#owed.set(key, entry)
    }
    const due = [...this.#owed].filter(([, entry]) => !this.#underWay.has(entry))
    if (due.length > 0) this.#last = this.#attempt(due, this.#last)
    return this.#last
  }

  async #attempt(due: readonly [string, RecordEntry][], before: Promise<boolean>): Promise<boolean> {
    const entries = due.map(([, entry]) => entry)
    for (const entry of entries) this.#underWay.add(entry)
    const written = await this.#write(entries)
    for (const entry of entries) this.#underWay.delete(entry)
    if (written) for (const [key, entry] of due) if (this.#owed.get(key) === entry) this.#owed.delete(key)
    // What failed is owed, and goes along with the next attempt: that one need not fail for it.
    if (!written) this.#last = Promise.resolve(true)
    return (await before) && written
  }
}
