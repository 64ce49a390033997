import type { Json, Source, SourcePage } from '../core/index.ts'
import type { MillraceError } from '../platform/index.ts'

/** A page with the name it has in logs and in the records' `millrace.page` header. */
export interface PolledPage extends SourcePage<Record<string, unknown>> {
  label: string
  /** When its first request was sent, milliseconds since 1970; left out where there is none. */
  startedMs?: number
  /**
   * Of a source that can tell whoever sent a record: told of one that the flow's steps or the topic's schema do not take, it gives the places
   * in the page of all that go with it, itself included, which are left out. Without it such a record fails the run. What it refuses may
   * change the page's cursor, which is asked for after that.
   */
  refuse?(index: number, error: MillraceError): readonly number[]
}

/** A source as the runner drives it. */
export interface PolledSource extends Source<Record<string, unknown>> {
  /** What is read, in words for the log, such as the server's address and why it was chosen. */
  readonly says: string
  /** Records that a run is expected to read, for progress; null when nobody can tell. */
  readonly expectedRecords: number | null
  read(cursor: Json | null, signal: AbortSignal): AsyncIterable<PolledPage>
}
