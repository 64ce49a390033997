import { bytesAt, names, type Batch, type Header } from '../core/index.ts'
import { jsonCodec } from '../formats/index.ts'
import { abortReason, MillraceError } from '../platform/index.ts'
import { DeadLetterIndex } from './dead-letter-index.ts'
import { letterId, markerOf, type Settlement } from './dead-letter-markers.ts'
import { connectHeaders } from './dead-letters.ts'
import type { TopicPartition } from './kafka-ports.ts'

/** What reading dead letters needs of a Kafka client; `KafkaClient` has this shape. */
export interface DeadLetterKafka {
  admin: {
    metadata(topics: readonly string[]): Promise<{
      topics: readonly { name: string; topicId: string; error: string | null; partitions: readonly { partition: number }[] }[]
    }>
    listOffsets(
      partitions: readonly TopicPartition[],
      at: 'earliest' | 'latest',
      options?: { isolationLevel?: 'read_committed' | 'read_uncommitted' },
    ): Promise<readonly (TopicPartition & { offset: bigint })[]>
  }
  reader(options: {
    topic: string
    partitions?: number[]
    from: 'earliest' | { offset: bigint }
    isolationLevel: 'read_committed'
    maxWaitMs?: number
  }): DeadLetterReader
}

export interface DeadLetterReader {
  poll(options?: { signal?: AbortSignal }): Promise<Batch[]>
  positions(): readonly (TopicPartition & { offset: bigint })[]
  close(): Promise<void>
}

/** Bytes as they were, and as a person reads them: `text` when they are UTF-8, `json` (undefined: none) when that is JSON. */
export interface Payload {
  bytes: Uint8Array
  text: string | null
  json: unknown
}

export interface DeadLetter {
  /** Why it is here: `decode`, `validate`, `step`, `sink`; what another tool's dead letter says stays as it says it. */
  reason: string
  message: string
  /** Id of the step where it failed. */
  stage: string
  /** Class of what was thrown, or an error code. */
  errorClass: string
  stack: string | null
  /** Where the record came from; of the dead letter itself when it does not say. */
  topic: string
  partition: number
  offset: bigint
  key: Payload | null
  value: Payload | null
  timestampMs: number
  /** The record's own, without those that say why it failed. */
  headers: Header[]
  /** P2's write time, µs; null when it has none. */
  writeMicros: bigint | null
  /** How often its record has been replayed. */
  replays: number
  /** The letter that it was before its last replay. */
  replayOf: string | null
  /** `partition:offset` of `at`. */
  id: string
  /** Where it stands among the dead letters. */
  at: { partition: number; offset: bigint }
  state: LetterState
  /** What was done with it; null while it is open. */
  settlement: Settlement | null
}

export type LetterState = 'open' | Settlement['is']

/** Which letters are asked for; everything left out matches all. */
export interface DeadLetterFilter {
  state?: LetterState
  /** Only those whose record was replayed before. */
  failedAgain?: true
  /** Of this record alone: `topic:partition:offset`. */
  origin?: string
  reason?: string
  /** Records of this time and later, ms. */
  sinceMs?: number
  /** Only those before this one. */
  before?: string
}

export interface ReadDeadLettersOptions {
  kafka: DeadLetterKafka
  project: string
  stream: string
  filter?: DeadLetterFilter
  /** The newest so many; all when left out. */
  limit?: number
  signal?: AbortSignal
}

export interface DeadLetters {
  /** Oldest first. */
  letters: DeadLetter[]
  /** Whether older ones match. */
  hasMore: boolean
  /** All of the stream's, whatever was asked for. */
  counts: Record<LetterState | 'failedAgain', number>
  /** Reasons of those in the state that was asked for, most first. */
  reasons: { reason: string; count: number }[]
}

/**
 * The dead letters of a stream; none when it has never had a dead-letter topic. The topic is read twice: what became of a letter stands behind
 * it, and the values of those that nobody asked for are not kept.
 */
