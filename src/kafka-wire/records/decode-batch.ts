import { decoded, WireError } from '../wire-error.ts'
import type { BatchHeader } from './batch-header.ts'
import { recordsOf } from './decode-batch-into.ts'
import { readHeaders, skipHeaders, type RecordHeader } from './record-headers.ts'
import type { RecordReader } from './record-reader.ts'

export interface KafkaRecord {
  offset: bigint
  /** Milliseconds since 1970: the record's own, or the batch's when the broker sets it (LogAppendTime). */
  timestampMs: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: RecordHeader[]
}

/**
 * The records of the batch at `at`, as objects. Keys and values are views on `bytes`, or on the unpacked records.
 * `decodeBatchInto` is the fast path.
 */
export function decodeBatch(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
): { ok: true; records: KafkaRecord[] } | { ok: false; reason: string } {
  if (header.magic !== 2) return { ok: false, reason: `a batch of magic ${header.magic}; only 2 is known` }
  const result = decoded(() => readRecords(recordsOf(bytes, at, header), header))
  return result.ok ? { ok: true, records: result.body } : result
}

function readRecords(reader: RecordReader, header: BatchHeader): KafkaRecord[] {
  const records: KafkaRecord[] = []
  const baseTimestamp = Number(header.baseTimestamp)
  for (let left = header.recordCount; left > 0; left--) {
    const length = reader.varint()
    const end = reader.at + length
    if (length < 0 || end > reader.end) throw new WireError(`a record of ${length} bytes does not fit into its batch`)
    reader.byte()
    const timestampDelta = reader.varlong()
    const offset = header.baseOffset + BigInt(reader.varint())
    const key = readBytes(reader)
    const value = readBytes(reader)
    const headersAt = reader.at
    const headers = skipHeaders(reader) === 0 ? [] : readHeaders(reader.buffer, headersAt, reader.at)
    if (reader.at !== end) throw new WireError('a record does not end where its length says')
    const timestampMs = header.timestampType === 'LogAppendTime' ? Number(header.maxTimestamp) : baseTimestamp + timestampDelta
    records.push({ offset, timestampMs, key, value, headers })
  }
  if (reader.at !== reader.end) throw new WireError(`${reader.end - reader.at} bytes are left after the last record of a batch`)
  return records
}

function readBytes(reader: RecordReader): Uint8Array | null {
  const length = reader.varint()
  if (length < 0) return null
  const at = reader.take(length)
  return reader.buffer.subarray(at, at + length)
}
