import { names, type Header } from '../core/index.ts'
import { asMillraceError, MillraceError, type Clock } from '../platform/index.ts'
import { DeadLetterIndex } from './dead-letter-index.ts'
import { markerRecord, type Settlement } from './dead-letter-markers.ts'
import { deadLettersOf, partitionsOf, readAll, type DeadLetter, type DeadLetterKafka } from './read-dead-letters.ts'

/** What acting on dead letters needs of a Kafka client; `KafkaClient` has this shape. */
export interface SettlingKafka extends DeadLetterKafka {
  transactionalProducer(options: { transactionalId: string; deliveryTimeoutMs: number }): SettlingTransactions
}

export interface SettlingTransactions {
  init(): Promise<void>
  begin(): Promise<void>
  send(records: readonly SettlingRecord[]): Promise<readonly { topic: string; partition: number; offset: bigint }[]>
  commit(): Promise<void>
  abort(): Promise<void>
  close(options?: { timeoutMs?: number }): Promise<void>
}

export interface SettlingRecord {
  topic: string
  partition?: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: readonly Header[]
  timestampMs: number
}

export interface SettleOptions {
  kafka: SettlingKafka
  project: string
  stream: string
  /** Ids of the letters, `partition:offset`. */
  ids: readonly string[]
  action: SettleAction
  /** Who does it. */
  by: string
  clock: Clock
  signal: AbortSignal
}

/** `editedValue`: the bytes that a letter is replayed with; those of the letter itself where it gives undefined. */
export type SettleAction = { is: 'replay'; editedValue?: (letter: DeadLetter) => Uint8Array | null | undefined } | { is: 'discard' }

export type SettleOutcome =
  | {
      id: string
      is: Settlement['is']
      by: string
      at: string
      to: string | null
      /** It was done before: nothing was changed. */ wasAlready: boolean
    }
  | { id: string; is: 'missing' }

const transactionMs = 30_000
const lettersAtOnce = 100
const bytesAtOnce = 4 * 1024 * 1024
/** How often a transaction is looked for whose end nobody told. */
const mostAttempts = 5

/**
 * Replays or discards dead letters: the record on its way back and the marker that says so are one transaction (P5), so that a crash
 * leaves both or neither, and doing it twice changes nothing. Whoever acts on the letters of a stream fences who did before; what those left
 * open is settled, and all that is committed is read, before anything is written.
 *
 * Rejects PRODUCER_FENCED when somebody else began to act on the same letters meanwhile: what was done until then is done.
 */
export async function settleDeadLetters(options: SettleOptions): Promise<SettleOutcome[]> {
  const at = new Date(options.clock.nowMs()).toISOString()
  for (let attempt = 1; ; attempt++) {
    try {
      return await settleOnce(options, at)
    } catch (error) {
      const isInDoubt = error instanceof MillraceError && error.details.outcome === 'unknown'
      if (!isInDoubt || attempt === mostAttempts || options.signal.aborted) throw error
    }
  }
}

async function settleOnce(options: SettleOptions, at: string): Promise<SettleOutcome[]> {
  const { kafka, project, stream, action, by, signal } = options
  const topic = names.deadLetters(project, stream)
  const transactionalId = names.transactionalId(project, 'dead-letters', stream, '0')
  const producer = kafka.transactionalProducer({ transactionalId, deliveryTimeoutMs: transactionMs })
  try {
    await producer.init()
    const { index, letters } = await lettersToSettle(kafka, topic, options)
    const done = new Map<string, Settlement>()
    for (const some of inParts(letters.filter(({ id }) => index.isOpen(id)))) {
      signal.throwIfAborted()
      for (const [id, settlement] of await settlePart(producer, some, { project, stream, action, by, at })) done.set(id, settlement)
    }
    return options.ids.map((id) => outcomeOf(id, done.get(id) ?? index.settlementOf(id), { by, at }))
  } finally {
    await producer.close({ timeoutMs: 1_000 }).catch(() => undefined)
  }
}

