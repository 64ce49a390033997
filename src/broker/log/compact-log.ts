import { decodeBatch } from '../../kafka-wire/index.ts'
import { MillraceError, type Disk } from '../../platform/index.ts'
import { AbortedRanges, BatchCleaner, batchesOf, LastOffsets, type Pacing } from './compaction.ts'
import { finishSwap, startSwap, swapBegun, workFolder } from './compaction-swap.ts'
import type { PartitionLog } from './partition-log.ts'
import { Segment } from './segment.ts'

/** Most keys that one pass remembers; what comes after waits for the next. About 100 bytes each. */
const maxKeys = 1_000_000

export interface CompactionContext extends Pacing {
  readonly disk: Disk
  readonly nowMs: number
}

/** What may be compacted now, and how much of it is new since `cleanedTo`. */
interface Stretch {
  readonly segments: readonly Segment[]
  readonly endOffset: number
  readonly dirtyBytes: number
  readonly bytes: number
}

/** Segments that are whole, below the recovery point, decided, and old enough; the active one never. */
function cleanable(log: PartitionLog, cleanedTo: number, nowMs: number): Stretch {
  const { minCompactionLagMs } = log.config
  // Beyond the recovery point a start would take the gaps that compaction leaves for records that were lost.
  const limit = Math.min(log.lastStableOffset, log.syncedOffset - 1, log.recoveryPoint.kept)
  const segments: Segment[] = []
  let endOffset = log.segments[0]?.baseOffset ?? 0
  let bytes = 0
  let dirtyBytes = 0
  for (const [i, segment] of log.segments.slice(0, -1).entries()) {
    const end = log.segments[i + 1]?.baseOffset ?? 0
    const young = minCompactionLagMs > 0 && segment.baseOffset >= cleanedTo && nowMs - segment.maxTimestampMs < minCompactionLagMs
    if (end > limit || young) break
    segments.push(segment)
    endOffset = end
    bytes += segment.sizeBytes
    if (end > cleanedTo) dirtyBytes += segment.sizeBytes
  }
  return { segments, endOffset, dirtyBytes, bytes }
}

/** Whether compaction would be worth its while: `min.cleanable.dirty.ratio`, or `max.compaction.lag.ms` is over. */
export function compactionDue(log: PartitionLog, cleanedTo: number, nowMs: number): boolean {
  if (!log.config.compacted || log.ended) return false
  const { segments, dirtyBytes, bytes, endOffset } = cleanable(log, cleanedTo, nowMs)
  if (dirtyBytes === 0 || endOffset <= cleanedTo) return false
  const oldest = segments.find((segment) => segment.baseOffset >= cleanedTo)?.firstTimestampMs ?? -1
  const overdue = oldest >= 0 && nowMs - oldest > log.config.maxCompactionLagMs
  return overdue || dirtyBytes / bytes > log.config.minCleanableDirtyRatio
}

/**
 * Keeps of each key the last record only (and of tombstones those that are young), in all segments but the active one. Readers
 * see the old segments or the new, never a mixture; a crash leaves the one or the other. Returns up to where the log is compacted now.
 * @throws MillraceError DISK_FAILED also while an earlier swap is half done, which only a start can finish; DATA_CORRUPT
 */
export async function compactLog(log: PartitionLog, cleanedTo: number, context: CompactionContext): Promise<number> {
  if (swapBegun(context.disk, log.dir)) {
    throw new MillraceError('DISK_FAILED', `The disk failed while ${log.dir} was compacted: restart the broker, which finishes that.`)
  }
  const { segments, endOffset } = cleanable(log, cleanedTo, context.nowMs)
  const aborted = new AbortedRanges(log.aborted(log.segments[0]?.baseOffset ?? 0, endOffset))
  const last = await lastOffsets(log, segments, cleanedTo, endOffset, aborted, context)
  const cleaner = new BatchCleaner(log, last, aborted, context.nowMs)
  const due = segments.filter(({ baseOffset }) => baseOffset < last.endOffset)
  for (const group of groupsOf(due, log.config.segmentBytes)) {
    if (context.stopped() || !(await replaceGroup(log, group, cleaner, context))) return cleanedTo
  }
  return last.endOffset
}

