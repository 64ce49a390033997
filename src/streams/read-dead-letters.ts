import { type Batch, bytesAt, connectHeaders, type Header, names } from '../core/index.ts'
import { jsonCodec } from '../formats/index.ts'
import { abortReason, MillraceError } from '../platform/index.ts'
import { DeadLetterIndex } from './dead-letter-index.ts'
import { letterId, markerOf, type Settlement } from './dead-letter-markers.ts'
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
    maxBytes?: number
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

export interface PartOfTopic extends TopicPartition {
  from: 'earliest' | { offset: bigint }
  /** The offset behind the last record. */
  end: bigint
  /** Of one fetch. */
  maxBytes?: number
}

/** Reads a part of one partition. */
export async function readPartition(
  kafka: DeadLetterKafka,
  { topic, partition, from, end, ...limits }: PartOfTopic,
  onBatch: (batch: Batch) => void,
  signal?: AbortSignal,
): Promise<void> {
  const reader = kafka.reader({ topic, partitions: [partition], from, isolationLevel: 'read_committed', maxWaitMs: 50, ...limits })
  try {
    do {
      for (const batch of await reader.poll(signal ? { signal } : {})) onBatch(batch)
      if (signal?.aborted) throw abortReason(signal)
    } while (reader.positions().every(({ offset }) => offset < end))
  } finally {
    await reader.close()
  }
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
    headers: all.filter(({ key }) => !added.has(key)).map(({ key, value }) => ({ key, value: value && new Uint8Array(value) })),
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
  // A copy: a view would keep all that was fetched with it.
  const bytes = new Uint8Array(view)
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
