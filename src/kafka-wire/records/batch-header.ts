import { crc32c } from '@node-rs/crc32'
import { asBuffer } from '../reader.ts'
import { compressionOf, type Compression } from './compression.ts'

/**
 * The header of a record batch, magic 2 (KIP-98, protocol guide "Record Batch"):
 *
 * ```
 * baseOffset int64 | batchLength int32 | partitionLeaderEpoch int32 | magic int8 | crc uint32 | attributes int16 |
 * lastOffsetDelta int32 | baseTimestamp int64 | maxTimestamp int64 | producerId int64 | producerEpoch int16 |
 * baseSequence int32 | recordCount int32 | records
 * ```
 */
export const BATCH_HEADER_BYTES = 61
/** `batchLength` counts from after itself. */
export const LENGTH_END = 12
export const CRC_AT = 17
/** The CRC covers everything from here on; offset and leader epoch lie before, so that a broker can set them. */
export const ATTRIBUTES_AT = 21

export const TIMESTAMP_TYPE_BIT = 0x08
export const TRANSACTIONAL_BIT = 0x10
export const CONTROL_BIT = 0x20
/** The base timestamp says when tombstones and markers of the batch may go (KIP-534). */
export const DELETE_HORIZON_BIT = 0x40

export interface BatchHeader {
  baseOffset: bigint
  batchLength: number
  partitionLeaderEpoch: number
  magic: number
  crc: number
  attributes: number
  lastOffsetDelta: number
  /** Milliseconds since 1970; −1 for none. */
  baseTimestamp: bigint
  maxTimestamp: bigint
  /** −1 for a producer that is not idempotent, as are its epoch and sequence. */
  producerId: bigint
  producerEpoch: number
  baseSequence: number
  recordCount: number
  /** The whole batch with its header. */
  sizeBytes: number
  compression: Compression
  isTransactional: boolean
  isControl: boolean
  /** When its tombstones and markers may go (KIP-534); null before compaction has seen them. */
  deleteHorizonMs: number | null
  timestampType: 'CreateTime' | 'LogAppendTime'
}

/**
 * The header of the batch at `at`. Null when there is no whole batch: fewer than 61 bytes left, a batch cut short (Fetch may
 * cut the last), a length that no batch can have, or an unknown codec. Look at `magic` before trusting the other fields.
 */
export function readBatchHeader(bytes: Uint8Array, at: number): BatchHeader | null {
  if (at < 0 || at + BATCH_HEADER_BYTES > bytes.byteLength) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BATCH_HEADER_BYTES)
  const batchLength = view.getInt32(8)
  const sizeBytes = batchLength + LENGTH_END
  if (sizeBytes < BATCH_HEADER_BYTES || at + sizeBytes > bytes.byteLength) return null
  const attributes = view.getInt16(ATTRIBUTES_AT)
  const compression = compressionOf(attributes)
  if (compression === null) return null
  return {
    baseOffset: view.getBigInt64(0),
    batchLength,
    partitionLeaderEpoch: view.getInt32(12),
    magic: view.getInt8(16),
    crc: view.getUint32(CRC_AT),
    attributes,
    lastOffsetDelta: view.getInt32(23),
    baseTimestamp: view.getBigInt64(27),
    maxTimestamp: view.getBigInt64(35),
    producerId: view.getBigInt64(43),
    producerEpoch: view.getInt16(51),
    baseSequence: view.getInt32(53),
    recordCount: view.getInt32(57),
    sizeBytes,
    compression,
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    deleteHorizonMs: (attributes & DELETE_HORIZON_BIT) === 0 ? null : Number(view.getBigInt64(27)),
    timestampType: (attributes & TIMESTAMP_TYPE_BIT) === 0 ? 'CreateTime' : 'LogAppendTime',
  }
}

/** Whether the batch's CRC-32C (attributes to the end) is the one its header states. */
export function verifyBatchCrc(bytes: Uint8Array, at: number, header: BatchHeader): boolean {
  return crc32c(asBuffer(bytes).subarray(at + ATTRIBUTES_AT, at + header.sizeBytes)) === header.crc
}

/** Sets what a broker decides, in place. Both fields lie before what the CRC covers. */
export function patchBatch(bytes: Uint8Array, at: number, patch: { baseOffset: bigint; partitionLeaderEpoch: number }): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BATCH_HEADER_BYTES)
  view.setBigInt64(0, patch.baseOffset)
  view.setInt32(12, patch.partitionLeaderEpoch)
}