async function lastOffsets(
  log: PartitionLog,
  segments: readonly Segment[],
  cleanedTo: number,
  endOffset: number,
  aborted: AbortedRanges,
  context: CompactionContext,
): Promise<LastOffsets> {
  const last = new LastOffsets()
  last.endOffset = endOffset
  for (const [i, segment] of segments.entries()) {
    if ((segments[i + 1]?.baseOffset ?? endOffset) <= cleanedTo) continue
    for await (const { bytes, at, header } of batchesOf(log, segment, context)) {
      const baseOffset = Number(header.baseOffset)
      if (last.size >= maxKeys) {
        last.endOffset = baseOffset
        return last
      }
      if (baseOffset + header.lastOffsetDelta < cleanedTo || header.isControl || aborted.holds(header)) continue
      const decoded = decodeBatch(bytes, at, header)
      for (const { key, offset } of decoded.ok ? decoded.records : []) if (key) last.note(key, Number(offset))
    }
  }
  return last
}

/** Neighbours that fit into one segment together. */
function groupsOf(segments: readonly Segment[], segmentBytes: number): Segment[][] {
  const groups: Segment[][] = []
  let bytes = Infinity
  for (const segment of segments) {
    const first = groups.at(-1)?.[0]
    const far = first !== undefined && segment.baseOffset - first.baseOffset > 0x3fff_ffff
    if (bytes + segment.sizeBytes > segmentBytes || far) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)?.push(segment)
    bytes += segment.sizeBytes
  }
  return groups
}

/** Writes what is left of the group beside the log, then puts it in its place; false when the log ended meanwhile. */
async function replaceGroup(
  log: PartitionLog,
  group: readonly Segment[],
  cleaner: BatchCleaner,
  context: CompactionContext,
): Promise<boolean> {
  const { disk } = context
  const [first] = group
  if (!first) return true
  const folder = workFolder(log.dir)
  disk.remove(folder)
  disk.makeDir(folder)
  const cleaned = new Segment(disk, folder, first.baseOffset, 'growing')
  try {
    await writeCleaned(log, group, cleaner, cleaned, context)
  } finally {
    cleaned.close()
  }
  if (context.stopped()) {
    disk.remove(folder)
    return false
  }
  const replaced = group.map(({ baseOffset }) => baseOffset)
  startSwap(disk, log.dir, first.baseOffset, replaced)
  finishSwap(disk, log.dir)
  log.replaceSegments(group.length, new Segment(disk, log.dir, first.baseOffset, 'sealed'))
  return true
}

/** Writes what is left of the group into `cleaned`, with its indexes; on the disk when this resolves. */
async function writeCleaned(
  log: PartitionLog,
  group: readonly Segment[],
  cleaner: BatchCleaner,
  cleaned: Segment,
  context: CompactionContext,
): Promise<void> {
  const markers = new Set<number>()
  for (const segment of group) {
    for await (const { bytes, at, header } of batchesOf(log, segment, context)) {
      const left = cleaner.clean(bytes, at, header)
      if (!left) continue
      cleaned.file.write([left], cleaned.sizeBytes)
      const lastOffset = Number(header.baseOffset) + header.lastOffsetDelta
      cleaned.noteBatch(lastOffset, left.length, Number(left.readBigInt64BE(35)), log.config.indexIntervalBytes)
      if (header.isControl) markers.add(lastOffset)
    }
    // A transaction stays in the index exactly as long as its marker stays in the log.
    for (const entry of segment.aborted.entries) if (markers.has(entry.lastOffset)) cleaned.aborted.append(entry)
  }
  await cleaned.file.datasync()
  cleaned.seal()
}
