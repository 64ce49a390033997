import { MillraceError } from '../../platform/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { asBuffer } from './batch-view.ts'
import { finishSwap } from './compaction-swap.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogContext } from './log-context.ts'
import { noteBatch, producerBatch } from './note-batch.ts'
import { PartitionLog } from './partition-log.ts'
import { ProducerStates, type ProducerBatch } from './producer-states.ts'
import { snapshotPath } from './recovery-point.ts'
import { recallBatches } from './recall-batches.ts'
import { scanSegment, type ScanEnd } from './scan.ts'
import { Segment } from './segment.ts'

export interface OpenedLog {
  log: PartitionLog
  /** Bytes cut from a torn tail. */
  cutBytes: number
}

interface Recovery {
  readonly context: LogContext
  readonly topic: string
  readonly partition: number
  readonly dir: string
  readonly recoveryPoint: number
  /** Up to where the log is compacted: all of that was synced, whatever the recovery point says. */
  readonly cleanedTo: number
  readonly config: TopicConfig
  readonly producers: ProducerStates
  readonly epochs: LeaderEpochs
}

/**
 * Opens a partition's log. What lies below the synced recovery point is taken as it is, with its indexes and producers, but for
 * the last megabyte; what comes later is read batch by batch, every checksum verified, and a torn tail cut at the last whole
 * batch. What is kept is synced before the log answers.
 * @throws MillraceError DATA_CORRUPT when records below the recovery point are damaged or missing
 */
export async function openLog(
  context: LogContext,
  at: { topic: string; partition: number; dir: string; recoveryPoint: number; cleanedTo: number; logStartOffset: number },
  config: TopicConfig,
): Promise<OpenedLog> {
  const { disk } = context
  finishSwap(disk, at.dir)
  const recovery: Recovery = { context, ...at, config, producers: new ProducerStates(), epochs: new LeaderEpochs(disk, at.dir) }
  const bases = disk
    .list(at.dir)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
  dropStrangeSnapshots(recovery, bases)
  const holding = Math.max(
    0,
    bases.findLastIndex((base) => base <= at.recoveryPoint),
  )
  const lacking = bases.findIndex((base, i) => i < holding && !Segment.hasIndexes(disk, at.dir, base))
  const resumed = lacking < 0 ? resumePlace(recovery, bases[holding]) : null
  const from = resumed ? holding : scanStart(recovery, bases, lacking < 0 ? holding : lacking)
  const segments = bases.slice(0, from).map((base) => new Segment(disk, at.dir, base, 'sealed'))
  const scanned = scanFrom(recovery, bases.slice(from), segments, resumed)
  recallBatches(segments.slice(0, from), recovery.producers, recallBytes - (resumed?.recalledBytes ?? 0))
  if (segments.length === 0) segments.push(new Segment(disk, at.dir, 0, 'growing'))
  if (scanned.logEndOffset < at.recoveryPoint) throw missing(recovery, scanned.logEndOffset)
  if (scanned.logEndOffset < at.logStartOffset) scanned.cutBytes += startAnew(recovery, segments, scanned, at.logStartOffset)
  recovery.epochs.cut(scanned.logEndOffset)
  const kept = segments.slice(Math.min(from, segments.length - 1)).filter(({ file }) => file.sizeBytes() > 0)
  await Promise.all(kept.map(({ file }) => file.datasync()))
  const log = new PartitionLog(context, { ...at, segments, ...scanned, producers: recovery.producers, epochs: recovery.epochs }, config)
  return { log, cutBytes: scanned.cutBytes }
}

/** Records below a start that DeleteRecords moved were lost with the power (`flush: 'os'`): the log goes on from that start, as Kafka's does. Returns the bytes removed. */
function startAnew(
  { context, topic, partition, dir }: Recovery,
  segments: Segment[],
  scanned: { logEndOffset: number },
  startOffset: number,
): number {
  const { logEndOffset } = scanned
  let cutBytes = 0
  for (const segment of segments.splice(0)) {
    cutBytes += segment.file.sizeBytes()
    segment.remove()
  }
  segments.push(new Segment(context.disk, dir, startOffset, 'growing'))
  scanned.logEndOffset = startOffset
  context.log.warn(`${topic}-${partition} ended before its start: it begins anew there`, {
    topic,
    partition,
    logEndOffset,
    startOffset,
    cutBytes,
  })
  return cutBytes
}

