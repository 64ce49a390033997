import type { Json, Source, SourcePage } from '../core/index.ts'

/** A page with the name it has in logs and in the records' `millrace.page` header. */
export interface PolledPage extends SourcePage<Record<string, unknown>> {
  label: string
  /** When its first request was sent, milliseconds since 1970. */
  startedMs: number
}

/** A source as the runner drives it. */
export interface PolledSource extends Source<Record<string, unknown>> {
  /** What is read, in words for the log, such as the server's address and why it was chosen. */
  readonly says: string
  /** Records that a run is expected to read, for progress; null when nobody can tell. */
  readonly expectedRecords: number | null
  read(cursor: Json | null, signal: AbortSignal): AsyncIterable<PolledPage>
}
