import type { ErrorJson } from '../platform/errors.ts'
import type { Json } from './json.ts'

/** A cancelled run is `failed`, with the reason. */
export type RunState = 'queued' | 'running' | 'success' | 'failed'

/**
 * Airflow's task states. `scheduled` is ready and waiting for a slot. `queued` (claimed, not yet in a process) and
 * `removed` are part of the vocabulary; one supervisor that starts its own children passes neither.
 */
export type TaskState =
  | 'none'
  | 'scheduled'
  | 'queued'
  | 'running'
  | 'deferred'
  | 'up_for_retry'
  | 'success'
  | 'failed'
  | 'upstream_failed'
  | 'skipped'
  | 'removed'

/** `cancelled`: by a person, a run's time-out or a shutdown (the reason says which); `lost`: its process died or went silent. */
export type AttemptState = 'running' | 'success' | 'failed' | 'timed_out' | 'skipped' | 'deferred' | 'lost' | 'cancelled'

export interface DagView {
  id: string
  schedule: string | null
  paused: boolean
  /** ISO 8601 UTC: when the next scheduled run is due; null without one. */
  nextRun: string | null
  lastRun: RunView | null
  runCount: number
  tasks: string[]
  owner: string | null
  tags: string[]
  version: number
}

/** Times are ISO 8601 UTC. */
export interface RunView {
  dagId: string
  runId: string
  state: RunState
  /** Why it failed or was cancelled. */
  reason: string | null
  trigger: 'manual' | 'scheduled'
  logicalDate: string
  dataInterval: { start: string; end: string }
  queuedAt: string
  startedAt: string | null
  endedAt: string | null
  params: Record<string, Json>
  /** The version of the definition it runs, from its start to its end. */
  dagVersion: number
}

export interface AttemptView {
  attempt: number
  state: AttemptState
  reason: string | null
  startedAt: string
  endedAt: string | null
  logPath: string
}

export interface TaskInstanceView {
  taskId: string
  state: TaskState
  /** The latest attempt's number, 0 before the first. */
  attempt: number
  startedAt: string | null
  endedAt: string | null
  /** When a task that waits (`up_for_retry`, `deferred`) goes on. */
  wakesAt: string | null
  progress: { done: number; total: number | null } | null
  error: ErrorJson | null
  attempts: AttemptView[]
}

export interface RunDetail extends RunView {
  /** In the order of the definition. */
  tasks: TaskInstanceView[]
}
