import { WireError } from '../wire-error.ts'
import { BATCH_HEADER_BYTES, type BatchHeader } from './batch-header.ts'
import type { RecordColumns } from './columns.ts'
import { decompress } from './compression.ts'
import { skipHeaders } from './record-headers.ts'
import { RecordReader } from './record-reader.ts'

export type Appended =
  | { is: 'appended'; rows: number }
  /** Fewer free rows than the batch has records. Nothing was appended: hand the rows on, clear, and try again with enough capacity. */
  | { is: 'full' }
  /** The rows so far point into other bytes than this batch's. Nothing was appended: hand the rows on, clear, and try again. */
  | { is: 'other-bytes' }
  | { is: 'malformed'; reason: string }

/** A record takes at least this: length, attributes, timestamp, offset, key length, value length, header count. */
export const MIN_RECORD_BYTES = 7

/**
 * Appends the records of the batch at `at` to the columns: the fast path, nothing is allocated per record. Rows of an
 * uncompressed batch point into `bytes`, those of a compressed one into the unpacked records, so that batches of one
 * uncompressed fetch answer share one set of columns. Control batches are decoded like others: look at `header.isControl`.
 */
export function decodeBatchInto(bytes: Uint8Array, at: number, header: BatchHeader, columns: RecordColumns): Appended {
  if (header.magic !== 2) return { is: 'malformed', reason: `a batch of magic ${header.magic}; only 2 is known` }
  if (header.recordCount < 0) return { is: 'malformed', reason: `a batch cannot have ${header.recordCount} records` }
  if (columns.length + header.recordCount > columns.capacity) return { is: 'full' }
  const isPacked = header.compression !== 'none'
  if (columns.length > 0 && (isPacked || columns.bytes !== bytes)) return { is: 'other-bytes' }
  try {
    const source = recordsOf(bytes, at, header)
    readRows(source, header, columns)
    columns.bytes = isPacked ? source.buffer : bytes
    return { is: 'appended', rows: header.recordCount }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return { is: 'malformed', reason: error.message }
  }
}

/** A reader of the batch's records, unpacked; refuses a count of records that the bytes cannot hold. */
export function recordsOf(bytes: Uint8Array, at: number, header: BatchHeader): RecordReader {
  const start = at + BATCH_HEADER_BYTES
  const end = at + header.sizeBytes
  if (end > bytes.byteLength) throw new WireError(`the batch ends at byte ${end}, the bytes at ${bytes.byteLength}`)
  let reader = new RecordReader(bytes, start, end)
  if (header.compression !== 'none') {
    const unpacked = decompress(header.compression, reader.buffer.subarray(start, end))
    reader = new RecordReader(unpacked, 0, unpacked.byteLength)
  }
  const { recordCount } = header
  if (recordCount < 0 || recordCount * MIN_RECORD_BYTES > reader.end - reader.at) {
    throw new WireError(`${recordCount} records cannot fit into ${reader.end - reader.at} bytes`)
  }
  return reader
}

function readRows(reader: RecordReader, header: BatchHeader, columns: RecordColumns): void {
  const { keyAt, valueAt, headersAt, timestampMs } = columns
  const baseLow = Number(BigInt.asUintN(32, header.baseOffset))
  const baseHigh = Number(BigInt.asIntN(32, header.baseOffset >> 32n))
  const baseTimestamp = Number(header.baseTimestamp)
  const appendTime = header.timestampType === 'LogAppendTime' ? Number(header.maxTimestamp) : null
  let row = columns.length
  for (let left = header.recordCount; left > 0; left--, row++) {
    const length = reader.varint()
    const end = reader.at + length
    if (length < 0 || end > reader.end) throw new WireError(`a record of ${length} bytes does not fit into its batch`)
    reader.byte()
    const timestamp = baseTimestamp + reader.varlong()
    timestampMs[row] = appendTime ?? timestamp
    columns.setOffset(row, baseLow, baseHigh, reader.varint())
    readRange(reader, keyAt, row)
    readRange(reader, valueAt, row)
    const headers = reader.at
    headersAt[row * 2] = skipHeaders(reader) === 0 ? -1 : headers
    headersAt[row * 2 + 1] = reader.at
    if (reader.at !== end) throw new WireError('a record does not end where its length says')
  }
  if (reader.at !== reader.end) throw new WireError(`${reader.end - reader.at} bytes are left after the last record of a batch`)
  columns.length = row
}

function readRange(reader: RecordReader, ranges: Int32Array, row: number): void {
  const length = reader.varint()
  ranges[row * 2] = length < 0 ? -1 : reader.take(length)
  ranges[row * 2 + 1] = reader.at
}
