import type { GrowingBuffer } from './growing-buffer.ts'
import { cellFlags, fewCells, rowFlags, writeCell, writeRowHead } from './row-codec.ts'
import type { Cell, Deletion, Liveness } from './row.ts'

/** Writes one row cell by cell, in the order of their columns, straight into the log's buffer. */
export class RowWriter {
  readonly #out: GrowingBuffer
  /** Where the row, and in it the count of cells, stands from the start of the group: the buffer may move while it grows. */
  #rowAt = 0
  #countAt = 0
  #cells = 0
  #liveness: bigint | null = null

  constructor(out: GrowingBuffer) {
    this.#out = out
  }

  begin(liveness: Liveness | null, deletion: Deletion | null, clustering: readonly Uint8Array[]): void {
    this.#rowAt = this.#out.groupBytes
    writeRowHead(this.#out, liveness, deletion, clustering)
    this.#countAt = this.#out.groupBytes
    this.#out.u16(0)
    this.#cells = 0
    this.#liveness = liveness?.timestamp ?? null
  }

  value(column: number, timestamp: bigint, ttl: number, expiresAt: number, value: Uint8Array): void {
    const out = this.#out
    const { length } = value
    out.ensure(32 + length)
    const same = timestamp === this.#liveness
    out.u16(column)
    out.u8((expiresAt !== 0 ? cellFlags.expiring : 0) | (same ? cellFlags.sameTimestamp : 0))
    if (!same) out.i64(timestamp)
    if (expiresAt !== 0) {
      out.u32(ttl)
      out.u32(expiresAt)
    }
    out.u32(length)
    out.raw(value)
    this.#cells++
  }

  cell(cell: Cell): void {
    this.#out.ensure(48 + cell.value.length + (cell.path?.length ?? 0))
    writeCell(this.#out, cell, this.#liveness)
    this.#cells++
  }

  end(): void {
    const out = this.#out
    if (this.#cells > fewCells) return this.#widen()
    out.bytes.writeUInt16BE(this.#cells, out.length - out.groupBytes + this.#countAt)
  }

  /** A collection of more elements than two bytes count: the cells make room for two more. */
  #widen(): void {
    const out = this.#out
    out.ensure(2)
    const { bytes } = out
    const start = out.length - out.groupBytes
    const countAt = start + this.#countAt
    bytes.copyWithin(countAt + 4, countAt + 2, out.length)
    bytes.writeUInt32BE(this.#cells, countAt)
    bytes[start + this.#rowAt] = (bytes[start + this.#rowAt] ?? 0) | rowFlags.manyCells
    out.length += 2
  }
}
