import type { AttemptId, DagView, FunctionRef, Json, Project, RunContext, RunDetail, RunView, TaskResult } from '../core/index.ts'
import type { Clock, Logger, MillraceError, Part } from '../platform/index.ts'
import type { StoreHealth } from './store/watched-store.ts'

export interface SchedulerOptions {
  /** The metadata store on SQLite, `metadata.sqlite`; created when missing. Not used when `metadataUrl` is given. */
  metadataPath: string
  /** The metadata store on PostgreSQL, `postgres://user:password@host:port/database`, for one scheduler or several. */
  metadataUrl?: string | null
  /** Names the schema (`millrace_<project>`) on PostgreSQL; a schema of another project is refused. */
  project?: string
  /** Who this is over restarts, for PostgreSQL: an earlier start of the same is known to be over. By default nobody knows. */
  instance?: string
  /** Called when the store is away at the start, and again when the reason changes; the start waits for it. */
  onWaiting?: (error: MillraceError) => void
  /** Ends that wait: CANCELLED. */
  giveUpWaiting?: AbortSignal
  /** Attempts' logs: `<logsDir>/<dag>/<run>/<task>/<attempt>.log`. */
  logsDir: string
  startAttempt: StartAttempt
  clock?: Clock
  log?: Logger
  /** Attempts that run at the same time, 4 by default. */
  maxConcurrentTasks?: number
  /** With several schedulers: how long the attempts of one that gives no sign of life stay its own. 30 s by default. */
  leaseMs?: number
  /** With several schedulers: how soon one notices what the others have left to do. 1 s by default. */
  pollMs?: number
}

/** What a running attempt tells the scheduler. Any call is a sign of life: one without any for five minutes is lost. */
export interface AttemptEvents {
  /** @param at milliseconds since 1970 */
  log(line: string, at: number): void
  progress(done: number, total: number | null): void
  xcom(key: string, value: Json): void
  heartbeat(): void
}

/** An attempt at work. `end` never rejects by contract; a rejection counts as lost. */
export interface StartedAttempt {
  end: Promise<AttemptEnd>
  /** Asks it to stop: its signal now, the process after `graceMs`. */
  cancel(reason: string, graceMs: number): void
}

export interface AttemptStart {
  attempt: AttemptId
  task: FunctionRef
  ctx: RunContext
  executionTimeoutMs: number | null
}

/** Given by `runtime`: runs one attempt in a child process. Must not throw; a dead child ends as `lost`. */
export type StartAttempt = (run: AttemptStart, on: AttemptEvents) => StartedAttempt

export type AttemptEnd = TaskResult | { is: 'lost'; reason: string } | { is: 'cancelled'; reason: string }

/** `taskId` is there when a task instance changed, else the run did. */
export interface ChangeEvent {
  dagId: string
  runId: string
  taskId?: string
  state: string
}

export interface TriggerOptions {
  /** Laid over the definition's. */
  params?: Record<string, Json>
  /** An id that exists already gives that run back, `created: false`. */
  runId?: string
  onlyIfNoRuns?: boolean
}

/** How the metadata store is; while it is away running tasks go on, and `unrecorded` of their results wait for it. */
export type SchedulerStore = StoreHealth & { unrecorded: number }

/** Every call rejects with METADATA_UNAVAILABLE (503) at once while the store is away, and within seconds when it does not answer. */
export interface SchedulerHandle extends Part {
  readonly store: SchedulerStore
  /** Owner epoch: bumped in the store at each start; results of another one are refused (P7). */
  readonly epoch: number
  /**
   * Takes the project's definitions and starts (or goes on) working. A definition that changed becomes a new version; where its functions
   * live (module, digest) is not part of that, but is taken over, so that retries run the bundle of today. DEFINITION_INVALID changes nothing.
   */
  register(project: Project): Promise<{ added: string[]; changed: string[]; removed: string[] }>
  /** Goes on with the definitions in the store, for when the pipeline files do not load. Without this or `register` nothing is started. */
  resume(): void
  /** NOT_FOUND names the dags there are. The run of a paused dag waits until it is unpaused. */
  trigger(dagId: string, options?: TriggerOptions): Promise<{ run: RunView; created: boolean }>
  dags(): Promise<DagView[]>
  /** Newest first; 100 when no limit is given. */
  runs(filter?: { dagId?: string; limit?: number }): Promise<RunView[]>
  run(dagId: string, runId: string): Promise<RunDetail | null>
  /** The run is failed with the reason, its running attempts are cancelled, the rest skipped. A run that has ended stays as it is. */
  cancelRun(dagId: string, runId: string, reason: string): Promise<RunView>
  /** A paused dag starts no runs; those that run go on to their end. */
  setPaused(dagId: string, paused: boolean): Promise<void>
  /** The latest attempt's log when none is named; null when there is no such attempt. */
  attemptLog(id: { dagId: string; runId: string; taskId: string; attempt?: number }): Promise<{ path: string; attempt: number } | null>
  /** A small fact of the project, such as the random-user seed: `initial` from the first that asks on, whoever asks at once. */
  setting(key: string, initial: string): Promise<string>
  /** Called after the change is in the store. Returns the canceller. */
  onChange(listener: (event: ChangeEvent) => void): () => void
}
