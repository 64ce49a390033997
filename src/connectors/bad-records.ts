import { messageOf, MillraceError } from '../platform/index.ts'
import { isObject } from './options-reader.ts'
import type { Option } from './option-table.ts'

/** What becomes of what is no record: the run fails, it is left out and counted, or the author makes a record of it (null: left out). */
export type OnBad<B> = 'fail' | 'skip' | ((bad: B) => Record<string, unknown> | null)

export function onBad<B>({ does, takes }: { does: string; takes: string }): Option<OnBad<B>> {
  const read: Option<OnBad<B>>['read'] = (reader, key) => {
    const given = reader.raw(key) ?? 'fail'
    if (given === 'fail' || given === 'skip') return given
    // What it takes the compiler has checked where the author wrote it.
    return typeof given === 'function'
      ? (given as (bad: B) => Record<string, unknown> | null)
      : reader.wrong(key, `must be 'fail', 'skip' or a function`)
  }
  return { takes: `\`'fail'\`, \`'skip'\` or ${takes}`, standard: "`'fail'`", does, read }
}

/** Of those that were left out the first are told one by one. */
const toldOneByOne = 5

/** What a source meets that is no record. None is left out in silence (P5): each is told, or counted in the log. */
export class BadRecords<B> {
  readonly #source: string
  readonly #option: string
  readonly #onBad: OnBad<B>
  readonly #log: (line: string) => void
  #left = 0

  constructor(options: { source: string; option: string; onBad: OnBad<B>; log: (line: string) => void }) {
    this.#source = options.source
    this.#option = options.option
    this.#onBad = options.onBad
    this.#log = options.log
  }

  /** With `fail` the records before it are a page of their own, so that the next run begins here. */
  get fails(): boolean {
    return this.#onBad === 'fail'
  }

  /** @returns the author's record of it; null: it is left out. Throws RECORD_DECODE with `fail`, and when the author's function throws. */
  take(bad: B, where: string, why: string): Record<string, unknown> | null {
    const problem = why.replace(/\.$/, '')
    if (this.#onBad === 'fail') throw this.#error(where, `${problem}. Mend it, or say with ${this.#option} what becomes of it`)
    const made = this.#onBad === 'skip' ? null : this.#made(this.#onBad, bad, where)
    if (made !== null) return made
    this.#left++
    if (this.#left <= toldOneByOne) this.#log(`${where}: ${problem}; left out`)
    return null
  }

  /** Says how many were left out, if any were. */
  sayTotal(): void {
    if (this.#left > 0) this.#log(`${this.#source}: ${this.#left} bad ${this.#left === 1 ? 'one' : 'ones'} left out in this run`)
  }

  #made(make: (bad: B) => unknown, bad: B, where: string): Record<string, unknown> | null {
    let made: unknown
    try {
      made = make(bad)
    } catch (error) {
      throw this.#error(where, `${this.#option} threw: ${messageOf(error)}`, error)
    }
    if (made === null || (isObject(made) && !(made instanceof Promise))) return made
    throw this.#error(where, `${this.#option} gave neither a record nor null`)
  }

  #error(where: string, what: string, cause?: unknown): MillraceError {
    const message = `Source ${this.#source}, ${where}: ${what}. Nothing from there on was produced.`
    return new MillraceError('RECORD_DECODE', message, { cause, details: { source: this.#source, where } })
  }
}
