import type { DeadLetterView } from '../core/index.ts'
import type { Clients } from './clients.ts'
import { readDeadLetters, type DeadLetter } from '../streams/index.ts'

/** The dead letters of a stream as the API shows them, the newest `limit`. */
export async function listDeadLetters(
  clients: Pick<Clients, 'kafka'>,
  project: string,
  stream: string,
  limit: number,
): Promise<DeadLetterView[]> {
  await using kafka = await clients.kafka({ clientId: `millrace.${project}.dlq` })
  const letters = await readDeadLetters({ kafka, project, stream, limit })
  return letters.map((letter) => viewOf(stream, letter))
}

function viewOf(stream: string, letter: DeadLetter): DeadLetterView {
  const isText = letter.value === null || letter.value.text !== null
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
    value: letter.value === null ? null : (letter.value.text ?? Buffer.from(letter.value.bytes).toString('base64')),
    valueIsBase64: !isText,
    headers: letter.headers.map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value).toString('utf8') })),
  }
}
