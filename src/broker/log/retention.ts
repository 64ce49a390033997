import type { PartitionLog } from './partition-log.ts'

/** Removes whole segments whose newest record is older than `retention.ms`, that exceed `retention.bytes`, or lie below the log's start; returns how many. */
export function applyRetention(log: PartitionLog, nowMs: number): number {
  if (log.ended || log.compacting) return 0
  const { deletes } = log.config
  const retentionMs = deletes ? log.config.retentionMs : -1
  const retentionBytes = deletes ? log.config.retentionBytes : -1
  const sealed = log.segments.slice(0, -1)
  let count = 0
  let sizeBytes = log.sizeBytes
  for (const [i, segment] of sealed.entries()) {
    // Only what readers have been able to see goes; a sync that began after the segment was rolled is over, so none still needs its file.
    const end = log.segments[i + 1]?.baseOffset ?? 0
    const aged = retentionMs >= 0 && segment.maxTimestampMs >= 0 && nowMs - segment.maxTimestampMs > retentionMs
    const large = retentionBytes >= 0 && sizeBytes - segment.sizeBytes >= retentionBytes
    // DeleteRecords moved the start beyond it.
    const deleted = end <= log.logStartOffset
    if (end >= log.syncedOffset || !(aged || large || deleted)) break
    sizeBytes -= segment.sizeBytes
    count++
  }
  if (count > 0) log.dropSegments(count)
  return count
}
