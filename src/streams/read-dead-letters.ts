import { bytesAt, names, type Batch, type Header } from '../core/index.ts'
import { jsonCodec } from '../formats/index.ts'
import { MillraceError } from '../platform/index.ts'
import { connectHeaders } from './dead-letters.ts'

/** What reading dead letters needs of a Kafka client; `KafkaClient` has this shape. */
export interface DeadLetterKafka {
  admin: { metadata(topics: readonly string[]): Promise<{ topics: readonly { name: string; error: string | null }[] }> }
  reader(options: { topic: string; from: 'earliest'; isolationLevel: 'read_committed' }): {
    poll(options?: { signal?: AbortSignal }): Promise<Batch[]>
    atEnd(): boolean
    close(): Promise<void>
  }
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
  /** Where it stands among the dead letters. */
  at: { partition: number; offset: bigint }
}

export interface ReadDeadLettersOptions {
  kafka: DeadLetterKafka
  project: string
  stream: string
  /** The newest so many; all when left out. */
  limit?: number
  signal?: AbortSignal
}

/** The dead letters of a stream, oldest first; none when it has never had a dead-letter topic. One that a crash repeated is there once. */
export async function readDeadLetters({ kafka, project, stream, limit = Infinity, signal }: ReadDeadLettersOptions): Promise<DeadLetter[]> {
  const topic = names.deadLetters(project, stream)
  const { topics } = await kafka.admin.metadata([topic])
  const error = topics.find(({ name }) => name === topic)?.error ?? null
  if (error === 'UNKNOWN_TOPIC_OR_PARTITION') return []
  if (error !== null)
    throw new MillraceError('KAFKA', `Dead letters in "${topic}" cannot be read: ${error}.`, { details: { errorName: error, topic } })
  const found = new Map<string, DeadLetter>()
  const reader = kafka.reader({ topic, from: 'earliest', isolationLevel: 'read_committed' })
  try {
    do {
      for (const batch of await reader.poll(signal ? { signal } : {})) keepNewest(found, batch, limit)
    } while (!reader.atEnd())
  } finally {
    await reader.close()
  }
  return [...found.values()]
}

/** A batch of a dead-letter topic, record by record. */
export function deadLettersOf(batch: Batch): DeadLetter[] {
  return Array.from({ length: batch.count }, (_, i) => deadLetter(batch, i))
}

function keepNewest(found: Map<string, DeadLetter>, batch: Batch, limit: number): void {
  for (const letter of deadLettersOf(batch)) {
    const id = `${letter.topic}/${letter.partition}/${letter.offset}`
    found.delete(id)
    found.set(id, letter)
    const [oldest] = found.keys()
    if (found.size > limit && oldest !== undefined) found.delete(oldest)
  }
}

const added: ReadonlySet<string> = new Set([...Object.values(connectHeaders), names.writeTimeHeader])

function deadLetter(batch: Batch, i: number): DeadLetter {
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
    at,
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
