import type { AttemptState, RunState, TaskState } from '../../core/index.ts'

/** Times are milliseconds since 1970, flags 0 or 1, JSON is text: the same on SQLite and PostgreSQL. */
export interface Tables {
  owner: OwnerTable
  scheduler: SchedulerTable
  dag: DagTable
  dag_version: DagVersionTable
  dag_run: DagRunTable
  task_instance: TaskInstanceTable
  task_attempt: TaskAttemptTable
  xcom: XcomTable
  setting: SettingTable
}

/** One row, id 1: the last epoch that was given out. */
export interface OwnerTable {
  id: number
  epoch: number
}

/** A start of a scheduler. Of one instance (a data folder, held by one process) the highest epoch is alive, if any. */
export interface SchedulerTable {
  epoch: number
  instance: string
  started_at: number
}

export interface DagTable {
  id: string
  project: string
  /** The version that new runs take. */
  version: number
  /** 1 while a pipeline file defines it. */
  present: number
  paused: number
  /** Scheduled runs never start before this; intervals of a duration are counted from it. Null without a schedule. */
  schedule_start: number | null
  /** End of the last data interval that a run was made for. */
  schedule_cursor: number | null
}

export interface DagVersionTable {
  dag_id: string
  version: number
  /** The definition without where its functions live: two that are equal in this are one version. */
  shape: string
  /** DagDef as JSON. */
  definition: string
  created_at: number
}

export interface DagRunTable {
  dag_id: string
  run_id: string
  version: number
  state: RunState
  reason: string | null
  trigger: 'manual' | 'scheduled'
  logical_date: number
  interval_start: number
  interval_end: number
  queued_at: number
  started_at: number | null
  ended_at: number | null
  params: string
}

export interface TaskInstanceTable {
  dag_id: string
  run_id: string
  task_id: string
  /** Its place in the definition. */
  position: number
  state: TaskState
  /** Number of the latest attempt, 0 before the first. */
  attempt: number
  /** Attempts that failed and so used up a retry. */
  failures: number
  lost_in_row: number
  /** When `up_for_retry` or `deferred` ends. */
  wake_at: number | null
  started_at: number | null
  ended_at: number | null
  /** ErrorJson of the latest failure. */
  error: string | null
  progress_done: number | null
  progress_total: number | null
}

export interface TaskAttemptTable {
  dag_id: string
  run_id: string
  task_id: string
  attempt: number
  /** Owner epoch of the scheduler that claimed it (P7). */
  epoch: number
  state: AttemptState
  reason: string | null
  started_at: number
  ended_at: number | null
  /** By the store's clock. Kept by its owner while it lives; after it, another scheduler on the same store takes the attempt for lost. */
  lease_until: number
}

export interface XcomTable {
  dag_id: string
  run_id: string
  task_id: string
  /** `return_value` is the task's result. */
  key: string
  value: string
}

export interface SettingTable {
  key: string
  value: string
}
