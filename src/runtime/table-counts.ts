import { asMillraceError, type MillraceError } from '../platform/index.ts'

/** Rows of a table, or why it could not be asked. */
export interface TableCount {
  readonly count: number | null
  readonly error: MillraceError | null
}

/** Counting a table reads it: spend about a twentieth of the time on it at most, but do not let a count grow old either. */
const countShare = 20
const oldestCountMs = 60_000
/**
 * So few cost next to nothing, and are counted whenever somebody asks: a slow moment of the store is not kept. Else `status` said
 * for seconds that a table held less than its stream, whose lag was 0, had written.
 */
const alwaysCounted = 10_000

/** Counts of tables, kept from one question to the next where counting is dear. Whoever asks while it counts gets the same answer. */
export class TableCounts {
  readonly #count: (table: string) => Promise<number>
  readonly #nowMs: () => number
  readonly #known = new Map<string, { answer: TableCount; askAgainMs: number }>()
  readonly #counting = new Map<string, Promise<TableCount>>()

  constructor(count: (table: string) => Promise<number>, nowMs: () => number = () => performance.now()) {
    this.#count = count
    this.#nowMs = nowMs
  }

  of(table: string): Promise<TableCount> {
    const known = this.#known.get(table)
    if (known && this.#nowMs() < known.askAgainMs) return Promise.resolve(known.answer)
    const counting = this.#counting.get(table) ?? this.#ask(table).finally(() => this.#counting.delete(table))
    this.#counting.set(table, counting)
    return counting
  }

  async #ask(table: string): Promise<TableCount> {
    const startedMs = this.#nowMs()
    const answer = await this.#count(table).then(
      (count) => ({ count, error: null }),
      (error: unknown) => ({ count: null, error: asMillraceError(error, 'UNREACHABLE') }),
    )
    const endedMs = this.#nowMs()
    const isDear = answer.count !== null && answer.count > alwaysCounted
    this.#known.set(table, { answer, askAgainMs: isDear ? endedMs + Math.min(oldestCountMs, (endedMs - startedMs) * countShare) : endedMs })
    return answer
  }
}
