import { MillraceError } from '../platform/index.ts'
import { CqlValueError, valueWriter, type ByteWriter, type CqlType, type CqlValue } from '../cql-wire/index.ts'

/** One per row, in the rows' order. */
export type RowOutcome = { is: 'written' } | { is: 'refused'; error: MillraceError }

export type WriteResult =
  | { is: 'done'; outcomes: RowOutcome[] }
  /** The table cannot be written to now: nothing is said about single rows, all may be sent again (P2 makes that harmless). */
  | { is: 'unavailable'; error: MillraceError; retryAfterMs?: number }

/** Rows whose values are bound already, for a caller that encodes elsewhere: each value an int length (−1 null) and its bytes. */
export interface EncodedRows {
  /** All values of all rows, one after another. */
  bytes: Uint8Array
  /** Where each row starts in `bytes`; one more for the end of the last. */
  rowAt: Uint32Array
}

export type Rows = readonly (readonly CqlValue[])[] | EncodedRows

export interface WriterColumn {
  name: string
  type: CqlType
}

/** Appends the values of one row of a batch. Throws CqlValueError when the row does not fit the columns. */
export type RowEncoder = (out: ByteWriter, row: readonly CqlValue[]) => void

/** Compiled once for the columns of a table. */
export function rowEncoder(columns: readonly WriterColumn[]): RowEncoder {
  const writers = columns.map((column) => valueWriter(column.type))
  const count = writers.length
  return (out, row) => {
    if (row.length !== count) throw new CqlValueError(`a row has ${row.length} values where the table has ${count} columns`)
    for (let i = 0; i < count; i++) {
      try {
        writers[i]?.(out, row[i] ?? null)
      } catch (error) {
        if (!(error instanceof CqlValueError)) throw error
        throw new CqlValueError(`column ${columns[i]?.name ?? i}: ${error.message}`)
      }
    }
  }
}

const written: RowOutcome = Object.freeze({ is: 'written' })

/** The rows of one `write` call on their way. It ends once: all rows have an outcome, or it failed, or it was given up. */
export class Batch {
  readonly size: number
  readonly result: Promise<WriteResult>
  isOver = false
  readonly #rows: Rows
  readonly #encode: RowEncoder
  /** Write times, seen as bytes: they are copied into frames without making a bigint of each. */
  readonly #microsBytes: Uint8Array
  readonly #outcomes: RowOutcome[]
  #open: number
  #tries: Uint8Array | null = null
  #resolve: (result: WriteResult) => void = () => {}
  #reject: (reason: Error) => void = () => {}

  constructor(rows: Rows, writeMicros: BigInt64Array, encode: RowEncoder) {
    this.#rows = rows
    this.#encode = encode
    this.size = 'rowAt' in rows ? rows.rowAt.length - 1 : rows.length
    this.#microsBytes = new Uint8Array(writeMicros.buffer, writeMicros.byteOffset, writeMicros.byteLength)
    this.#outcomes = Array.from<RowOutcome>({ length: this.size }).fill(written)
    this.#open = this.size
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (this.size === 0) this.#finish()
  }

  /** Appends the row's values, then its write time as the last one: the P2 write time, bound per row. */
  encodeRow(out: ByteWriter, row: number): void {
    this.encodeValues(out, row)
    const at = out.ensure(12)
    const bytes = out.bytes
    out.intAt(at, 8)
    for (let i = 0; i < 8; i++) bytes[at + 4 + i] = this.#microsBytes[row * 8 + 7 - i] ?? 0
    out.at = at + 12
  }

  encodeValues(out: ByteWriter, row: number): void {
    if ('rowAt' in this.#rows) out.raw(this.#rows.bytes.subarray(this.#rows.rowAt[row] ?? 0, this.#rows.rowAt[row + 1] ?? 0))
    else this.#encode(out, this.#rows[row] ?? [])
  }

  settleWritten(): void {
    if (--this.#open === 0) this.#finish()
  }

  settleRefused(row: number, error: MillraceError): void {
    this.#outcomes[row] = { is: 'refused', error }
    if (--this.#open === 0) this.#finish()
  }

  /** Counts a try of a row that did not succeed; returns how many there were. */
  countTry(row: number): number {
    this.#tries ??= new Uint8Array(this.size)
    const tries = Math.min(255, (this.#tries[row] ?? 0) + 1)
    this.#tries[row] = tries
    return tries
  }

  fail(error: MillraceError, retryAfterMs?: number): void {
    if (this.isOver) return
    this.isOver = true
    this.#resolve({ is: 'unavailable', error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
  }

  giveUp(reason: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.#reject(reason)
  }

  #finish(): void {
    if (this.isOver) return
    this.isOver = true
    this.#resolve({ is: 'done', outcomes: this.#outcomes })
  }
}
