import { names, type OffsetMove, type ResetView, type StreamOffsetsView } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { placeOf, planMoves, type Move, type PartitionStanding } from './reset-plan.ts'
import { decodeCommitMetadata, encodeCommitMetadata } from './write-times.ts'

interface At {
  topic: string
  partition: number
}

/** What a reset needs of a Kafka client, and no more; `KafkaClient` of `kafka-client` has this shape. */
export interface ResetKafka {
  admin: {
    metadata(topics: readonly string[]): Promise<{ topics: { error: string | null; partitions: { partition: number }[] }[] }>
    listOffsets(
      partitions: readonly At[],
      at: 'earliest' | 'latest' | { timestampMs: number },
      options?: { isolationLevel: 'read_committed' },
    ): Promise<readonly (At & { offset: bigint })[]>
    committedOffsets(
      groupId: string,
      topics: readonly string[],
      options: { waitForTransactions: boolean },
    ): Promise<readonly (At & { offset: bigint; metadata: string })[]>
    alterOffsets(groupId: string, offsets: readonly (At & { offset: bigint; metadata: string })[]): Promise<void>
  }
  recordCounter(topic: string): {
    between(
      ranges: readonly { partition: number; from: bigint; to: bigint }[],
      options: { withinMs: number },
    ): Promise<{ records: number; isExact: boolean }[]>
    close(): Promise<void>
  }
}

/** A stream and where its offsets are to be. */
export interface ResetOrder {
  kafka: ResetKafka
  project: string
  stream: string
  topic: string
  startingOffsets: 'earliest' | 'latest'
  /** earliest, latest, an offset, a time (ISO 8601). */
  to: string
  /** All when left out. */
  partition?: number
}

/** How long records are counted before their offsets have to do; while the streams stand still for it, not so long. Few are counted exactly. */
const countWithinMs = { planning: 5_000, resetting: 1_000, few: 60_000 }
const few = 10_000n

/** Where a stream is. NOT_FOUND: there is no such topic. */
export async function streamOffsets({ kafka, project, stream, topic }: Omit<ResetOrder, 'to'>): Promise<StreamOffsetsView> {
  const standings = await standingsOf({ kafka, project, stream, topic }, null, 'shown')
  const partitions = standings.map(({ partition, committed, earliest, latest }) => ({
    partition,
    committed: committed === null ? null : String(committed.offset),
    earliest: String(earliest),
    latest: String(latest),
  }))
  return { stream, topic, group: names.group(project, stream), partitions }
}

/** What a reset would do. @throws MillraceError BAD_REQUEST, NOT_FOUND */
export async function planReset(order: ResetOrder): Promise<ResetView> {
  return viewOf(order, (await movesOf(order, 'shown')).moves, countWithinMs.planning)
}

/**
 * Sets the offsets, all in one commit, of a group that has no members; what is read from there on is written as of now (P2).
 * @throws MillraceError IN_USE while the group has members
 */
export async function resetOffsets(
  order: ResetOrder,
  nowMs: number,
  mayDo: (plan: ResetView) => void = () => undefined,
): Promise<ResetView> {
  const { kafka, project, stream, topic } = order
  const { moves, standings } = await movesOf(order, 'set')
  const plan = await viewOf(order, moves, countWithinMs.resetting)
  mayDo(plan)
  if (moves.length === 0) return plan
  const writeMicros = startsAfter(standings, nowMs)
  const offsets = moves.map(({ partition, to }) => {
    const before = standings.find((each) => each.partition === partition)?.committed ?? null
    const topology = (before && decodeCommitMetadata(before.metadata)?.topology) ?? ''
    return { topic, partition, offset: to, metadata: encodeCommitMetadata({ writeMicros, topology }) }
  })
  await kafka.admin.alterOffsets(names.group(project, stream), offsets)
  return plan
}

/**
 * P2: the `previous` that a reset begins with. Now, and after everything that was given so far: record times may be up to an hour
 * ahead. So each record that is read again gets a later write time than it and any older version of its row had, and still an
 * earlier one than those behind it in the topic.
 */
