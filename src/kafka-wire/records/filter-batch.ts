import { crc32c } from '@node-rs/crc32'
import { WireError } from '../wire-error.ts'
import { ATTRIBUTES_AT, BATCH_HEADER_BYTES, CRC_AT, DELETE_HORIZON_BIT, LENGTH_END, type BatchHeader } from './batch-header.ts'
import { compress } from './compression.ts'
import { recordsOf } from './decode-batch-into.ts'
import type { RecordReader } from './record-reader.ts'
import { RecordWriter, varintBytes, varlongBytes } from './record-writer.ts'

/** What compaction looks at in a record; key and value are views, `value` only tells whether there is one. */
export interface FilteredRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly hasValue: boolean
}

interface Kept {
  readonly timestampMs: number
  readonly offsetDelta: number
  /** Key, value and headers as they were. */
  readonly rest: Buffer
}

/**
 * The batch at `at` with only the records that `keep` picks; offsets, sequences, times and codec stay. With a delete horizon that
 * is written as the batch's base time (KIP-534), which the times of the records are then told from. Null when `keep` picks every
 * record and no horizon is given: the batch can stay as it is. Throws {@link WireError} on records that are damaged.
 */
export function filterBatch(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  keep: (record: FilteredRecord) => boolean,
  deleteHorizonMs: number | null,
): { bytes: Buffer; recordCount: number } | null {
  const kept: Kept[] = []
  const reader = recordsOf(bytes, at, header)
  for (let left = header.recordCount; left > 0; left--) {
    const record = readRecord(reader, header)
    if (keep(record.seen)) kept.push(record)
  }
  if (kept.length === header.recordCount && deleteHorizonMs === null) return null
  return { bytes: encodeKept(bytes, at, header, kept, deleteHorizonMs), recordCount: kept.length }
}

function readRecord(reader: RecordReader, header: BatchHeader): Kept & { seen: FilteredRecord } {
  const length = reader.varint()
  const end = reader.at + length
  if (length < 0 || end > reader.end) throw new WireError(`a record of ${length} bytes does not fit into its batch`)
  reader.byte()
  const timestampMs = Number(header.baseTimestamp) + reader.varlong()
  const offsetDelta = reader.varint()
  const restAt = reader.at
  const keyLength = reader.varint()
  const keyAt = keyLength < 0 ? -1 : reader.take(keyLength)
  const key = keyAt < 0 ? null : reader.buffer.subarray(keyAt, keyAt + keyLength)
  const hasValue = reader.varint() >= 0
  const rest = reader.buffer.subarray(restAt, end)
  reader.at = end
  return { timestampMs, offsetDelta, rest, seen: { offset: Number(header.baseOffset) + offsetDelta, timestampMs, key, hasValue } }
}

function encodeKept(bytes: Uint8Array, at: number, header: BatchHeader, kept: readonly Kept[], deleteHorizonMs: number | null): Buffer {
  const baseTimestamp = deleteHorizonMs ?? Number(header.baseTimestamp)
  const sizes = kept.map(
    ({ timestampMs, offsetDelta, rest }) => 1 + varlongBytes(timestampMs - baseTimestamp) + varintBytes(offsetDelta) + rest.length,
  )
  let sizeBytes = 0
  for (const size of sizes) sizeBytes += varintBytes(size) + size
  const writer = new RecordWriter(Buffer.allocUnsafeSlow(sizeBytes), 0)
  for (const [i, { timestampMs, offsetDelta, rest }] of kept.entries()) {
    writer.varint(sizes[i] ?? 0)
    writer.byte(0)
    writer.varlong(timestampMs - baseTimestamp)
    writer.varint(offsetDelta)
    writer.raw(rest)
  }
  const head = Buffer.from(bytes.subarray(at, at + BATCH_HEADER_BYTES))
  const batch = Buffer.concat([head, kept.length === 0 ? writer.buffer : compress(header.compression, writer.buffer)])
  let attributes = header.attributes | (deleteHorizonMs === null ? 0 : DELETE_HORIZON_BIT)
  // As Kafka: a batch without records says no codec.
  if (kept.length === 0) attributes &= ~7
  batch.writeInt32BE(batch.length - LENGTH_END, 8)
  batch.writeInt16BE(attributes, ATTRIBUTES_AT)
  batch.writeBigInt64BE(BigInt(baseTimestamp), 27)
  batch.writeBigInt64BE(maxTimestamp(header, kept), 35)
  batch.writeInt32BE(kept.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
  return batch
}

function maxTimestamp(header: BatchHeader, kept: readonly Kept[]): bigint {
  if (header.timestampType === 'LogAppendTime') return header.maxTimestamp
  let max = -1
  for (const { timestampMs } of kept) max = Math.max(max, timestampMs)
  return BigInt(max)
}
