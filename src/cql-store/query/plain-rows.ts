import type { ByteWriter } from '../../cql-wire/index.ts'
import { isMultiCell, type Column } from '../schema/index.ts'
import { findPlainCells, type Row } from '../storage/index.ts'

/** Shorter values are copied byte by byte, which costs less than a call. */
const fewBytes = 48

/** Where a column of the answer comes from. */
type Source = { is: 'partition'; position: number } | { is: 'clustering'; position: number } | { is: 'cell'; column: number }

/** Columns whose values stand in a row as the protocol wants them; null when one of them has to be put together first. */
export function plainColumns(columns: readonly (Column | null)[]): PlainColumns | null {
  const sources: Source[] = []
  for (const column of columns) {
    if (!column || column.kind === 'static' || isMultiCell(column)) return null
    if (column.kind === 'regular') sources.push({ is: 'cell', column: column.id })
    else if (column.kind === 'clustering') sources.push({ is: 'clustering', position: column.position })
    else sources.push({ is: 'partition', position: column.position })
  }
  return new PlainColumns(sources)
}

/** Writes rows from where they are stored into an answer, without decoding them: a scan is little else. */
export class PlainColumns {
  readonly #sources: readonly Source[]
  /** By column: where the length of its value stands in the record, 0 for none. */
  readonly #cells: Int32Array

  constructor(sources: readonly Source[]) {
    this.#sources = sources
    const highest = Math.max(-1, ...sources.map((source) => (source.is === 'cell' ? source.column : -1)))
    this.#cells = new Int32Array(highest + 1)
  }

  /** Writes a row, each value as `[bytes]`; false, and nothing, when its cells are not all plain. */
  write(out: ByteWriter, record: Buffer, row: { partition: readonly Uint8Array[]; row: Row | null }): boolean {
    const cells = this.#cells
    if (!findPlainCells(record, cells)) return false
    for (const source of this.#sources) {
      if (source.is === 'partition') out.longBytes(row.partition[source.position] ?? null)
      else if (source.is === 'clustering') out.longBytes(row.row?.clustering[source.position] ?? null)
      else {
        const at = cells[source.column] ?? 0
        if (at === 0) out.int(-1)
        else copyValue(out, record, at)
      }
    }
    return true
  }
}

/** Length and bytes: stored as the protocol has them. */
function copyValue(out: ByteWriter, record: Buffer, at: number): void {
  const count = 4 + record.readUInt32BE(at)
  const to = out.ensure(count)
  const { bytes } = out
  if (count > fewBytes) record.copy(bytes, to, at, at + count)
  else for (let i = 0; i < count; i++) bytes[to + i] = record[at + i] ?? 0
  out.at = to + count
}
