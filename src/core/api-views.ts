import type { ErrorJson } from '../platform/errors.ts'
import type { AlertView } from './alert-views.ts'
import type { Endpoints } from './endpoints.ts'
import type { StreamStatus } from './task-messages.ts'

/** What the API tells of a running Millrace; the CLI prints it, the console shows it. All of it JSON. */

export interface PartView {
  name: 'kafka' | 'cassandra' | 'registry' | 'scheduler' | 'streams' | 'random-user'
  is: 'embedded' | 'remote'
  address: string
  state: 'ok' | 'failed'
  /** Why it failed, or a word on it (which RandomUser server and why). */
  detail: string
}

/** Source → topic → stream → table, in numbers. A count is null while its system cannot be asked. */
export interface FlowCounts {
  stream: string
  topic: string
  table: string
  /** Records fetched by the runs of the DAGs of this project that the metadata store knows. */
  fetched: number | null
  inTopic: number | null
  inTable: number | null
  deadLetters: number | null
  /** False while the records in the topic, or the dead letters, are counted by their offsets: markers of transactions take some too. */
  isExact: boolean
  /** Offsets between the committed one and the end of what is committed in the topic: 0 when all of it has been read. */
  lag: number | null
}

export interface StatusView {
  project: string
  projectDir: string
  dataDir: string
  pid: number
  startedAt: string
  parts: PartView[]
  /** Set while the pipeline files do not load: file, line and what is wrong. */
  loadError: ErrorJson | null
  warnings: string[]
  flows: FlowCounts[]
  streams: StreamStatus[]
  /** Those that fire. */
  alerts: AlertView[]
}

/**
 * Addresses with their credentials, for the command line, which speaks to the systems itself; the only answer that carries
 * secrets, and only over the socket that the user who started Millrace can open (mode 0600, P8). No more than it needs.
 */
export interface EndpointsView {
  /** Null: the console alone, of no project. */
  project: string | null
  endpoints: Pick<Endpoints, 'kafka' | 'cassandra' | 'registry'>
}

export interface DoctorStep {
  at: 'pipeline' | 'metadata' | 'registry' | 'source' | 'topic' | 'stream' | 'table'
  name: string
  state: 'ok' | 'waiting' | 'stopped'
  /** What was found, in numbers. */
  found: string
  /** Why it stops here, and what to do; null when it does not. */
  because: string | null
}

export interface DoctorReport {
  /** `60 fetched · 60 in topic · 0 in table: load_users stopped at offset 0, because …` */
  summary: string
  healthy: boolean
  steps: DoctorStep[]
  /** Commands for somebody with the rights that Millrace lacks, in order; empty when nothing is missing. */
  administrator: string[]
}

export interface DeadLetterView {
  /** Position in the dead-letter topic: `partition:offset`. */
  id: string
  stream: string
  stage: string
  message: string
  topic: string
  partition: number
  offset: string
  at: string
  key: string | null
  /** The original value as text; base64 when it is not UTF-8. */
  value: string | null
  valueIsBase64: boolean
  /** The value was Avro with this schema; `value` is its JSON form. */
  schemaId?: number
  headers: { key: string; value: string | null }[]
  /** Id of the step where it failed, class and stack of what was thrown. */
  step: string
  errorClass: string
  stack: string | null
  state: DeadLetterState
  /** Who settled it, when, and for a replay where it went (`topic:partition:offset`); null while it is open. */
  settled: { by: string; at: string; to: string | null } | null
  /** How often its record has been replayed, and which letter it was before. */
  replays: number
  replayOf: string | null
  /** Personal fields, and what may tell of them, are hidden in it. */
  masked?: true
}

export type DeadLetterState = 'open' | 'replayed' | 'discarded'

export interface DeadLetterDetail extends DeadLetterView {
  /** Key and value as they are, base64; null: there is none, or it is hidden. */
  keyBytes: string | null
  valueBytes: string | null
  sizeBytes: number
  /**
   * What became of the replay: `waiting` for the stream, `processed` (written, or filtered by a step; a newer version of its row stays), or
   * `failed` again: then `failedAs` is the new letter. Null: it was not replayed.
   */
  landed: 'waiting' | 'processed' | 'failed' | null
  failedAs: string | null
}

export interface DeadLetterPage {
  /** Newest first. */
  letters: DeadLetterView[]
  /** For `before`, to go on; null: there are no older ones. */
  next: string | null
  /** Of all letters of the stream; `failedAgain` are those of the open ones whose record was replayed before. */
  counts: Record<DeadLetterState | 'failedAgain', number>
  /** Of those in the state that was asked for, most first. */
  reasons: { reason: string; count: number }[]
}

/** What was done with each letter that was named. */
export type SettledLetter =
  | { id: string; is: 'replayed' | 'discarded'; by: string; at: string; to: string | null; wasAlready: boolean }
  | { id: string; is: 'missing' }
