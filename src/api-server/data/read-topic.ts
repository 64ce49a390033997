import type { Batch } from '../../core/index.ts'
import type { KafkaClient, StartingPoint, TopicReader } from '../../kafka-client/index.ts'
import { systemClock } from '../../platform/index.ts'
import type { ServerEvent } from '../http/route.ts'
import { eachOf } from './each-of.ts'
import { LastRecords, mostBytes, sizeOf } from './last-records.ts'
import { recordView, type Masking, type RecordView } from './records.ts'
import type { TopicValues } from './systems.ts'

export interface ReadOptions {
  readonly kafka: KafkaClient
  readonly values: TopicValues
  readonly topic: string
  readonly partitions: readonly number[]
  readonly masking: Masking
  readonly signal: AbortSignal
}

/**
 * The newest `limit` records, newest first; fewer of large ones (`mostBytes`). Of each partition more offsets are read than that: each
 * transaction's end takes one.
 */
export async function newestRecords(options: ReadOptions, limit: number): Promise<RecordView[]> {
  const { kafka, topic, partitions } = options
  const wanted = partitions.map((partition) => ({ topic, partition }))
  const [begin, end] = await Promise.all([kafka.admin.listOffsets(wanted, 'earliest'), kafka.admin.listOffsets(wanted, 'latest')])
  let newest: RecordView[] = []
  await eachOf(end, async ({ partition, offset }) => {
    const first = begin.find((each) => each.partition === partition)?.offset ?? 0n
    const back = offset - BigInt(limit * 2 + 10)
    if (first >= offset) return
    const found = await lastUpTo({ ...options, partitions: [partition] }, { from: back > first ? back : first, end: offset }, limit)
    // What cannot be among them is kept no longer: however many partitions there are.
    newest = [...newest, ...found].toSorted(newestFirst)
    newest = newest.slice(0, Math.min(limit, countWithin(newest)))
  })
  return newest
}

async function lastUpTo(options: ReadOptions, { from, end }: { from: bigint; end: bigint }, limit: number): Promise<readonly RecordView[]> {
  const last = new LastRecords(limit)
  await using reader = openReader(options, { offset: from })
  let next = from
  do {
    for (const batch of await reader.poll({ signal: options.signal })) {
      await options.values.makeReadyFor(batch, options.signal)
      for (let i = 0; i < batch.count; i++) last.add(recordView(batch, i, options.values, options.masking))
      next = batch.nextOffset
    }
  } while (next < end && !reader.atEnd())
  return last.all
}

function newestFirst(a: RecordView, b: RecordView): number {
  return (b.at ?? '').localeCompare(a.at ?? '') || b.partition - a.partition || Number(BigInt(b.offset) - BigInt(a.offset))
}

/** How many of them, one at least, have no more than `mostBytes` in all. */
function countWithin(records: readonly RecordView[]): number {
  let bytes = 0
  const tooMany = records.findIndex((record) => (bytes += sizeOf(record)) > mostBytes)
  return tooMany < 0 ? records.length : Math.max(tooMany, 1)
}

/** At most `limit` records from a place on, in the order of their partitions' logs; fewer of large ones: none is begun past `mostBytes`. */
export async function readUpTo(options: ReadOptions, from: StartingPoint, limit: number): Promise<RecordView[]> {
  const records: RecordView[] = []
  let bytes = 0
  const isEnough = (): boolean => records.length >= limit || bytes > mostBytes
  await using reader = openReader(options, from)
  do {
    for (const batch of await reader.poll({ signal: options.signal })) {
      await options.values.makeReadyFor(batch, options.signal)
      for (let i = 0; i < batch.count && !isEnough(); i++) {
        const record = recordView(batch, i, options.values, options.masking)
        records.push(record)
        bytes += sizeOf(record)
      }
    }
  } while (!isEnough() && !reader.atEnd())
  return records
}

const tailEveryMs = 250
/** Of each interval no more is decoded and sent than a person can see; what is left out is counted, and said. */
const sampled = 40

/**
 * New records as they come. Events: `records`, `{ records, seen, shown }` since the last; the id is where each partition goes on, from
 * which a reader that was cut off resumes.
 */
export async function* tailTopic(options: ReadOptions, resume: string | null): AsyncGenerator<ServerEvent> {
  const readers = openAt(options, resume)
  const { signal } = options
  try {
    while (!signal.aborted) {
      const startedMs = systemClock.monotonicMs()
      let seen = 0
      const shown: RecordView[] = []
      // Readers are polled once each: a fast topic fills their buffers, not ours.
      for (const reader of readers) {
        const batches = await reader.poll({ signal })
        seen += batches.reduce((sum, { count }) => sum + count, 0)
        shown.push(...(await lastOf(batches, Math.ceil(sampled / readers.length), options)))
      }
      const positions = readers.flatMap((reader) => reader.positions()).map(({ partition, offset }) => `${partition}:${offset}`)
      if (seen > 0) yield { event: 'records', id: positions.join(','), data: { records: shown, seen, shown: shown.length } }
      const leftMs = startedMs + tailEveryMs - systemClock.monotonicMs()
      if (leftMs > 0) await systemClock.sleep(leftMs, signal).catch(() => undefined)
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.close()))
  }
}

async function lastOf(batches: readonly Batch[], count: number, { values, masking, signal }: ReadOptions): Promise<RecordView[]> {
  const wanted: { batch: Batch; i: number }[] = []
  for (const batch of batches.toReversed()) {
    for (let i = batch.count - 1; i >= 0 && wanted.length < count; i--) wanted.push({ batch, i })
  }
  for (const batch of new Set(wanted.map((each) => each.batch))) await values.makeReadyFor(batch, signal)
  return wanted.toReversed().map(({ batch, i }) => recordView(batch, i, values, masking))
}

/** One reader of all partitions at their ends; or one of each, where it stopped. */
function openAt(options: ReadOptions, resume: string | null): TopicReader[] {
  const positions = /^\d+:\d+(,\d+:\d+)*$/.test(resume ?? '') ? (resume ?? '').split(',').map((each) => each.split(':')) : []
  // By partition: an id that names one a thousand times opens one reader.
  const known = new Map(positions.map(([partition, offset]) => [Number(partition), BigInt(offset ?? 0)]))
  const readers = options.partitions.filter((partition) => known.has(partition))
  if (readers.length === 0) return [openReader(options, 'latest')]
  return readers.map((partition) => openReader({ ...options, partitions: [partition] }, { offset: known.get(partition) ?? 0n }))
}

export function openReader({ kafka, topic, partitions }: ReadOptions, from: StartingPoint): TopicReader {
  return kafka.reader({ topic, partitions, from, isolationLevel: 'read_committed', maxWaitMs: tailEveryMs })
}