async function lettersToSettle(
  kafka: SettlingKafka,
  topic: string,
  { ids, signal }: SettleOptions,
): Promise<{ index: DeadLetterIndex; letters: DeadLetter[] }> {
  const index = new DeadLetterIndex()
  const wanted = new Set(ids)
  const found = new Map<string, DeadLetter>()
  const partitions = await partitionsOf(kafka, topic)
  // To the last record, committed or not yet: a marker may stand behind the open transaction of the stream.
  await readAll(
    kafka,
    partitions,
    (batch) => {
      index.add(batch)
      for (const letter of deadLettersOf(batch, index, (id) => wanted.has(id))) found.set(letter.id, letter)
    },
    AbortSignal.any([signal, AbortSignal.timeout(2 * transactionMs)]),
    'read_uncommitted',
  )
  return { index, letters: ids.flatMap((id) => found.get(id) ?? []) }
}

type Settling = Pick<SettleOptions, 'project' | 'stream' | 'action' | 'by'> & { at: string }

async function settlePart(
  producer: SettlingTransactions,
  letters: readonly DeadLetter[],
  { project, stream, action, by, at }: Settling,
): Promise<Map<string, Settlement>> {
  const topic = names.deadLetters(project, stream)
  const unique = [...new Map(letters.map((letter) => [letter.id, letter])).values()]
  const records =
    action.is === 'discard' ? [] : unique.map((letter) => replayRecord(names.retry(project, stream), letter, action.editedValue))
  try {
    await producer.begin()
    const sent = records.length === 0 ? [] : await producer.send(records)
    const settlements = unique.map((letter, i): [string, Settlement] => {
      const to = sent[i]
      const place = to === undefined ? null : `${to.topic}:${to.partition}:${to.offset}`
      return [letter.id, { is: action.is === 'replay' ? 'replayed' : 'discarded', by, at, to: place }]
    })
    await producer.send(
      unique.map(({ id, at: { partition } }, i) =>
        markerRecord(topic, partition, id, settlements[i]?.[1] ?? { is: 'discarded', by, at, to: null }),
      ),
    )
    await producer.commit()
    return new Map(settlements)
  } catch (thrown) {
    await producer.abort().catch(() => undefined)
    throw asMillraceError(thrown, 'KAFKA')
  }
}

/** P2: it carries its own write time, so that a newer version of its row stays. Key, headers and time are the record's own. */
function replayRecord(
  topic: string,
  letter: DeadLetter,
  editedValue: ((letter: DeadLetter) => Uint8Array | null | undefined) | undefined,
): SettlingRecord {
  const value = editedValue?.(letter)
  const texts: [string, string | null][] = [
    [names.writeTimeHeader, letter.writeMicros === null ? null : String(letter.writeMicros)],
    [names.replaysHeader, String(letter.replays + 1)],
    [names.replayOfHeader, letter.id],
    [names.originHeader, `${letter.topic}:${letter.partition}:${letter.offset}`],
  ]
  const added = texts.flatMap(([key, text]): Header[] => (text === null ? [] : [{ key, value: Buffer.from(text) }]))
  return {
    topic,
    key: letter.key?.bytes ?? null,
    value: value === undefined ? (letter.value?.bytes ?? null) : value,
    headers: [...letter.headers, ...added],
    timestampMs: letter.timestampMs,
  }
}

function outcomeOf(id: string, settlement: Settlement | null, own: { by: string; at: string }): SettleOutcome {
  if (settlement === null) return { id, is: 'missing' }
  return { id, ...settlement, wasAlready: settlement.by !== own.by || settlement.at !== own.at }
}

/** As many as go into one transaction. */
function inParts(letters: readonly DeadLetter[]): DeadLetter[][] {
  const parts: DeadLetter[][] = []
  let bytes = Infinity
  for (const letter of letters) {
    const size = letter.value?.bytes.byteLength ?? 0
    const last = parts.at(-1)
    if (last === undefined || last.length >= lettersAtOnce || bytes + size > bytesAtOnce) {
      parts.push([letter])
      bytes = size
    } else {
      last.push(letter)
      bytes += size
    }
  }
  return parts
}