export async function readDeadLetters(options: ReadDeadLettersOptions): Promise<DeadLetters> {
  const { kafka, project, stream, filter = {}, limit = Infinity, signal } = options
  const topic = names.deadLetters(project, stream)
  const partitions = await partitionsOf(kafka, topic)
  const index = new DeadLetterIndex()
  const matching: DeadLetter[] = []
  const counts = { open: 0, replayed: 0, discarded: 0, failedAgain: 0 }
  const reasons = new Map<string, number>()
  let hasMore = false
  if (partitions.length > 0) {
    await readAll(kafka, partitions, (batch) => index.add(batch), signal)
    await readAll(
      kafka,
      partitions,
      (batch) => {
        for (const letter of deadLettersOf(batch, index)) {
          counts[letter.state]++
          if (letter.state === 'open' && letter.replays > 0) counts.failedAgain++
          if (!isInState(letter, filter)) continue
          reasons.set(letter.reason, (reasons.get(letter.reason) ?? 0) + 1)
          if (!matches(letter, filter)) continue
          matching.push(letter)
          if (matching.length <= limit) continue
          matching.shift()
          hasMore = true
        }
      },
      signal,
    )
  }
  const byCount = [...reasons].map(([reason, count]) => ({ reason, count })).toSorted((a, b) => b.count - a.count)
  return { letters: matching, hasMore, counts, reasons: byCount }
}

/** The partitions of a dead-letter topic; none: it is not there. */
export async function partitionsOf(kafka: Pick<DeadLetterKafka, 'admin'>, topic: string): Promise<TopicPartition[]> {
  return (await standingTopic(kafka, topic)).partitions
}

/** A topic that was made anew has another id. No partitions: it is not there. */
export async function standingTopic(
  { admin }: Pick<DeadLetterKafka, 'admin'>,
  topic: string,
): Promise<{ topicId: string | null; partitions: TopicPartition[] }> {
  const { topics } = await admin.metadata([topic])
  const found = topics.find(({ name }) => name === topic)
  const error = found?.error ?? null
  if (found === undefined || error === 'UNKNOWN_TOPIC_OR_PARTITION') return { topicId: null, partitions: [] }
  if (error !== null)
    throw new MillraceError('KAFKA', `Dead letters in "${topic}" cannot be read: ${error}.`, { details: { errorName: error, topic } })
  const partitions = found.partitions.map(({ partition }) => ({ topic, partition })).toSorted((a, b) => a.partition - b.partition)
  return { topicId: found.topicId, partitions }
}

/**
 * Reads partition by partition up to where each ends now. What is committed is read, and all of it: while a transaction is open before the
 * end, its own end is waited for.
 */
