import { cassandraSink } from '../connectors/index.ts'
import { tableId, type Batch, type Outcome, type Sink, type SinkResult, type TableDef } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'

type Row = Readonly<Record<string, unknown>>

/** True, or why, for a row that the table is to refuse. */
export type RefusesRow<R = Row> = (row: R) => boolean | string

/** A Cassandra table in memory: values are checked as the real sink does, and per key the row with the latest write time stays (P2). */
export class MemoryTable implements Sink<Row> {
  readonly #table: TableDef
  readonly #keys: readonly { column: string; order: 'asc' | 'desc' }[]
  readonly #checks: Sink<Row>
  readonly #rows = new Map<string, { row: Row; micros: bigint }>()
  #failures = 0
  #refuses: RefusesRow = () => false

  constructor(table: TableDef) {
    this.#table = table
    this.#keys = [...table.partitionKey.map((column) => ({ column, order: 'asc' as const })), ...table.clusteringKey]
    const writer: Parameters<typeof cassandraSink>[1] = {
      write: async (_, micros) => ({ is: 'done', outcomes: Array.from(micros, (): Outcome => ({ is: 'written' })) }),
    }
    this.#checks = cassandraSink(table, writer, async () => {})
  }

  /** The next so many writes find it away (P6); or which rows it refuses from now on (P5). */
  fail(how: number | RefusesRow): void {
    if (typeof how === 'number') this.#failures = how
    else this.#refuses = how
  }

  /** In the order of the table's key. */
  rows(): Row[] {
    const sorted = [...this.#rows.values()].toSorted((a, b) => this.#compare(a.row, b.row))
    return sorted.map(({ row }) => row)
  }

  row(key: unknown): Row | null {
    return this.#rows.get(this.#idOf(this.#keyOf(key)))?.row ?? null
  }

  async write(rows: readonly Row[], from: Batch, rowToRecord: Uint32Array, signal: AbortSignal): Promise<SinkResult> {
    if (this.#failures > 0) {
      this.#failures--
      return { is: 'unavailable', error: new MillraceError('UNREACHABLE', `${tableId(this.#table)}: a test wants the table to be away.`) }
    }
    const result = await this.#checks.write(rows, from, rowToRecord, signal)
    if (result.is === 'unavailable') return result
    const outcomes = result.outcomes.map((outcome, i) => {
      const row = this.#columnsOf(rows[i] ?? {})
      const refusal = outcome.is === 'refused' ? outcome : this.#refusalOf(row)
      if (refusal) return refusal
      this.#put(row, from.writeMicros[rowToRecord[i] ?? 0] ?? 0n)
      return outcome
    })
    return { is: 'done', outcomes }
  }

  async close(): Promise<void> {}

  #put(row: Row, micros: bigint): void {
    const id = this.#idOf(row)
    const before = this.#rows.get(id)
    // P2: the latest write time wins, in whatever order the writes come.
    if (!before || micros >= before.micros) this.#rows.set(id, { row, micros })
  }

  #refusalOf(row: Row): Outcome | null {
    const why = this.#refuses(row)
    if (why === false) return null
    const message = typeof why === 'string' ? why : 'a test wants the table to refuse this row.'
    return { is: 'refused', error: new MillraceError('RECORD_REFUSED', `${tableId(this.#table)}: ${message}`) }
  }

  /** What is stored of a row: the table's columns, null where it has none. */
  #columnsOf(row: Row): Row {
    return Object.fromEntries(this.#table.columns.map(({ name }) => [name, row[name] ?? null]))
  }

  #keyOf(key: unknown): Row {
    if (typeof key === 'object' && key !== null) return { ...key }
    return { [this.#keys[0]?.column ?? '']: key }
  }

  #idOf(row: Row): string {
    return JSON.stringify(this.#keys.map(({ column }) => String(row[column])))
  }

  #compare(a: Row, b: Row): number {
    for (const { column, order } of this.#keys) {
      const [left, right] = [a[column], b[column]]
      if (left === right) continue
      const isLess = typeof left === 'number' && typeof right === 'number' ? left < right : String(left) < String(right)
      return isLess === (order === 'asc') ? -1 : 1
    }
    return 0
  }
}
