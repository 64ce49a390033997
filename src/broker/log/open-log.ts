import { MillraceError } from '../../platform/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { asBuffer } from './batch-view.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { PartitionLog, type LogContext } from './partition-log.ts'
import { ProducerStates, sequenceAfter } from './producer-states.ts'
import { scanSegment } from './scan.ts'
import { Segment, segmentName } from './segment.ts'

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
  readonly config: TopicConfig
  readonly producers: ProducerStates
  readonly epochs: LeaderEpochs
}

/**
 * Opens a partition's log. Segments below the synced recovery point are taken as they are, with their indexes; from the
 * segment that holds it on, every batch is read and its checksum verified, indexes are rebuilt, and a torn tail is cut at
 * the last whole batch. What is kept is synced before the log answers.
 * @throws MillraceError DATA_CORRUPT when records below the recovery point are damaged or missing
 */
export async function openLog(
  context: LogContext,
  at: { topic: string; partition: number; dir: string; recoveryPoint: number },
  config: TopicConfig,
): Promise<OpenedLog> {
  const { disk } = context
  const recovery: Recovery = { context, ...at, config, producers: new ProducerStates(), epochs: new LeaderEpochs(disk, at.dir) }
  const bases = disk
    .list(at.dir)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
  const from = scanStart(recovery, bases)
  const segments = bases.slice(0, from).map((base) => new Segment(disk, at.dir, base, 'sealed'))
  const scanned = scanFrom(recovery, bases.slice(from), segments)
  if (segments.length === 0) segments.push(new Segment(disk, at.dir, 0, 'growing'))
  if (scanned.logEndOffset < at.recoveryPoint) throw missing(recovery, scanned.logEndOffset)
  recovery.epochs.cut(scanned.logEndOffset)
  await Promise.all(segments.slice(from).map((segment) => segment.file.datasync()))
  const log = new PartitionLog(context, { ...at, segments, ...scanned, producers: recovery.producers, epochs: recovery.epochs }, config)
  return { log, cutBytes: scanned.cutBytes }
}

/** Index of the first segment to scan: the one with the recovery point, or an earlier one that lacks an index or the producers' snapshot. */
function scanStart({ context: { disk }, dir, recoveryPoint, producers }: Recovery, bases: readonly number[]): number {
  let from = Math.max(
    0,
    bases.findLastIndex((base) => base <= recoveryPoint),
  )
  const lacking = bases.findIndex((base, i) => i < from && !Segment.hasIndexes(disk, dir, base))
  if (lacking >= 0) from = lacking
  for (; from > 0; from--) {
    const snapshot = `${dir}/${segmentName(bases[from] ?? 0)}.snapshot`
    if (disk.exists(snapshot) && producers.loadSnapshot(asBuffer(disk.readFile(snapshot)))) break
  }
  return from
}

function scanFrom(recovery: Recovery, bases: readonly number[], segments: Segment[]): { logEndOffset: number; cutBytes: number } {
  const { context, dir, config, producers, epochs } = recovery
  const last = segments.at(-1)
  let logEndOffset = bases[0] ?? (last ? last.baseOffset : 0)
  let cutBytes = 0
  for (const [i, base] of bases.entries()) {
    const previous = segments.at(-1)
    // The end of the segment before was never synced (rolling does not wait for it). Compaction leaves such gaps too, but only below the recovery point.
    if (i > 0 && previous && base > logEndOffset && logEndOffset >= recovery.recoveryPoint) {
      cutBytes += cutTail(recovery, previous, bases.slice(i), previous.sizeBytes, `the records before offset ${base} are missing`)
      break
    }
    const segment = new Segment(context.disk, dir, base, 'growing')
    segments.push(segment)
    logEndOffset = Math.max(logEndOffset, base)
    const end = scanSegment(segment.file, base, (header) => {
      const baseOffset = Number(header.baseOffset)
      const lastOffset = baseOffset + header.lastOffsetDelta
      segment.noteBatch(lastOffset, header.sizeBytes, Number(header.maxTimestamp), config.indexIntervalBytes)
      epochs.note(header.partitionLeaderEpoch, baseOffset)
      logEndOffset = lastOffset + 1
      if (header.producerId < 0n) return
      producers.note(Number(header.producerId), header.producerEpoch, {
        firstSequence: header.baseSequence,
        lastSequence: sequenceAfter(header.baseSequence, header.recordCount - 1),
        baseOffset,
        lastOffset,
        timestampMs: Number(header.maxTimestamp),
      })
    })
    if (end.fault !== null) {
      if (logEndOffset < recovery.recoveryPoint) throw corrupt(recovery, segment, end.validBytes, end.fault)
      cutBytes = cutTail(recovery, segment, bases.slice(i + 1), end.validBytes, end.fault)
      break
    }
    if (i < bases.length - 1) segment.seal()
  }
  return { logEndOffset, cutBytes }
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

const repair =
  'Restore the file from a copy, or give up what follows the damage: stop the broker, set the offset of this partition to 0 in recovery-point-offset-checkpoint, and start it again.'

function corrupt({ topic, partition, recoveryPoint }: Recovery, segment: Segment, position: number, fault: string): MillraceError {
  return new MillraceError(
    'DATA_CORRUPT',
    `The log of ${topic}-${partition} is damaged at byte ${position} of ${segment.file.path} (${fault}), below its recovery point ${recoveryPoint}. ${repair}`,
    { details: { topic, partition, position, file: segment.file.path, recoveryPoint } },
  )
}

function missing({ topic, partition, recoveryPoint, dir }: Recovery, logEndOffset: number): MillraceError {
  return new MillraceError(
    'DATA_CORRUPT',
    `The log of ${topic}-${partition} ends at offset ${logEndOffset}, but was synced up to ${recoveryPoint}: files in ${dir} are missing or cut. ${repair}`,
    { details: { topic, partition, logEndOffset, recoveryPoint } },
  )
}
