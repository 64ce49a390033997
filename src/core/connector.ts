import type { MillraceError } from '../platform/errors.ts'
import type { Batch } from './batch.ts'
import type { Json } from './json.ts'

/** What became of one row: written, or refused for itself while its neighbours could be written (a dead letter, P5). */
export type Outcome = { is: 'written' } | { is: 'refused'; error: MillraceError }

export type SinkResult = { is: 'done'; outcomes: Outcome[] } | { is: 'unavailable'; error: MillraceError; retryAfterMs?: number }

/**
 * Where rows go. `write` returns one outcome per row in the same order, or says that the system itself is away:
 * then nothing may be assumed written, and the same rows are written again later (P6). Writing a row twice with the same
 * write time must leave what writing it once leaves (P2).
 */
export interface Sink<R> {
  /** @param rowToRecord index in `from` of each row's record */
  write(rows: readonly R[], from: Batch, rowToRecord: Uint32Array, signal: AbortSignal): Promise<SinkResult>
  close(): Promise<void>
}

/** One page of a source and the cursor that says where the next page begins. */
export interface SourcePage<R> {
  records: R[]
  cursor: Json
}

/**
 * Where records come from. Reading again from a page's previous cursor gives the same records with the same keys, where the source can read
 * again (P4). Who is asked for the next page knows that the one before it and its cursor are committed.
 */
export interface Source<R> {
  read(cursor: Json | null, signal: AbortSignal): AsyncIterable<SourcePage<R>>
}

/** A source as data: which connector, the cursor's name, and its resolved options. */
export interface SourceSpec {
  connector: string
  /** Names the cursor; unique within a project. */
  name: string
  options: { [key: string]: Json }
}