/** Producers of recovery points that a crash left behind. */
function dropStrangeSnapshots({ context: { disk }, dir, recoveryPoint }: Recovery, bases: readonly number[]): void {
  for (const name of disk.list(dir)) {
    const offset = /^\d{20}\.snapshot$/.test(name) ? Number(name.slice(0, 20)) : null
    if (offset !== null && offset !== recoveryPoint && !bases.includes(offset)) disk.remove(`${dir}/${name}`)
  }
}

/** A segment that can be taken up at the recovery point, and where in it to begin to read: a stretch before the point is checked too. */
interface Resumed {
  readonly segment: Segment
  readonly position: number
  /** From there to the recovery point. */
  readonly recalledBytes: number
}

/** So much before the recovery point is read again: damage shows, and each producer's last batches are known, not only the very last. */
const recallBytes = 1 << 20

/** Null when the segment that holds the recovery point lacks its indexes there, or the producers' snapshot: it is scanned whole then. */
function resumePlace({ context: { disk, clock }, dir, recoveryPoint, producers }: Recovery, base: number | undefined): Resumed | null {
  if (base === undefined || recoveryPoint <= base || !Segment.hasIndexes(disk, dir, base)) return null
  const snapshot = snapshotPath(dir, recoveryPoint)
  if (!disk.exists(snapshot) || !producers.loadSnapshot(asBuffer(disk.readFile(snapshot)), clock.nowMs())) return null
  const segment = new Segment(disk, dir, base, 'sealed')
  const pointPosition = segment.locate(recoveryPoint, segment.sizeBytes)
  const position = segment.startBefore(pointPosition - recallBytes)
  segment.resume(pointPosition, recoveryPoint)
  return { segment, position, recalledBytes: pointPosition - position }
}

/** Index of the first segment to scan: `from`, or an earlier one where the producers' snapshot is lacking. */
function scanStart({ context: { disk, clock }, dir, producers }: Recovery, bases: readonly number[], from: number): number {
  // The first segment has one too, when what came before it was removed.
  for (let at = Math.min(from, bases.length - 1); at >= 0; at--) {
    const snapshot = snapshotPath(dir, bases[at] ?? 0)
    if (disk.exists(snapshot) && producers.loadSnapshot(asBuffer(disk.readFile(snapshot)), clock.nowMs())) return at
  }
  return 0
}

function scanFrom(
  recovery: Recovery,
  bases: readonly number[],
  segments: Segment[],
  resumed: Resumed | null,
): { logEndOffset: number; cutBytes: number } {
  const { context, dir } = recovery
  const last = segments.at(-1)
  let logEndOffset = bases[0] ?? (last ? last.baseOffset : 0)
  let cutBytes = 0
  for (const [i, base] of bases.entries()) {
    const previous = segments.at(-1)
    // The end of the segment before was never synced (rolling does not wait for it). Compaction leaves such gaps too, but only in what was synced.
    if (i > 0 && previous && base > logEndOffset && logEndOffset >= Math.max(recovery.recoveryPoint, recovery.cleanedTo)) {
      cutBytes += cutTail(recovery, previous, bases.slice(i), previous.sizeBytes, `the records before offset ${base} are missing`)
      break
    }
    const taken = i === 0 ? resumed : null
    const segment = taken?.segment ?? new Segment(context.disk, dir, base, 'growing')
    segments.push(segment)
    const scanned = taken ? resumeScan(recovery, taken) : scanWhole(recovery, segment)
    logEndOffset = Math.max(logEndOffset, base, scanned.logEndOffset)
    if (scanned.fault !== null) {
      if (logEndOffset < recovery.recoveryPoint) throw corrupt(recovery, segment, scanned.validBytes, scanned.fault)
      cutBytes = cutTail(recovery, segment, bases.slice(i + 1), scanned.validBytes, scanned.fault)
      break
    }
    if (i < bases.length - 1) segment.seal()
  }
  return { logEndOffset, cutBytes }
}

