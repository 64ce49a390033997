import type { DeadLetterView, Json, Project } from '../../core/index.ts'
import type { ApiPorts } from '../ports.ts'
import type { RecordView } from './records.ts'
import type { DataSystems } from './systems.ts'

export interface FollowedVersion {
  record: RecordView
  /** The run that fetched it, as its headers say; null when another program produced it. */
  run: { run: string; attempt: number; page: string | null } | null
  /** Whether the stream has committed past it. */
  processed: boolean
  /** Groups that have committed past it, where no stream says which matters. */
  readBy: string[]
  deadLetter: DeadLetterView | null
}

export interface FollowedFlow {
  /** Null, with either topic or table: there are no streams to say where to look. */
  stream: string | null
  topic: string | null
  table: string | null
  /** The newest, oldest first: not all of many or large ones. */
  versions: FollowedVersion[]
  /** How many there were. */
  found: number
  /** The table's row of this key; null: there is none. */
  row: { [column: string]: Json } | null
  /** Why the table could not be asked by this key. */
  rowError: string | null
  /** How much of the topic was looked at, and whether that was all. */
  scanned: number
  complete: boolean
}

/** What is looked for, for whom, and where. */
export interface Following {
  readonly systems: DataSystems
  readonly ports: Pick<ApiPorts, 'deadLetters'>
  readonly project: Project
  /** The project with what was ever personal in it. */
  readonly masking: Project
  readonly key: string
  readonly hidePersonal: boolean
  readonly signal: AbortSignal
}
