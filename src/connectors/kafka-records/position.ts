import type { Json } from '../../core/index.ts'
import type { KafkaClient } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { isObject } from '../options-reader.ts'
import { unfitCursor } from '../unfit-cursor.ts'

/** What reading a topic needs of a Kafka: a part of `kafka-client`'s `KafkaClient`. */
export interface RecordsKafka extends Pick<KafkaClient, 'reader'>, AsyncDisposable {
  admin: Pick<KafkaClient['admin'], 'metadata' | 'listOffsets'>
}

/** Where each partition of a topic is read on, and where it ended when the run began. */
export interface Position {
  topic: string
  topicId: string | null
  next: Map<number, bigint>
  /** Of the committed records. */
  ends: ReadonlyMap<number, bigint>
  /** No cursor has it yet, and the end it begins at would be another one later. */
  isToBeKept: boolean
}

const noTopicId = '00000000-0000-0000-0000-000000000000'

/** From the cursor, or where a first run begins. Partitions that the topic has since then are read from their beginning. */
export async function findPosition(
  kafka: Pick<RecordsKafka, 'admin'>,
  { source, topic, from }: { source: string; topic: string; from: 'earliest' | 'latest' },
  cursor: Json,
): Promise<Position> {
  const kept = cursor === null ? null : parseCursor(source, topic, cursor)
  const { topics } = await kafka.admin.metadata([topic])
  const found = topics.find(({ name }) => name === topic)
  if (found === undefined || found.error !== null) {
    const what = found?.error ?? 'UNKNOWN_TOPIC_OR_PARTITION'
    throw new MillraceError('SOURCE_FAILED', `Source ${source}: topic ${topic} cannot be read: ${what}.`, { details: { source, topic } })
  }
  const topicId = found.topicId === noTopicId ? null : found.topicId
  if (kept !== null && kept.topicId !== null && topicId !== null && kept.topicId !== topicId) throw madeAnew(source, topic)
  const partitions = found.partitions.map(({ partition }) => ({ topic, partition }))
  const committed = { isolationLevel: 'read_committed' } as const
  const ends = byPartition(await kafka.admin.listOffsets(partitions, 'latest', committed))
  const unknown = partitions.filter(({ partition }) => kept?.offsets.has(partition) !== true)
  const isAtEnd = kept === null && from === 'latest'
  const begins = isAtEnd || unknown.length === 0 ? ends : byPartition(await kafka.admin.listOffsets(unknown, 'earliest'))
  const next = new Map(partitions.map(({ partition }) => [partition, kept?.offsets.get(partition) ?? begins.get(partition) ?? 0n]))
  for (const [partition, offset] of next) {
    const end = ends.get(partition) ?? 0n
    if (offset > end) throw pastEnd(source, topic, partition, offset, end)
  }
  return { topic, topicId, next, ends, isToBeKept: isAtEnd }
}

export function cursorOf({ topic, topicId, next }: Position): Json {
  return { topic, topicId, offsets: Object.fromEntries([...next].map(([partition, offset]) => [String(partition), String(offset)])) }
}

/** The client's OFFSET_OUT_OF_RANGE in the source's words. It never begins elsewhere in silence: records between would be lost unseen (P5). */
export function outOfRange(source: string, error: MillraceError): MillraceError {
  const { topic, partition, offset, logStartOffset } = error.details
  const message = `Source ${source} stopped: records of ${topic}/${partition} from offset ${offset} on were deleted before it read them; the log begins at ${logStartOffset ?? 'another offset'}. To begin anew: millrace reset --source ${source}.`
  return new MillraceError('OFFSET_OUT_OF_RANGE', message, { cause: error, details: { ...error.details, source } })
}

function byPartition(listed: readonly { partition: number; offset: bigint }[]): Map<number, bigint> {
  return new Map(listed.map(({ partition, offset }) => [partition, offset]))
}

function madeAnew(source: string, topic: string): MillraceError {
  const message = `Source ${source} stopped: topic ${topic} was deleted and made anew since the last run, and its offsets mean other records. To begin anew: millrace reset --source ${source}.`
  return new MillraceError('OFFSET_OUT_OF_RANGE', message, { details: { source, topic } })
}

function pastEnd(source: string, topic: string, partition: number, offset: bigint, end: bigint): MillraceError {
  const message = `Source ${source} stopped: it had read ${topic}/${partition} to offset ${offset}, and it ends at ${end} now: the topic was made anew, or lost records. To begin anew: millrace reset --source ${source}.`
  return new MillraceError('OFFSET_OUT_OF_RANGE', message, { details: { source, topic, partition } })
}

function parseCursor(source: string, topic: string, cursor: Json): { topicId: string | null; offsets: Map<number, bigint> } {
  const { topic: of, topicId = null, offsets } = isObject(cursor) ? cursor : {}
  if (of !== topic || !isObject(offsets)) throw unfitCursor(source, cursor)
  const entries = Object.entries(offsets).map(([partition, offset]): [number, bigint] => {
    if (typeof offset !== 'string' || !/^\d+$/.test(offset)) throw unfitCursor(source, cursor)
    return [Number(partition), BigInt(offset)]
  })
  return { topicId: typeof topicId === 'string' ? topicId : null, offsets: new Map(entries) }
}
