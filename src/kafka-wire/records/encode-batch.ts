import { crc32c } from '@node-rs/crc32'
import { ATTRIBUTES_AT, BATCH_HEADER_BYTES, CONTROL_BIT, CRC_AT, LENGTH_END, TRANSACTIONAL_BIT } from './batch-header.ts'
import { codecNumber, compress, type Compression } from './compression.ts'
import type { RecordHeader } from './record-headers.ts'
import { RecordWriter, varintBytes, varlongBytes } from './record-writer.ts'

export interface RecordInput {
  key: Uint8Array | null
  value: Uint8Array | null
  /** Whole milliseconds since 1970. */
  timestampMs: number
  headers?: readonly RecordHeader[]
}

export interface BatchInput {
  records: readonly RecordInput[]
  compression: Compression
  /** 0, unless said: the broker sets it. */
  baseOffset?: bigint
  /** −1, unless said, as are its epoch and sequence: not idempotent. */
  producerId?: bigint
  producerEpoch?: number
  baseSequence?: number
  /** −1, unless said: the broker sets it. */
  partitionLeaderEpoch?: number
  isTransactional?: boolean
  isControl?: boolean
}

/** A whole record batch, magic 2, with its CRC. Offsets count up from the base in the order given. */
export function encodeBatch(input: BatchInput): Buffer {
  const { records, compression } = input
  const baseTimestamp = records[0]?.timestampMs ?? -1
  const sizes = records.map((record, index) => recordSize(record, record.timestampMs - baseTimestamp, index))
  let sizeBytes = 0
  for (const size of sizes) sizeBytes += varintBytes(size) + size

  const room = compression === 'none' ? BATCH_HEADER_BYTES : 0
  const writer = new RecordWriter(Buffer.allocUnsafeSlow(room + sizeBytes), room)
  let maxTimestamp = baseTimestamp
  for (const [index, record] of records.entries()) {
    writeRecord(writer, record, sizes[index] ?? 0, record.timestampMs - baseTimestamp, index)
    if (record.timestampMs > maxTimestamp) maxTimestamp = record.timestampMs
  }
  const batch = compression === 'none' ? writer.buffer : behindHeader(compress(compression, writer.buffer))
  writeHeader(batch, input, baseTimestamp, maxTimestamp)
  return batch
}

function behindHeader(records: Buffer): Buffer {
  const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + records.byteLength)
  batch.set(records, BATCH_HEADER_BYTES)
  return batch
}

function writeHeader(batch: Buffer, input: BatchInput, baseTimestamp: number, maxTimestamp: number): void {
  const { records, compression, isTransactional = false, isControl = false } = input
  const attributes = codecNumber(compression) | (isTransactional ? TRANSACTIONAL_BIT : 0) | (isControl ? CONTROL_BIT : 0)
  batch.writeBigInt64BE(input.baseOffset ?? 0n, 0)
  batch.writeInt32BE(batch.byteLength - LENGTH_END, 8)
  batch.writeInt32BE(input.partitionLeaderEpoch ?? -1, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(attributes, ATTRIBUTES_AT)
  batch.writeInt32BE(Math.max(records.length - 1, 0), 23)
  batch.writeBigInt64BE(BigInt(baseTimestamp), 27)
  batch.writeBigInt64BE(BigInt(maxTimestamp), 35)
  batch.writeBigInt64BE(input.producerId ?? -1n, 43)
  batch.writeInt16BE(input.producerEpoch ?? -1, 51)
  batch.writeInt32BE(input.baseSequence ?? -1, 53)
  batch.writeInt32BE(records.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
}

/** The bytes of a record after its length. */
function recordSize(record: RecordInput, timestampDelta: number, offsetDelta: number): number {
  const { key, value, headers = [] } = record
  let size = 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta) + lengthed(key) + lengthed(value) + varintBytes(headers.length)
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key)
    size += varintBytes(keyBytes) + keyBytes + lengthed(header.value)
  }
  return size
}

function lengthed(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintBytes(bytes.byteLength) + bytes.byteLength
}

function writeRecord(writer: RecordWriter, record: RecordInput, size: number, timestampDelta: number, offsetDelta: number): void {
  const { key, value, headers = [] } = record
  writer.varint(size)
  writer.byte(0)
  writer.varlong(timestampDelta)
  writer.varint(offsetDelta)
  writer.bytes(key)
  writer.bytes(value)
  writer.varint(headers.length)
  for (const header of headers) {
    writer.string(header.key)
    writer.bytes(header.value)
  }
}
