import { crc32c } from '@node-rs/crc32'
import { ATTRIBUTES_AT, BATCH_HEADER_BYTES, CRC_AT, LENGTH_END, type BatchHeader } from './batch-header.ts'
import { codecNumber, compress, decompress, type Compression } from './compression.ts'

const CODEC_BITS = 7

/**
 * The batch that `bytes` begin with, its records in another codec; all else of it stays as it was. Throws WireError where the records are
 * not what the present codec writes.
 */
export function recompressBatch(bytes: Uint8Array, header: BatchHeader, compression: Compression): Buffer {
  const records = compress(compression, decompress(header.compression, bytes.subarray(BATCH_HEADER_BYTES, header.sizeBytes)))
  const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + records.byteLength)
  batch.set(bytes.subarray(0, BATCH_HEADER_BYTES))
  batch.set(records, BATCH_HEADER_BYTES)
  batch.writeInt32BE(batch.byteLength - LENGTH_END, LENGTH_END - 4)
  batch.writeInt16BE((header.attributes & ~CODEC_BITS) | codecNumber(compression), ATTRIBUTES_AT)
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
  return batch
}
