import type { Json } from '../../core/index.ts'
import { messageOf, MillraceError, type Clock } from '../../platform/index.ts'
import { isObject } from '../options-reader.ts'
import { Pacer } from '../pacer.ts'
import type { PolledPage, PolledSource } from '../polled-source.ts'
import { Random, seedWords } from '../seeded-random.ts'
import { unfitCursor } from '../unfit-cursor.ts'
import type { Generator } from './options.ts'

/** Records that are made, by seed and number: a page made again is the same (P4). The cursor is the next record's number. */
export function openGenerator(name: string, options: Generator, clock: Clock): PolledSource {
  const { for: forMs, every, records } = options
  const pages = options.pages ?? (forMs === null ? null : Math.max(1, Math.ceil(forMs / Math.max(1, every))))
  return {
    says: `records it makes by the seed "${options.seed ?? name}"`,
    expectedRecords: pages === null ? null : pages * records,
    read: (cursor, signal) => makePages(name, options, clock, cursor, signal),
  }
}

async function* makePages(name: string, options: Generator, clock: Clock, cursor: Json, signal: AbortSignal): AsyncGenerator<PolledPage> {
  const { every, for: forMs, records } = options
  const pages = options.pages ?? Number.POSITIVE_INFINITY
  const pacer = new Pacer(clock, { everyMs: every, forMs, minGapMs: 0 })
  let next = numberOf(name, cursor)
  for (let count = 0; count < pages; count++) {
    if (!(await pacer.nextPage(signal))) return
    const from = next
    next += records
    yield {
      records: Array.from({ length: records }, (_, i) => recordOf(name, options, from + i)),
      cursor: { next },
      label: String(from),
    }
  }
}

function numberOf(name: string, cursor: Json): number {
  if (cursor === null) return 0
  const next = isObject(cursor) ? cursor['next'] : undefined
  if (typeof next === 'number' && Number.isSafeInteger(next) && next >= 0) return next
  throw unfitCursor(name, cursor)
}

function recordOf(name: string, { make, seed }: Generator, n: number): Record<string, unknown> {
  let made: unknown
  try {
    made = make(n, new Random(seedWords(JSON.stringify([seed ?? name, n])), 0))
  } catch (error) {
    throw failed(name, n, `make threw: ${messageOf(error)}`, error)
  }
  if (isObject(made) && !(made instanceof Promise)) return made
  throw failed(name, n, 'make gave no object: return the record, an object of its fields')
}

function failed(source: string, n: number, what: string, cause?: unknown): MillraceError {
  return new MillraceError('SOURCE_FAILED', `Source ${source}, record ${n}: ${what}.`, {
    cause,
    retriable: false,
    details: { source, record: n },
  })
}
