import type { ErrorJson } from '../platform/errors.ts'
import type { DeadLetterView } from './api-views.ts'
import type { FunctionRef, Project } from './definitions.ts'
import type { Endpoints } from './endpoints.ts'
import type { Json } from './json.ts'
import type { OauthToken } from './oauth-token.ts'
import type { SpanData } from './span-data.ts'

export interface AttemptId {
  dagId: string
  runId: string
  taskId: string
  /** From 1; an attempt that was lost is followed by the next number. */
  attempt: number
  /** Owner epoch of the supervisor that started it: results of another epoch are refused (P7). */
  epoch: number
}

/** What a task is told of its run. Times are ISO 8601 UTC. */
export interface RunContext {
  project: string
  dagId: string
  runId: string
  taskId: string
  attempt: number
  logicalDate: string
  dataInterval: { start: string; end: string }
  params: Record<string, Json>
  /** Results of the tasks it was called with, in order. */
  inputs: Json[]
  /** W3C Trace Context of the attempt, for requests of its own; not there while nothing is traced. */
  traceparent?: string
}

export type ToTask =
  | { is: 'run'; attempt: AttemptId; task: FunctionRef; ctx: RunContext; endpoints: Endpoints }
  | { is: 'cancel'; reason: string; graceMs: number }

export type TaskResult =
  | { is: 'ok'; value: Json }
  | { is: 'failed'; error: ErrorJson; retriable: boolean }
  | { is: 'skipped'; reason: string }
  | { is: 'deferred'; untilMs: number }

export type FromTask =
  | { is: 'ready' }
  | { is: 'heartbeat' }
  | { is: 'log'; line: string; at: number }
  | { is: 'end'; attempt: AttemptId; result: TaskResult }
  | { is: 'progress'; done: number; total: number | null }
  | { is: 'xcom'; key: string; value: Json }
  /** Spans that ended, where the attempt is traced. */
  | { is: 'spans'; spans: SpanData[] }

/** To a child that runs streams. */
export type ToStreams =
  | {
      is: 'start'
      project: Project
      streams: string[]
      endpoints: Endpoints
      /** Names the member in its consumer groups (KIP-345): a process that replaces a dead one takes its partitions over at once. */
      instance: string
    }
  /** Loads code ahead of a `start` that needs it. */
  | { is: 'prepare'; modules: FunctionRef[] }
  | { is: 'stop' }

export type StreamState =
  | { is: 'starting' }
  | { is: 'running' }
  | { is: 'retrying'; error: ErrorJson; sinceMs: number; attempt: number }
  | { is: 'stopped'; error: ErrorJson | null }

/** A stream as its worker sees it, sent on change and about once a second. Counts are since the worker started. */
export interface StreamStatus {
  stream: string
  state: StreamState
  recordsRead: number
  rowsWritten: number
  filtered: number
  deadLetters: number
  /** Records between the committed offset and the high watermark, all assigned partitions. */
  lag: number
  /** Committed offset by `topic/partition`. */
  committed: Record<string, string>
  lastDeadLetter: { reason: string; message: string; topic: string; partition: number; offset: string } | null
}

/** A stream before its worker has said anything. */
export function startingStatus(stream: string): StreamStatus {
  return {
    stream,
    state: { is: 'starting' },
    recordsRead: 0,
    rowsWritten: 0,
    filtered: 0,
    deadLetters: 0,
    lag: 0,
    committed: {},
    lastDeadLetter: null,
  }
}

export type FromStreams =
  | { is: 'ready' }
  | { is: 'status'; status: StreamStatus }
  | { is: 'log'; line: string; at: number }
  /** No loop of user code holds the process. */
  | { is: 'alive' }
  | { is: 'stopped' }

/** To the child that loads the author's files: the config first, its bundle when it has functions, then the pipelines it names. */
export type ToLoader =
  /** Loads what loading will need, ahead of time; is not answered. */
  | { is: 'warm'; projectDir: string }
  | { is: 'load-config'; path: string }
  | { is: 'keep-config'; path: string; bundlesDir: string }
  | { is: 'load-pipelines'; name: string; projectDir: string; bundlesDir: string; globs: string[] }

/**
 * `loading` names the file in hand, so that one that never returns can be named. A config comes unchecked: `runtime` parses
 * it; a function in it comes as `{ function: 'kafka.sasl.token' }`, its path.
 */
export type FromLoader =
  | { is: 'ready' }
  | { is: 'loading'; file: string }
  | { is: 'config'; config: Json }
  | { is: 'config-kept'; module: string; digest: string }
  /** `files`: absolute paths of all that was bundled. */
  | { is: 'loaded'; project: Project; warnings: string[]; files: string[] }
  | { is: 'failed'; error: ErrorJson }

/** To the child that runs a fix file (`millrace dlq replay --map`): the file first, bundled into `folder`, then letters one at a time. */
export type ToFixes = { is: 'load'; path: string; folder: string } | { is: 'fix'; letter: DeadLetterView }
/** `fixed`: the value to replay the letter with; null leaves it as it is. */
export type FromFixes = { is: 'ready' } | { is: 'loaded' } | { is: 'fixed'; value: Json } | { is: 'failed'; error: ErrorJson }

/** To the child that gives OAUTHBEARER tokens to a process that runs no user code. `id` comes back with the answer. */
export type ToTokens = { is: 'token'; id: number; fn: FunctionRef }
export type FromTokens = { is: 'ready' } | { is: 'token'; id: number; token: OauthToken } | { is: 'failed'; id: number; error: ErrorJson }
