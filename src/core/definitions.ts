import type { Field } from './field-type.ts'
import type { Json } from './json.ts'

/**
 * A function of user code, by reference: what crosses a process boundary in place of the function.
 * `module` is the bundled file, `export` the exported stream or DAG, `node` the step or task in it, `digest` the SHA-256
 * of the bundle (hex), so that a child never runs another version than it was told.
 */
export interface FunctionRef {
  module: string
  export: string
  node: string
  digest: string
}

export interface SchemaDef {
  name: string
  fields: Field[]
  doc?: string
}

/** How a topic's values are written: Avro framed for a schema registry, or JSON. */
export type ValueFormat = 'avro' | 'json'

export interface TopicDef {
  name: string
  /** Name of the value's schema. */
  schema: string
  /** Fields whose values make the record key; empty when records have no key. */
  key: string[]
  partitions: number
  /** Left out: as the topic is written already, else what the config says of new topics. */
  format?: ValueFormat
  /** Replicas when it is created; left out: what `kafka.replicationFactor` says, else the cluster's default. */
  replicationFactor?: number
  /** Topic configs for creation, e.g. `retention.ms`. */
  configs: Record<string, string>
}

export interface TableDef {
  kind: 'cassandra'
  keyspace: string
  name: string
  schema: string
  columns: Field[]
  /** At least one column. */
  partitionKey: string[]
  clusteringKey: { column: string; order: 'asc' | 'desc' }[]
}

export interface RetryPolicy {
  retries: number
  /** First delay in ms; doubled each time up to `maxDelayMs`. */
  delayMs: number
  maxDelayMs: number
}

/** One step of a stream. `id` is unique in its topology and stable: logs, dead letters and metrics name it. */
export type StreamNode =
  | { id: string; is: 'source'; topic: string; startingOffsets: 'earliest' | 'latest' }
  | { id: string; is: 'map' | 'filter' | 'each' | 'validate'; fn: FunctionRef; retry: RetryPolicy; timeoutMs: number | null }
  | { id: string; is: 'sink'; table: string; autoCreate: boolean; autoEvolve: 'off' | 'add-columns' }

export interface Topology {
  name: string
  /** In order of flow; edges connect them by id. */
  nodes: StreamNode[]
  edges: [from: string, to: string][]
  /** Dead letters: the stream stops when more than `ratio` of the last `window` records, and at least `atLeast`, failed. */
  deadLetterLimit: { window: number; ratio: number; atLeast: number }
  commitIntervalMs: number
  /** Where it was written: file and line, for errors. */
  at: string | null
}

export interface TaskDef {
  id: string
  fn: FunctionRef
  /** Ids of tasks that run before this one. */
  upstream: string[]
  /** Ids of the tasks whose results are this one's arguments after `ctx`, in order. */
  inputs: string[]
  retries: number
  retryDelayMs: number
  retryExponentialBackoff: boolean
  maxRetryDelayMs: number
  executionTimeoutMs: number | null
  triggerRule: TriggerRule
}

export const triggerRules = [
  'all_success',
  'all_failed',
  'all_done',
  'all_skipped',
  'one_success',
  'one_failed',
  'one_done',
  'none_failed',
  'none_failed_min_one_success',
  'none_skipped',
  'always',
] as const
export type TriggerRule = (typeof triggerRules)[number]

export interface DagDef {
  id: string
  /** Cron expression, `@daily`-like preset, `every 10m`-like duration, or null: manual only. */
  schedule: string | null
  timezone: string
  catchup: boolean
  /** ISO 8601; null means from registration: nothing is run for the past. */
  startDate: string | null
  endDate: string | null
  maxActiveRuns: number
  timeoutMs: number | null
  params: Record<string, Json>
  tags: string[]
  owner: string | null
  tasks: TaskDef[]
  at: string | null
}

/** Everything a project's pipeline files define, as JSON. */
export interface Project {
  name: string
  schemas: SchemaDef[]
  topics: TopicDef[]
  tables: TableDef[]
  streams: (Topology & { fn: FunctionRef })[]
  dags: DagDef[]
}

/** `keyspace.table`: how sinks name a table. */
export function tableId(table: { keyspace: string; name: string }): string {
  return `${table.keyspace}.${table.name}`
}
