import { bytesAt, names, type Batch, type Json } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { isObject } from '../options-reader.ts'
import type { SourceKafka, SourceReader } from './kafka-port.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'

/** A stored cursor: where the source's next page begins, and who wrote it. */
export interface StoredCursor {
  v: 1
  cursor: Json
  /** DAGs of one schedule have runs of one id. '' where it was written before this was. */
  dag: string
  run: string
  attempt: number
  /** Records that all pages up to here held. */
  fetched: number
  /** ISO 8601 UTC. */
  at: string
}

/**
 * The last cursor of `source` in the project's compacted topic; null when it has none (or its tombstone). Only what is committed
 * counts (P4), and all that is: while another source's transaction is open before it, its end is waited for.
 */
export async function readCursor(kafka: CursorKafka, project: string, source: string, signal: AbortSignal): Promise<StoredCursor | null> {
  const topic = names.cursors(project)
  let last: Uint8Array | null = null
  await readCommitted(kafka, topic, signal, (batch) => {
    last = lastOf(batch, source, last)
  })
  return last && parseCursor(last, topic, source)
}

/** The last cursors of all sources, read as `readCursor` does; null: it cannot be read. */
export async function readCursors(kafka: CursorKafka, project: string, signal: AbortSignal): Promise<Map<string, StoredCursor | null>> {
  const topic = names.cursors(project)
  const cursors = new Map<string, StoredCursor | null>()
  await readCommitted(kafka, topic, signal, (batch) => {
    for (let i = 0; i < batch.count; i++) {
      const source = Buffer.from(bytesAt(batch, batch.keyAt, i) ?? []).toString('utf8')
      const value = bytesAt(batch, batch.valueAt, i)
      if (value === null) cursors.delete(source)
      else cursors.set(source, cursorOrNull(value, topic, source))
    }
  })
  return cursors
}

function cursorOrNull(bytes: Uint8Array, topic: string, source: string): StoredCursor | null {
  try {
    return parseCursor(bytes, topic, source)
  } catch {
    return null
  }
}

/** What reading cursors needs of Kafka. */
export interface CursorKafka extends Pick<SourceKafka, 'reader'> {
  admin: Pick<SourceKafka['admin'], 'listOffsets'>
}

async function readCommitted(kafka: CursorKafka, topic: string, signal: AbortSignal, take: (batch: Batch) => void): Promise<void> {
  const [end] = await kafka.admin.listOffsets([{ topic, partition: 0 }], 'latest')
  const reader = kafka.reader({ topic, from: 'earliest', maxWaitMs: 50, isolationLevel: 'read_committed' })
  try {
    do {
      for (const batch of await reader.poll({ signal })) take(batch)
      stopIfAborted(signal)
    } while (!hasRead(reader, end?.offset ?? 0n))
  } finally {
    await reader.close()
  }
}

function hasRead(reader: SourceReader, end: bigint): boolean {
  return reader.positions().every(({ partition, offset }) => partition !== 0 || offset >= end)
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

function parseCursor(bytes: Uint8Array, topic: string, source: string): StoredCursor {
  let problem = 'it is no cursor of this version of Millrace'
  try {
    const stored: { v?: unknown; cursor?: Json; dag?: unknown; run?: unknown; attempt?: unknown; fetched?: unknown; at?: unknown } | null =
      JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (isObject(stored) && stored['v'] === 1 && stored.cursor !== undefined) {
      const { cursor, dag, run, attempt, fetched, at } = stored
      const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
      const text = (value: unknown): string => (typeof value === 'string' ? value : '')
      return { v: 1, cursor, dag: text(dag), run: text(run), attempt: number(attempt), fetched: number(fetched), at: text(at) }
    }
  } catch (error) {
    problem = String(error)
  }
  // Never start anew in silence: that would read the whole source again.
  throw new MillraceError(
    'DATA_CORRUPT',
    `The last cursor of source ${source} in ${topic} cannot be read: ${problem}. To begin anew: millrace reset --source ${source}.`,
    {
      details: { topic, source },
    },
  )
}

/** The record that stores a cursor; sent in the transaction of its page (P4). */
export function cursorRecord(project: string, source: string, stored: StoredCursor): { topic: string; key: string; value: Uint8Array } {
  return { topic: names.cursors(project), key: source, value: Buffer.from(JSON.stringify(stored)) }
}

/** Follows the cursors of all sources of a project: how many records their committed pages held so far, crashes and retries included. */
export interface FetchedTotals {
  total(): Promise<number>
  close(): Promise<void>
}

export function followFetched(kafka: Pick<SourceKafka, 'reader'>, project: string): FetchedTotals {
  const topic = names.cursors(project)
  const reader = kafka.reader({ topic, from: 'earliest', maxWaitMs: 10, isolationLevel: 'read_committed' })
  const fetched = new Map<string, number>()
  const take = (batch: Batch): void => {
    for (let i = 0; i < batch.count; i++) {
      const key = bytesAt(batch, batch.keyAt, i)
      const value = bytesAt(batch, batch.valueAt, i)
      if (key === null) continue
      const source = Buffer.from(key).toString('utf8')
      fetched.set(source, value === null ? 0 : parseCursor(value, topic, source).fetched)
    }
  }
  const readOn = async (): Promise<number> => {
    // An empty poll, not the high watermark last seen: that one is as old as the last answer.
    for (let isEmpty = false; !isEmpty;) {
      const batches = await reader.poll({ signal: neverAborts })
      for (const batch of batches) take(batch)
      isEmpty = batches.length === 0 && reader.atEnd()
    }
    return [...fetched.values()].reduce((sum, count) => sum + count, 0)
  }
  // One reader: whoever asks while it reads gets the same answer.
  let reading: Promise<number> | null = null
  return {
    total: () =>
      (reading ??= readOn().finally(() => {
        reading = null
      })),
    close: () => reader.close(),
  }
}

const neverAborts = new AbortController().signal
