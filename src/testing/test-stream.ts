import { definition, type Defined, type Header, type LoadedDefinition, type StreamState } from '../core/index.ts'
import type { Payload } from '../streams/index.ts'
import type { RefusesRow } from './memory-table.ts'

/** A stream as `stream(…).from(…).to(…)` of `millrace` makes it. */
export interface TestableStream<In, Row> extends Defined<Extract<LoadedDefinition, { is: 'stream' }>> {
  readonly accepts?: (value: In) => void
  readonly gives?: () => Row
}

export interface TestStreamOptions {
  /** Where the clock begins, ms since 1970. Default: 2026-01-01T00:00:00Z. */
  startMs?: number
}

interface PushedAround {
  /** Default: that of the topic's key fields in the value; with `raw`, the text `raw`. Null: none. */
  key?: string | null
  /** Record time, ms since 1970. Default: what the clock says. −1: the producer gave none. */
  timestampMs?: number
  headers?: Readonly<Record<string, string>> | readonly Header[]
  /** Default: by the key's hash, as Kafka's clients do. */
  partition?: number
}

/** A record for a stream: a value, which is written as a producer does; or `raw` bytes or text, be they what they may (null: a tombstone). */
export type PushedRecord<In> = PushedAround & ({ value: In; raw?: never } | { raw: string | Uint8Array | null; value?: never })

/** A record that failed, and why (P5). */
export interface TestDeadLetter {
  /** `decode`, `validate`, `step` or `sink`. */
  reason: string
  message: string
  /** Id of the step where it failed; `source` and `sink` are the stream's ends. */
  step: string
  /** Class of what was thrown, or an error code. */
  errorClass: string
  /** The record as it was pushed. */
  original: {
    topic: string
    partition: number
    offset: bigint
    key: string | null
    value: Payload | null
    headers: Header[]
    timestampMs: number
  }
}

/** A stream that runs in a test. */
export interface StreamTest<In, Row> extends AsyncDisposable {
  /**
   * Resolves when all that was pushed is a row, filtered or a dead letter, or when what is left waits for the clock to try again
   * (`state` says why when it is the table). Steps that are pending are waited for. Rejects with what stopped the stream (DEAD_LETTER_LIMIT, say).
   */
  push(records: readonly PushedRecord<In>[]): Promise<void>
  /** The table's rows in the order of its key. @param table `keyspace.table`; only the stream's own is there */
  rows(table?: string): Row[]
  /** @param key the value of the key column, or an object with all of them */
  row(key: string | number | boolean | Partial<Row>): Row | null
  /** Oldest first. */
  deadLetters(): TestDeadLetter[]
  /** `running`, `retrying` with the reason, or `stopped`. */
  readonly state: StreamState
  readonly clock: {
    nowMs(): number
    /** Moves the clock; resolves as `push` does. Retries of table and steps come in time: those of a table at most 2 s apart. */
    advance(ms: number): Promise<void>
  }
  /** A number: the table is away for the next so many writes. A function: rows it says true of, or why, are refused (dead letters). */
  failSink(how: number | RefusesRow<Row>): void
}

/**
 * Runs a stream as it is, without broker and table: the code that decodes, validates, runs the steps, sets write times, retries and
 * makes dead letters is that of `millrace start`. Only Kafka, the table and the clock are in memory; values are JSON.
 * @throws MillraceError DEFINITION_INVALID naming the step that is wrong
 */
export async function testStream<In, Row>(
  stream: TestableStream<In, Row>,
  { startMs }: TestStreamOptions = {},
): Promise<StreamTest<In, Row>> {
  // Tests that want a server alone do not wait for the streams' code.
  const { runStreamTest } = await import('./stream-test.ts')
  return runStreamTest<In, Row>(stream[definition].stream, startMs)
}
