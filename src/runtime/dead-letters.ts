import type { TopicValues } from '../api-server/index.ts'
import type { DeadLetterView } from '../core/index.ts'
import type { Clients } from './clients.ts'
import { readDeadLetters, type DeadLetter } from '../streams/index.ts'

/** The dead letters of a stream as the API shows them, the newest `limit`. */
export async function listDeadLetters(
  clients: Pick<Clients, 'kafka'>,
  project: string,
  stream: string,
  limit: number,
  values: TopicValues,
): Promise<DeadLetterView[]> {
  await using kafka = await clients.kafka({ clientId: `millrace.${project}.dlq` })
  const letters = await readDeadLetters({ kafka, project, stream, limit })
  const signal = AbortSignal.timeout(schemasWithinMs)
  for (const { value } of letters) if (value) await values.makeReadyFor(alone(value.bytes), signal)
  return letters.map((letter) => viewOf(stream, letter, values))
}

/** Those whose schema does not come by then are shown as bytes. */
const schemasWithinMs = 5_000

function alone(bytes: Uint8Array): Parameters<TopicValues['makeReadyFor']>[0] {
  return { bytes, count: 1, valueAt: Int32Array.of(0, bytes.byteLength) }
}

function viewOf(stream: string, letter: DeadLetter, values: TopicValues): DeadLetterView {
  const decoded = letter.value && values.decode(letter.value.bytes)
  const avro = decoded?.format === 'avro' && decoded.schemaId !== undefined ? { schemaId: decoded.schemaId } : {}
  const text = 'schemaId' in avro ? JSON.stringify(decoded?.json) : (letter.value?.text ?? null)
  const isText = letter.value === null || text !== null
  return {
    id: `${letter.at.partition}:${letter.at.offset}`,
    stream,
    stage: letter.reason,
    message: letter.message,
    topic: letter.topic,
    partition: letter.partition,
    offset: String(letter.offset),
    at: new Date(letter.timestampMs).toISOString(),
    key: letter.key?.text ?? null,
    value: letter.value === null ? null : (text ?? Buffer.from(letter.value.bytes).toString('base64')),
    valueIsBase64: !isText,
    ...avro,
    headers: letter.headers.map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value).toString('utf8') })),
  }
}
