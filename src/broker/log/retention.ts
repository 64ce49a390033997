import type { PartitionLog } from './partition-log.ts'

/** Removes whole segments whose newest record is older than `retention.ms`, or that exceed `retention.bytes`; returns how many. */
export function applyRetention(log: PartitionLog, nowMs: number): number {
  if (!log.config.deletes || log.offline) return 0
  const { retentionMs, retentionBytes } = log.config
  const sealed = log.segments.slice(0, -1)
  let count = 0
  let sizeBytes = log.sizeBytes
  for (const [i, segment] of sealed.entries()) {
    // Only what readers have been able to see goes; a sync that began after the segment was rolled is over, so none still needs its file.
    const end = log.segments[i + 1]?.baseOffset ?? 0
    const aged = retentionMs >= 0 && segment.maxTimestampMs >= 0 && nowMs - segment.maxTimestampMs > retentionMs
    const large = retentionBytes >= 0 && sizeBytes - segment.sizeBytes >= retentionBytes
    if (end >= log.syncedOffset || !(aged || large)) break
    sizeBytes -= segment.sizeBytes
    count++
  }
  if (count > 0) log.dropSegments(count)
  return count
}