export async function readAll(
  kafka: DeadLetterKafka,
  partitions: readonly TopicPartition[],
  onBatch: (batch: Batch) => void,
  signal?: AbortSignal,
  isolationLevel: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<void> {
  const ends = await kafka.admin.listOffsets(partitions, 'latest', { isolationLevel })
  for (const { topic, partition } of partitions) {
    const end = ends.find((each) => each.partition === partition)?.offset ?? 0n
    if (end > 0n) await readPartition(kafka, { topic, partition, from: 'earliest', end }, onBatch, signal)
  }
}

/** Reads one partition to `end`, the offset behind the last record. */
export async function readPartition(
  kafka: DeadLetterKafka,
  { topic, partition, from, end }: TopicPartition & { from: 'earliest' | { offset: bigint }; end: bigint },
  onBatch: (batch: Batch) => void,
  signal?: AbortSignal,
): Promise<void> {
  const reader = kafka.reader({ topic, partitions: [partition], from, isolationLevel: 'read_committed', maxWaitMs: 50 })
  try {
    do {
      for (const batch of await reader.poll(signal ? { signal } : {})) onBatch(batch)
      if (signal?.aborted) throw abortReason(signal)
    } while (reader.positions().every(({ offset }) => offset < end))
  } finally {
    await reader.close()
  }
}

function isInState({ state, replays }: DeadLetter, filter: DeadLetterFilter): boolean {
  return (filter.state === undefined || filter.state === state) && (filter.failedAgain === undefined || replays > 0)
}

function matches(letter: DeadLetter, { reason, sinceMs, before, origin }: DeadLetterFilter): boolean {
  if (origin !== undefined && `${letter.topic}:${letter.partition}:${letter.offset}` !== origin) return false
  if (reason !== undefined && letter.reason !== reason) return false
  if (sinceMs !== undefined && letter.timestampMs < sinceMs) return false
  return before === undefined || isBefore(letter.at, before)
}

function isBefore({ partition, offset }: DeadLetter['at'], id: string): boolean {
  const [otherPartition = '0', otherOffset = '0'] = id.split(':')
  const difference = partition - Number(otherPartition)
  return difference < 0 || (difference === 0 && offset < BigInt(otherOffset))
}

/** The letters of a batch of a dead-letter topic, with what became of them by `index` (the batch's own when left out); without those that a newer one stands for. */
export function deadLettersOf(
  batch: Batch,
  index = DeadLetterIndex.of(batch),
  isWanted: (id: string) => boolean = () => true,
): DeadLetter[] {
  return Array.from({ length: batch.count }, (_, i) => i).flatMap((i) => {
    if (markerOf(batch, i) !== null) return []
    const id = letterId({ partition: batch.partition, offset: batch.offsets[i] ?? -1n })
    return index.isShown(id) && isWanted(id) ? [deadLetter(batch, i, index.settlementOf(id))] : []
  })
}

const added: ReadonlySet<string> = new Set([
  ...Object.values(connectHeaders),
  names.writeTimeHeader,
  names.replaysHeader,
  names.replayOfHeader,
  names.originHeader,
])

function deadLetter(batch: Batch, i: number, settlement: Settlement | null): DeadLetter {
  const all = batch.headers(i)
  const at = { partition: batch.partition, offset: batch.offsets[i] ?? -1n }
  // The last of each name counts: a record that was a dead letter before carries older ones.
  const text = (name: string): string | null => {
    const value = all.findLast(({ key }) => key === name)?.value
    return value ? Buffer.from(value).toString() : null
  }
  return {
    reason: text(connectHeaders.stage) ?? 'unknown',
    message: text(connectHeaders.exceptionMessage) ?? '',
    stage: text(connectHeaders.className) ?? '',
    errorClass: text(connectHeaders.exceptionClassName) ?? '',
    stack: text(connectHeaders.exceptionStackTrace),
    topic: text(connectHeaders.topic) ?? batch.topic,
    partition: Number(integer(text(connectHeaders.partition)) ?? at.partition),
    offset: integer(text(connectHeaders.offset)) ?? at.offset,
    key: payload(bytesAt(batch, batch.keyAt, i)),
    value: payload(bytesAt(batch, batch.valueAt, i)),
    timestampMs: batch.timestampMs[i] ?? -1,
    headers: all.filter(({ key }) => !added.has(key)).map(({ key, value }) => ({ key, value: value && value.slice() })),
    writeMicros: integer(text(names.writeTimeHeader)),
    replays: Number(integer(text(names.replaysHeader)) ?? 0),
    replayOf: text(names.replayOfHeader),
    id: letterId(at),
    at,
    state: settlement?.is ?? 'open',
    settlement,
  }
}

function integer(text: string | null): bigint | null {
  return text !== null && /^-?\d{1,19}$/.test(text) ? BigInt(text) : null
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function payload(view: Uint8Array | null): Payload | null {
  if (!view) return null
  const bytes = view.slice()
  const json = jsonCodec.decode(bytes)
  return { bytes, text: textOf(bytes), json: json.ok ? json.value : undefined }
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}