type Scanned = ScanEnd & { logEndOffset: number }

function scanWhole(recovery: Recovery, segment: Segment): Scanned {
  let logEndOffset = segment.baseOffset
  const log = { ...recovery, segment, nowMs: recovery.context.clock.nowMs() }
  const end = scanSegment(segment.file, { position: 0, offset: segment.baseOffset }, (header, bytes, at) => {
    noteBatch(log, header, bytes, at)
    logEndOffset = Number(header.baseOffset) + header.lastOffsetDelta + 1
  })
  return { ...end, logEndOffset }
}

/** Below the recovery point only the producers' last batches are taken from what is read: all else is known. */
function resumeScan(recovery: Recovery, { segment, position }: Resumed): Scanned {
  const { producers, recoveryPoint } = recovery
  let logEndOffset = segment.baseOffset
  const log = { ...recovery, segment, nowMs: recovery.context.clock.nowMs() }
  const earlier = new Map<number, ProducerBatch[]>()
  const recall = (): void => {
    for (const [producerId, batches] of earlier) producers.recall(producerId, batches)
    earlier.clear()
  }
  const end = scanSegment(segment.file, { position, offset: segment.baseOffset }, (header, bytes, at) => {
    logEndOffset = Number(header.baseOffset) + header.lastOffsetDelta + 1
    if (logEndOffset <= recoveryPoint) {
      const producerId = Number(header.producerId)
      if (header.isControl || producers.get(producerId)?.epoch !== header.producerEpoch) return
      earlier.set(producerId, [...(earlier.get(producerId) ?? []).slice(-4), producerBatch(header)])
      return
    }
    recall()
    noteBatch(log, header, bytes, at)
  })
  recall()
  // Nothing sound follows the point: what is torn there was taken for the end of what lies before.
  if (segment.sizeBytes > end.validBytes) segment.resume(end.validBytes, recoveryPoint)
  return { ...end, logEndOffset }
}

/** Cuts the segment behind its last whole batch and removes what follows it; returns how many bytes went. */
function cutTail(
  { context, topic, partition, dir }: Recovery,
  segment: Segment,
  later: readonly number[],
  validBytes: number,
  fault: string,
): number {
  let cutBytes = segment.file.sizeBytes() - validBytes
  segment.file.truncate(validBytes)
  for (const base of later) {
    const unreachable = new Segment(context.disk, dir, base, 'growing')
    cutBytes += unreachable.file.sizeBytes()
    unreachable.remove()
  }
  context.log.warn(`cut ${cutBytes} bytes that were not completely written from the end of ${topic}-${partition}`, {
    topic,
    partition,
    cutBytes,
    fault,
    file: segment.file.path,
  })
  return cutBytes
}

const repair = ({ topic, partition }: Recovery): string =>
  `Restore the file from a copy, or give up what follows the damage: stop the broker, and run "millrace log repair ${topic}-${partition}" (--data-dir names the data folder).`

function corrupt(recovery: Recovery, segment: Segment, position: number, fault: string): MillraceError {
  const { topic, partition, recoveryPoint } = recovery
  return new MillraceError(
    'DATA_CORRUPT',
    `The log of ${topic}-${partition} is damaged at byte ${position} of ${segment.file.path} (${fault}), below its recovery point ${recoveryPoint}. ${repair(recovery)}`,
    { details: { topic, partition, position, file: segment.file.path, recoveryPoint } },
  )
}

function missing(recovery: Recovery, logEndOffset: number): MillraceError {
  const { topic, partition, recoveryPoint, dir } = recovery
  return new MillraceError(
    'DATA_CORRUPT',
    `The log of ${topic}-${partition} ends at offset ${logEndOffset}, but was synced up to ${recoveryPoint}: files in ${dir} are missing or cut. ${repair(recovery)}`,
    { details: { topic, partition, logEndOffset, recoveryPoint } },
  )
}
