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
  /** Awaited before each write; with `arrive` the row at an index is written although the caller may never hear of it. */
  beforeWrite: (rows: readonly Row[], arrive: (i: number) => void) => Promise<void> | void = () => {}
  afterWrite: () => void = () => {}

  async write(rows: readonly Row[], from: Batch, rowToRecord: Uint32Array): Promise<SinkResult> {
    const apply = (i: number): void => this.apply(rows[i] ?? {}, from.writeMicros[rowToRecord[i] ?? -1] ?? -1n)
    await this.beforeWrite(rows, apply)
    const error = this.unavailable.shift()
    if (error) return { is: 'unavailable', error }
    const outcomes = rows.map((row, i): Outcome => {
      const refused = this.refuse(row)
      if (refused) return { is: 'refused', error: refused }
      apply(i)
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

  /** Rows by key, without write times. */
  content(): Record<string, Row> {
    return Object.fromEntries([...this.rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, { row }]) => [id, row]))
  }

  async close(): Promise<void> {}
}
