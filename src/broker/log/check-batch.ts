import { decodeBatch, errorCodes, readBatchHeader, verifyBatchCrc, type BatchHeader, type KafkaRecord } from '../../kafka-wire/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { asBuffer, batchHeaderBytes, batchSizeAt, magic2 } from './batch-view.ts'
import { refuse, reject, type Refused } from './outcomes.ts'

export type BatchCheck = { ok: true; header: BatchHeader } | Refused

/** Bytes up to the magic: fewer are no batch. */
const upToMagicBytes = 17
/** From here on a bound of the record time is none (KIP-937's default is the largest long). */
const unboundedMs = 2 ** 53

/**
 * Whether the bytes a producer sent are one sound magic-2 batch that this topic takes. Nothing is decompressed, except on
 * compacted topics, where a record without a key is refused (INVALID_RECORD), and where a record's time has a lower bound.
 */
export function checkBatch(bytes: Uint8Array, config: TopicConfig, nowMs: number): BatchCheck {
  const view = asBuffer(bytes)
  if (view.length < upToMagicBytes) return refuse(errorCodes.INVALID_RECORD, `${view.length} bytes are too few for a record batch`)
  if ((view[16] ?? 0) > magic2) return refuse(errorCodes.CORRUPT_MESSAGE, `there is no record batch of magic ${view[16]}`)
  if (view[16] !== magic2) return refuse(errorCodes.INVALID_RECORD, `record batches of magic ${view[16]} are not taken, only of magic 2`)
  const size = batchSizeAt(view, 0)
  if (size > view.length) return refuse(errorCodes.INVALID_RECORD, `a batch of ${size} bytes does not fit in ${view.length}`)
  if (size < batchHeaderBytes) return refuse(errorCodes.CORRUPT_MESSAGE, `no batch has ${size} bytes`)
  if (size < view.length) return refuse(errorCodes.INVALID_RECORD, 'only one record batch for a partition is allowed in a request')
  if (size > config.maxMessageBytes) {
    return refuse(errorCodes.MESSAGE_TOO_LARGE, `The batch has ${size} bytes, more than max.message.bytes = ${config.maxMessageBytes}.`)
  }
  const header = readBatchHeader(bytes, 0)
  if (!header || !verifyBatchCrc(bytes, 0, header)) return refuse(errorCodes.CORRUPT_MESSAGE, 'the checksum of the batch is wrong')
  return checkHeader(header) ?? checkRecords(bytes, header, config, nowMs) ?? { ok: true, header }
}

function checkHeader(header: BatchHeader): Refused | null {
  if (header.recordCount <= 0 || header.lastOffsetDelta !== header.recordCount - 1) {
    return reject(errorCodes.INVALID_RECORD, `the batch says ${header.recordCount} records but last offset delta ${header.lastOffsetDelta}`)
  }
  if (header.isControl) return reject(errorCodes.INVALID_RECORD, 'clients may not write control records')
  if (header.producerId >= 0n && (header.producerEpoch < 0 || header.baseSequence < 0)) {
    return reject(errorCodes.INVALID_RECORD, 'an idempotent batch needs a producer epoch and a sequence')
  }
  if (header.producerId < 0n && header.isTransactional)
    return reject(errorCodes.INVALID_RECORD, 'a transactional batch needs a producer id')
  return null
}

/** Looks into the records where the header alone cannot tell that they are fine. */
function checkRecords(bytes: Uint8Array, header: BatchHeader, config: TopicConfig, nowMs: number): Refused | null {
  const untimely = (timeMs: number): boolean =>
    timeMs >= 0 && (timeMs - nowMs > config.timestampAfterMaxMs || nowMs - timeMs > config.timestampBeforeMaxMs)
  const maybeUntimely = !config.logAppendTime && (untimely(Number(header.maxTimestamp)) || config.timestampBeforeMaxMs < unboundedMs)
  if (!config.compacted && !maybeUntimely) return null
  const decoded = decodeBatch(bytes, 0, header)
  if (!decoded.ok) return refuse(errorCodes.CORRUPT_MESSAGE, decoded.reason)
  const faulty = (isFaulty: (record: KafkaRecord) => boolean, batchIndexErrorMessage: string): Refused['recordErrors'] =>
    decoded.records.flatMap((record, batchIndex) => (isFaulty(record) ? [{ batchIndex, batchIndexErrorMessage }] : []))
  const keyless = config.compacted ? faulty(({ key }) => key === null, 'Compacted topic cannot accept message without key.') : []
  const wrongTime = maybeUntimely
    ? faulty(({ timestampMs }) => untimely(timestampMs), 'The record time is outside what the topic allows.')
    : []
  if (keyless.length > 0) return reject(errorCodes.INVALID_RECORD, 'A compacted topic takes no record without a key.', keyless)
  if (wrongTime.length > 0) return reject(errorCodes.INVALID_TIMESTAMP, 'Record times are outside what the topic allows.', wrongTime)
  return null
}
