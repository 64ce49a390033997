import type { Batch, Outcome, Sink, SinkResult } from '../../core/index.ts'
import type { MillraceError } from '../../platform/index.ts'
import type { Row } from '../process-batch.ts'

/** A table with Cassandra's rule: per key the row with the highest write time stays. */
export class TableModel implements Sink<Row> {
  readonly rows = new Map<string, { row: Row; w: bigint }>()
  /** Every write, in order of arrival. */
  readonly writes: { id: string; version: string; w: bigint }[] = []
  /** Errors to be unavailable with, one a call. */
  readonly unavailable: MillraceError[] = []
  refuse: (row: Row) => MillraceError | null = () => null
  /** Awaited before each write. */
  beforeWrite: (rows: readonly Row[]) => Promise<void> | void = () => {}
  afterWrite: () => void = () => {}

  #current: { from: Batch; rowToRecord: Uint32Array } | null = null

  async write(rows: readonly Row[], from: Batch, rowToRecord: Uint32Array): Promise<SinkResult> {
    this.#current = { from, rowToRecord }
    await this.beforeWrite(rows)
    const error = this.unavailable.shift()
    if (error) return { is: 'unavailable', error }
    const outcomes = rows.map((row, i): Outcome => {
      const refused = this.refuse(row)
      if (refused) return { is: 'refused', error: refused }
      this.apply(row, from.writeMicros[rowToRecord[i] ?? -1] ?? -1n)
      return { is: 'written' }
    })
    this.afterWrite()
    return { is: 'done', outcomes }
  }

  apply(row: Row, w: bigint): void {
    const id = String(row.id)
    this.writes.push({ id, version: JSON.stringify(row), w })
    const before = this.rows.get(id)
    if (!before || w >= before.w) this.rows.set(id, { row, w })
  }

  /** Within `beforeWrite`: these first rows of the write arrive although its caller never hears of it. */
  cutOff(rows: readonly Row[]): void {
    const { from, rowToRecord } = this.#current ?? {}
    for (const [i, row] of rows.entries()) this.apply(row, from?.writeMicros[rowToRecord?.[i] ?? -1] ?? -1n)
  }

  /** Rows by key, without write times. */
  content(): Record<string, Row> {
    return Object.fromEntries([...this.rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, { row }]) => [id, row]))
  }

  async close(): Promise<void> {}
}
