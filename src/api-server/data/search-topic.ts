import { systemClock } from '../../platform/index.ts'
import type { StartingPoint } from '../../kafka-client/index.ts'
import type { ServerEvent } from '../http/route.ts'
import { openReader, type ReadOptions } from './read-topic.ts'
import { recordView, type RecordView } from './records.ts'

export interface SearchFor {
  /** In small letters; found anywhere in the text. */
  readonly text: string
  readonly where: 'anywhere' | 'key' | 'value' | 'header'
  readonly from: StartingPoint
  /** How many hits are enough; the search says then where it stopped. */
  readonly limit: number
}

const progressEveryMs = 250

/**
 * An honest search: it reads record by record and says how far it is. Events: `hit`, a record; `progress`, `{ scanned, total, hits }`; at the
 * end `done` with `{ scanned, total, hits, complete }`. What is hidden from the asker is not found either.
 */
export async function* searchTopic(options: ReadOptions, search: SearchFor): AsyncGenerator<ServerEvent> {
  const { signal } = options
  await using reader = openReader(options, search.from)
  let scanned = 0
  let hits = 0
  let total = 0
  let toldMs = systemClock.monotonicMs()
  const state = (): { scanned: number; total: number; hits: number } => ({ scanned, total: Math.max(total, scanned), hits })
  do {
    const batches = await reader.poll({ signal })
    if (total === 0)
      total = leftToRead(
        reader.positions(),
        batches.reduce((sum, { count }) => sum + count, 0),
      )
    for (const batch of batches) {
      await options.values.makeReadyFor(batch, signal)
      for (let i = 0; i < batch.count && hits < search.limit; i++) {
        scanned++
        const record = recordView(batch, i, options.values, options.masking)
        if (!isHit(record, search)) continue
        hits++
        yield { event: 'hit', data: record }
      }
    }
    if (systemClock.monotonicMs() - toldMs >= progressEveryMs) {
      toldMs = systemClock.monotonicMs()
      yield { event: 'progress', data: state() }
    }
  } while (hits < search.limit && !reader.atEnd() && !signal.aborted)
  yield { event: 'done', data: { ...state(), complete: hits < search.limit } }
}

function leftToRead(positions: readonly { offset: bigint; highWatermark: bigint }[], read: number): number {
  return positions.reduce((sum, { offset, highWatermark }) => sum + Math.max(0, Number(highWatermark - offset)), read)
}

function isHit({ key, value, headers }: RecordView, { text, where }: SearchFor): boolean {
  const has = (found: string | null | undefined): boolean => found?.toLowerCase().includes(text) ?? false
  const inKey = (where === 'anywhere' || where === 'key') && has(key?.text)
  const inValue = (where === 'anywhere' || where === 'value') && has(value?.text)
  return (
    inKey || inValue || ((where === 'anywhere' || where === 'header') && headers.some((header) => has(header.key) || has(header.value)))
  )
}