function startsAfter(standings: readonly PartitionStanding[], nowMs: number): number {
  const given = standings.map(({ committed }) => (committed && decodeCommitMetadata(committed.metadata)?.writeMicros) ?? 0)
  return Math.max(nowMs * 1_000, ...given)
}

async function movesOf(order: ResetOrder, toBe: 'shown' | 'set'): Promise<{ moves: Move[]; standings: PartitionStanding[] }> {
  const { topic, startingOffsets, partition } = order
  const place = placeOf(order.to)
  const standings = await standingsOf(order, place.is === 'time' ? place.ms : null, toBe)
  const chosen = standings.filter((each) => partition === undefined || each.partition === partition)
  if (chosen.length === 0)
    throw new MillraceError('NOT_FOUND', `${topic} has no partition ${partition}: it has 0 to ${standings.length - 1}.`)
  return { moves: planMoves(chosen, place, startingOffsets), standings }
}

/** What is shown waits for no open transaction: one of a process that died stays open for a minute, or until a reset ends it. */
async function standingsOf(
  { kafka: { admin }, project, stream, topic }: Pick<ResetOrder, 'kafka' | 'project' | 'stream' | 'topic'>,
  timestampMs: number | null,
  toBe: 'shown' | 'set',
): Promise<PartitionStanding[]> {
  const found = (await admin.metadata([topic])).topics[0]
  if (found === undefined || found.error !== null || found.partitions.length === 0)
    throw new MillraceError('NOT_FOUND', `There is no topic ${topic} yet, so stream ${stream} has no offsets.`)
  const partitions = found.partitions.map(({ partition }) => ({ topic, partition }))
  const [committed, earliest, latest, atTime] = await Promise.all([
    admin.committedOffsets(names.group(project, stream), [topic], { waitForTransactions: toBe === 'set' }),
    admin.listOffsets(partitions, 'earliest'),
    // As far as streams read.
    admin.listOffsets(partitions, 'latest', { isolationLevel: 'read_committed' }),
    timestampMs === null ? [] : admin.listOffsets(partitions, { timestampMs }, { isolationLevel: 'read_committed' }),
  ])
  return partitions.map(({ partition }) => {
    const of = <T extends At>(all: readonly T[]): T | undefined => all.find((each) => each.topic === topic && each.partition === partition)
    return {
      partition,
      committed: of(committed) ?? null,
      earliest: of(earliest)?.offset ?? 0n,
      latest: of(latest)?.offset ?? 0n,
      atTime: of(atTime)?.offset ?? null,
    }
  })
}

async function viewOf({ kafka, project, stream, topic, to }: ResetOrder, moves: readonly Move[], longestMs: number): Promise<ResetView> {
  const counter = kafka.recordCounter(topic)
  try {
    const ranges = moves.map(({ partition, again, skipped }) => {
      const [first, end] = again ?? skipped ?? [0n, 0n]
      return { partition, from: first, to: end }
    })
    const offsets = ranges.reduce((sum, range) => sum + range.to - range.from, 0n)
    const withinMs = offsets <= few ? countWithinMs.few : longestMs
    const counts = moves.length === 0 ? [] : await counter.between(ranges, { withinMs })
    const partitions = moves.map((move, i): OffsetMove => {
      const records = counts[i]?.records ?? 0
      return {
        partition: move.partition,
        from: move.from === null ? null : String(move.from),
        to: String(move.to),
        again: move.again === null ? 0 : records,
        skipped: move.skipped === null ? 0 : records,
        note: move.note,
      }
    })
    const sum = (of: 'again' | 'skipped'): number => partitions.reduce((total, each) => total + each[of], 0)
    const isExact = counts.every((each) => each.isExact)
    return { stream, topic, group: names.group(project, stream), to, partitions, again: sum('again'), skipped: sum('skipped'), isExact }
  } finally {
    await counter.close()
  }
}
