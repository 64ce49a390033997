import type { DataSystems, DeadLetterPorts, DeadLetterQuery, TopicValues } from '../api-server/index.ts'
import { names, type DeadLetterDetail, type DeadLetterView, type Json, type Project, type SettledLetter } from '../core/index.ts'
import type { KafkaClient } from '../kafka-client/index.ts'
import { MillraceError, systemClock } from '../platform/index.ts'
import { settleDeadLetters, type DeadLetter, type DeadLetterBook, type SettleAction } from '../streams/index.ts'
import { DeadLetterBooks } from './dead-letter-books.ts'

/**
 * The dead letters of the project's streams, as the API shows them and acts on them.
 * @param most letters to keep from one question to the next
 */
export function createDeadLetters(systems: DataSystems, project: () => Project, most?: number): DeadLetterPorts {
  const inTurn = turns()
  const books = new DeadLetterBooks(systems, project, most)
  const settle = async (stream: string, ids: readonly string[], action: SettleAction, asked: Asked): Promise<SettledLetter[]> => {
    const kafka = await systems.kafka()
    // One after another here; other processes are fenced.
    return inTurn(stream, () => settleDeadLetters({ kafka, project: project().name, stream, ids, action, ...asked, clock: systemClock }))
  }
  return {
    list: async (stream, { limit, ...filter }: DeadLetterQuery) => {
      const found = await books.ask(stream, (book) => book.page({ filter, limit }))
      await makeReady(systems.values, found.letters)
      const letters = found.letters.toReversed()
      const next = found.hasMore ? (letters.at(-1)?.id ?? null) : null
      return { letters: letters.map((each) => viewOf(stream, each, systems.values)), next, counts: found.counts, reasons: found.reasons }
    },
    one: async (stream, id) => oneLetter(systems, project().name, stream, await books.ask(stream, (book) => book.one(id))),
    replay: async (stream, { ids, values, as }, asked) => {
      const topic = sourceTopic(project(), stream)
      const bytes = new Map<string, Uint8Array | null>()
      for (const [id, value] of values)
        bytes.set(id, as === 'json' ? await systems.values.encode(topic, value, asked.signal) : bytesOf(value, as))
      return settle(stream, ids, { is: 'replay', editedValue: ({ id }) => bytes.get(id) }, asked)
    },
    discard: (stream, ids, asked) => settle(stream, ids, { is: 'discard' }, asked),
  }
}

interface Asked {
  by: string
  signal: AbortSignal
}

async function oneLetter(
  systems: DataSystems,
  project: string,
  stream: string,
  found: Awaited<ReturnType<DeadLetterBook['one']>>,
): Promise<DeadLetterDetail | null> {
  if (found === null) return null
  const { letter, failedAs } = found
  await makeReady(systems.values, [letter])
  const to = letter.settlement?.to ?? null
  const landed =
    letter.state !== 'replayed' ? null : failedAs !== null ? 'failed' : await landing(await systems.kafka(), project, stream, to)
  return {
    ...viewOf(stream, letter, systems.values),
    keyBytes: letter.key && Buffer.from(letter.key.bytes).toString('base64'),
    valueBytes: letter.value && Buffer.from(letter.value.bytes).toString('base64'),
    sizeBytes: letter.value?.bytes.byteLength ?? 0,
    landed,
    failedAs,
  }
}

/** Whether the stream has committed past the record that was replayed. */
async function landing(kafka: KafkaClient, project: string, stream: string, to: string | null): Promise<'waiting' | 'processed'> {
  const [, partition, offset] = to?.split(':') ?? []
  if (partition === undefined || offset === undefined) return 'waiting'
  const committed = await kafka.admin.committedOffsets(names.group(project, stream), [names.retry(project, stream)], {
    waitForTransactions: false,
  })
  const reached = committed.find((each) => each.topic === names.retry(project, stream) && each.partition === Number(partition))
  return reached !== undefined && reached.offset > BigInt(offset) ? 'processed' : 'waiting'
}

function sourceTopic(project: Project, stream: string): string {
  const source = project.streams.find(({ name }) => name === stream)?.nodes.find((node) => node.is === 'source')
  if (source === undefined) throw new MillraceError('NOT_FOUND', `There is no stream ${stream}.`)
  return source.topic
}

function bytesOf(value: Json, as: 'text' | 'base64'): Uint8Array {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (as === 'text') return Buffer.from(text)
  const bytes = Buffer.from(text, 'base64')
  // Node leaves out what is no base64.
  if (bytes.toString('base64') === text) return bytes
  throw new MillraceError('BAD_REQUEST', 'The value is not base64 (RFC 4648, with its padding).')
}

/** Calls of the same name one after another. */
function turns(): <T>(name: string, action: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (name, action) => {
    const turn = (last.get(name) ?? Promise.resolve()).then(action, action)
    last.set(name, turn)
    return turn
  }
}

/** Those whose schema does not come by then are shown as bytes. */
const schemasWithinMs = 5_000

async function makeReady(values: TopicValues, letters: readonly DeadLetter[]): Promise<void> {
  const signal = AbortSignal.timeout(schemasWithinMs)
  for (const { value } of letters) if (value) await values.makeReadyFor(alone(value.bytes), signal)
}

function alone(bytes: Uint8Array): Parameters<TopicValues['makeReadyFor']>[0] {
  return { bytes, count: 1, valueAt: Int32Array.of(0, bytes.byteLength) }
}

function viewOf(stream: string, letter: DeadLetter, values: TopicValues): DeadLetterView {
  const decoded = letter.value && values.decode(letter.value.bytes)
  const avro = decoded?.format === 'avro' && decoded.schemaId !== undefined ? { schemaId: decoded.schemaId } : {}
  const text = 'schemaId' in avro ? JSON.stringify(decoded?.json) : (letter.value?.text ?? null)
  const isText = letter.value === null || text !== null
  const { settlement } = letter
  return {
    id: letter.id,
    stream,
    stage: letter.reason,
    message: letter.message,
    topic: letter.topic,
    partition: letter.partition,
    offset: String(letter.offset),
    at: isoTime(letter.timestampMs),
    key: letter.key?.text ?? null,
    value: letter.value === null ? null : (text ?? Buffer.from(letter.value.bytes).toString('base64')),
    valueIsBase64: !isText,
    ...avro,
    headers: letter.headers.map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value).toString('utf8') })),
    step: letter.stage,
    errorClass: letter.errorClass,
    stack: letter.stack,
    state: letter.state,
    settled: settlement && { by: settlement.by, at: settlement.at, to: settlement.to },
    replays: letter.replays,
    replayOf: letter.replayOf,
  }
}

/** A record's time may be the reason why it failed: one past all calendars is shown as the latest. */
function isoTime(ms: number): string {
  return new Date(Math.max(-8.64e15, Math.min(ms, 8.64e15))).toISOString()
}
