import { decodeBatch, errorCodes, readBatchHeader, verifyBatchCrc, type BatchHeader } from '../../kafka-wire/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { asBuffer, batchHeaderBytes, batchSizeAt, magic2 } from './batch-view.ts'

export type BatchCheck = { ok: true; header: BatchHeader } | { ok: false; errorCode: number; message: string }

/**
 * Whether the bytes a producer sent are one sound magic-2 batch that this topic takes. Nothing is decompressed, except on
 * compacted topics, where a record without a key is refused (INVALID_RECORD).
 */
export function checkBatch(bytes: Uint8Array, config: TopicConfig, nowMs: number): BatchCheck {
  const view = asBuffer(bytes)
  if (view.length < batchHeaderBytes) return refuse(errorCodes.CORRUPT_MESSAGE, `${view.length} bytes are too few for a record batch`)
  if (view[16] !== magic2) return refuse(errorCodes.INVALID_RECORD, `record batches of magic ${view[16]} are not taken, only of magic 2`)
  const size = batchSizeAt(view, 0)
  if (size < batchHeaderBytes || size > view.length)
    return refuse(errorCodes.CORRUPT_MESSAGE, `a batch of ${size} bytes does not fit in ${view.length}`)
  if (size < view.length) return refuse(errorCodes.INVALID_RECORD, 'only one record batch for a partition is allowed in a request')
  if (size > config.maxMessageBytes) {
    return refuse(errorCodes.MESSAGE_TOO_LARGE, `The batch has ${size} bytes, more than max.message.bytes = ${config.maxMessageBytes}.`)
  }
  const header = readBatchHeader(bytes, 0)
  if (!header || !verifyBatchCrc(bytes, 0, header)) return refuse(errorCodes.CORRUPT_MESSAGE, 'the checksum of the batch is wrong')
  return checkHeader(header, config, nowMs) ?? checkKeys(bytes, header, config) ?? { ok: true, header }
}

function refuse(errorCode: number, message: string): { ok: false; errorCode: number; message: string } {
  return { ok: false, errorCode, message }
}

function checkHeader(header: BatchHeader, config: TopicConfig, nowMs: number): BatchCheck | null {
  if (header.recordCount <= 0 || header.lastOffsetDelta !== header.recordCount - 1) {
    return refuse(errorCodes.INVALID_RECORD, `the batch says ${header.recordCount} records but last offset delta ${header.lastOffsetDelta}`)
  }
  if (header.isControl) return refuse(errorCodes.INVALID_RECORD, 'clients may not write control records')
  if (header.isTransactional) return refuse(errorCodes.INVALID_TXN_STATE, 'no transaction is open for this producer')
  if (header.producerId >= 0n && (header.producerEpoch < 0 || header.baseSequence < 0)) {
    return refuse(errorCodes.INVALID_RECORD, 'an idempotent batch needs a producer epoch and a sequence')
  }
  const newest = Number(header.maxTimestamp)
  if (!config.logAppendTime && newest >= 0) {
    const wrong = newest - nowMs > config.timestampAfterMaxMs || nowMs - newest > config.timestampBeforeMaxMs
    if (wrong) return refuse(errorCodes.INVALID_TIMESTAMP, `the record time ${newest} is outside what the topic allows`)
  }
  return null
}

function checkKeys(bytes: Uint8Array, header: BatchHeader, config: TopicConfig): BatchCheck | null {
  if (!config.compacted) return null
  const decoded = decodeBatch(bytes, 0, header)
  if (!decoded.ok) return refuse(errorCodes.CORRUPT_MESSAGE, decoded.reason)
  return decoded.records.some((record) => record.key === null)
    ? refuse(errorCodes.INVALID_RECORD, 'A compacted topic takes no record without a key.')
    : null
}
