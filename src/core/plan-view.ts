import type { ErrorJson } from '../platform/errors.ts'
import type { ValueFormat } from './definitions.ts'

/** `unknown`: the system could not be asked; what would be done if nothing is there yet. */
export type Change = 'none' | 'change' | 'create' | 'remove' | 'refused' | 'unknown'

/** What a start, a reload or `millrace apply` would do to the systems. All of it JSON. */
export interface PlanView {
  project: string
  /** `refused` as soon as one thing is. */
  verdict: 'none' | 'changes' | 'refused'
  /** Why some of it is not known; empty: all is. */
  unknown: string[]
  topics: TopicChange[]
  schemas: SchemaChange[]
  tables: TableChange[]
  streams: StreamChange[]
  warnings: string[]
  /** Commands and statements for somebody with more rights. */
  administrator: string[]
}

export interface TopicChange {
  topic: string
  change: Change
  partitions: number
  /** Null for internal topics, and where it is not known. */
  format: ValueFormat | null
  /** Who says how values are written: the record kept of the topic, its records, the definition, the config, or the default. */
  formatBy: string | null
  /** How Kafka's own tool would make it. */
  command: string | null
  problems: string[]
}

export interface SchemaChange {
  subject: string
  change: Change
  /** The version that it is or becomes; null: refused, or not known. */
  version: number | null
  /** Set by the registry; null: it is new. */
  id: number | null
  /** `BACKWARD ok`, or why not. */
  compatibility: string
  added: string[]
  removed: string[]
  schema: string | null
  problems: string[]
}

export interface TableChange {
  table: string
  change: Change
  /** Exactly what is run. */
  statements: string[]
  error: ErrorJson | null
}

export interface StreamChange {
  stream: string
  topic: string
  table: string
  change: Change
  /** `steps before: filter-1; now: filter-1, map-2`. */
  because: string
}
