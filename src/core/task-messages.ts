import type { ErrorJson } from '../platform/errors.ts'
import type { FunctionRef, Project } from './definitions.ts'
import type { Json } from './json.ts'

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
}

/** Where the systems are: ours or someone's cluster, nobody below `runtime` knows. Secrets travel in it; never log it. */
export interface Endpoints {
  kafka: { bootstrapServers: string[]; sasl?: { mechanism: 'PLAIN'; username: string; password: string } }
  cassandra: {
    contactPoints: string[]
    localDataCenter: string
    consistency: Consistency
    credentials?: { username: string; password: string }
  }
  registryUrl: string | null
  randomUser: RandomUserEndpoint
}
export type Consistency = 'ONE' | 'LOCAL_ONE' | 'QUORUM' | 'LOCAL_QUORUM' | 'ALL'

/** Which RandomUser server is in use, why, and the seed made once per project. */
export interface RandomUserEndpoint {
  url: string
  is: 'live' | 'local'
  why: string
  seed: string
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
  { is: 'ready' } | { is: 'status'; status: StreamStatus } | { is: 'log'; line: string; at: number } | { is: 'stopped' }

/** To the child that loads the author's files: the config first, then the pipelines it names. */
export type ToLoader =
  { is: 'load-config'; path: string } | { is: 'load-pipelines'; name: string; projectDir: string; bundlesDir: string; globs: string[] }

/** `loading` names the file in hand, so that one that never returns can be named. A config comes unchecked: `runtime` parses it. */
export type FromLoader =
  | { is: 'ready' }
  | { is: 'loading'; file: string }
  | { is: 'config'; config: Json }
  | { is: 'loaded'; project: Project; warnings: string[] }
  | { is: 'failed'; error: ErrorJson }
