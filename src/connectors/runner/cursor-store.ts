import { bytesAt, names, type Batch, type Json } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { isObject } from '../options-reader.ts'
import type { SourceKafka } from './kafka-port.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'

/** A stored cursor: where the source's next page begins, and who wrote it. */
export interface StoredCursor {
  v: 1
  cursor: Json
  run: string
  attempt: number
  /** ISO 8601 UTC. */
  at: string
}

/** The last cursor of `source` in the project's compacted topic; null when it has none (or its tombstone). */
export async function readCursor(kafka: SourceKafka, project: string, source: string, signal: AbortSignal): Promise<Json | null> {
  const topic = names.cursors(project)
  const reader = kafka.reader({ topic, from: 'earliest', maxWaitMs: 50 })
  let last: Uint8Array | null = null
  try {
    while (!reader.atEnd()) {
      for (const batch of await reader.poll({ signal })) last = lastOf(batch, source, last)
      stopIfAborted(signal)
    }
  } finally {
    await reader.close()
  }
  return last && parseCursor(last, topic, source)
}

function lastOf(batch: Batch, source: string, before: Uint8Array | null): Uint8Array | null {
  const key = Buffer.from(source)
  let last = before
  for (let i = 0; i < batch.count; i++) {
    const recordKey = bytesAt(batch, batch.keyAt, i)
    if (recordKey === null || !key.equals(recordKey)) continue
    // A copy: the batch's bytes are the reader's after the next poll.
    const value = bytesAt(batch, batch.valueAt, i)
    last = value && Uint8Array.from(value)
  }
  return last
}

function parseCursor(bytes: Uint8Array, topic: string, source: string): Json {
  let problem = 'it is no cursor of this version of Millrace'
  try {
    const stored: { v?: unknown; cursor?: Json } | null = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (isObject(stored) && stored['v'] === 1 && stored.cursor !== undefined) return stored.cursor
  } catch (error) {
    problem = String(error)
  }
  // Never start anew in silence: that would read the whole source again.
  throw new MillraceError(
    'DATA_CORRUPT',
    `The last cursor of source ${source} in ${topic} cannot be read: ${problem}. Write a tombstone under this key to begin anew.`,
    {
      details: { topic, source },
    },
  )
}

/** The record that stores a cursor; to be sent only after its page is acknowledged (P4). */
export function cursorRecord(project: string, source: string, stored: StoredCursor): { topic: string; key: string; value: Uint8Array } {
  return { topic: names.cursors(project), key: source, value: Buffer.from(JSON.stringify(stored)) }
}
