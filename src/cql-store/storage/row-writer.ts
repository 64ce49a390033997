import type { GrowingBuffer } from './growing-buffer.ts'
import { cellFlags, writeCell, writeRowHead } from './row-codec.ts'
import type { Cell, Deletion, Liveness } from './row.ts'

/** Writes one row cell by cell, in the order of their columns, straight into the log's buffer. */
export class RowWriter {
  readonly #out: GrowingBuffer
  /** Where the count of cells stands, from the start of the group: the buffer may move while it grows. */
  #countAt = 0
  #cells = 0
  #liveness: bigint | null = null

  constructor(out: GrowingBuffer) {
    this.#out = out
  }

  begin(liveness: Liveness | null, deletion: Deletion | null, clustering: readonly Uint8Array[]): void {
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
    out.bytes.writeUInt16BE(this.#cells, out.length - out.groupBytes + this.#countAt)
  }
}
