import { decodeBatch, readBatchHeader } from '../../kafka-wire/index.ts'
import { bytesBelow } from './log-reader.ts'
import type { PartitionLog } from './partition-log.ts'

/** An offset with the record time found there (−1 when it has none) and its leader epoch. */
export interface FoundOffset {
  offset: number
  timestampMs: number
  leaderEpoch: number
}

export function earliestOffset(log: PartitionLog): FoundOffset {
  return { offset: log.logStartOffset, timestampMs: -1, leaderEpoch: Math.max(0, log.epochs.at(log.logStartOffset)) }
}

/** The high watermark, or the last stable offset for readers of committed records. */
export function latestOffset(log: PartitionLog, committedOnly = false): FoundOffset {
  return { offset: committedOnly ? log.lastStableOffset : log.highWatermark, timestampMs: -1, leaderEpoch: log.leaderEpoch }
}

/** The first visible record with a time of at least `timestampMs`; null when there is none. */
export function offsetForTime(log: PartitionLog, timestampMs: number, committedOnly = false): FoundOffset | null {
  const end = log.visibleEnd(committedOnly)
  for (const segment of log.segments) {
    const limit = bytesBelow(segment, end)
    if (limit === 0 || segment.maxTimestampMs < timestampMs) continue
    const position = segment.locateTime(timestampMs, limit)
    if (position < limit) return firstInBatch(log, log.reader.batchAt(segment, position), (time) => time >= timestampMs)
  }
  return null
}

/** The first visible record that bears the largest record time (KIP-734); null for a log without times. */
export function offsetOfMaxTimestamp(log: PartitionLog): FoundOffset | null {
  let newest = -1
  const end = log.visibleEnd()
  for (const segment of log.segments) if (bytesBelow(segment, end) > 0) newest = Math.max(newest, segment.maxTimestampMs)
  return newest < 0 ? null : offsetForTime(log, newest)
}

function firstInBatch(log: PartitionLog, bytes: Buffer, fits: (timeMs: number) => boolean): FoundOffset | null {
  const header = readBatchHeader(bytes, 0)
  if (!header) return null
  if (header.timestampType === 'LogAppendTime') {
    return {
      offset: Number(header.baseOffset),
      timestampMs: Number(header.maxTimestamp),
      leaderEpoch: log.epochs.at(Number(header.baseOffset)),
    }
  }
  const decoded = decodeBatch(bytes, 0, header)
  const record = decoded.ok ? decoded.records.find((candidate) => fits(candidate.timestampMs)) : undefined
  return record
    ? { offset: Number(record.offset), timestampMs: record.timestampMs, leaderEpoch: log.epochs.at(Number(record.offset)) }
    : null
}
