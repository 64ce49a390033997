import { z } from 'zod'
import type { DagView, DoctorReport, Json, RunView, SettledLetter } from '../../core/index.ts'
import { alertView } from './alert-views.ts'

/** The answers of the API as schemas, from which OpenAPI is made; a type test holds them to the types in `core`. */

const json: z.ZodType<Json> = z.json()
const time = z.string().meta({ format: 'date-time' })
const count = z.int().nullable()

const error = z.object({
  code: z.string(),
  message: z.string(),
  retriable: z.boolean(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  cause: z.string().optional(),
})

export const runView = z.object({
  dagId: z.string(),
  runId: z.string(),
  state: z.enum(['queued', 'running', 'success', 'failed']),
  reason: z.string().nullable(),
  trigger: z.enum(['manual', 'scheduled']),
  logicalDate: time,
  dataInterval: z.object({ start: time, end: time }),
  queuedAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  params: z.record(z.string(), json),
  dagVersion: z.int(),
}) satisfies z.ZodType<RunView>

const attempt = z.object({
  attempt: z.int(),
  state: z.enum(['running', 'success', 'failed', 'timed_out', 'skipped', 'deferred', 'lost', 'cancelled']),
  reason: z.string().nullable(),
  startedAt: time,
  endedAt: time.nullable(),
  logPath: z.string(),
})

const taskInstance = z.object({
  taskId: z.string(),
  state: z.enum([
    'none',
    'scheduled',
    'queued',
    'running',
    'deferred',
    'up_for_retry',
    'success',
    'failed',
    'upstream_failed',
    'skipped',
    'removed',
  ]),
  attempt: z.int(),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  wakesAt: time.nullable(),
  progress: z.object({ done: z.number(), total: z.number().nullable() }).nullable(),
  error: error.nullable(),
  attempts: z.array(attempt),
})

export const runDetail = runView.extend({ tasks: z.array(taskInstance) })

export const dagView = z.object({
  id: z.string(),
  schedule: z.string().nullable(),
  paused: z.boolean(),
  nextRun: time.nullable(),
  lastRun: runView.nullable(),
  runCount: z.int(),
  tasks: z.array(z.string()),
  owner: z.string().nullable(),
  tags: z.array(z.string()),
  version: z.int(),
}) satisfies z.ZodType<DagView>

const streamStatus = z.object({
  stream: z.string(),
  state: z.discriminatedUnion('is', [
    z.object({ is: z.literal('starting') }),
    z.object({ is: z.literal('running') }),
    z.object({ is: z.literal('retrying'), error, sinceMs: z.number(), attempt: z.int() }),
    z.object({ is: z.literal('stopped'), error: error.nullable() }),
  ]),
  recordsRead: z.int(),
  rowsWritten: z.int(),
  filtered: z.int(),
  deadLetters: z.int(),
  lag: z.int(),
  committed: z.record(z.string(), z.string()),
  lastDeadLetter: z
    .object({ reason: z.string(), message: z.string(), topic: z.string(), partition: z.int(), offset: z.string() })
    .nullable(),
})

const partView = z.object({
  name: z.enum(['kafka', 'cassandra', 'registry', 'scheduler', 'streams', 'random-user']),
  is: z.enum(['embedded', 'remote']),
  address: z.string(),
  state: z.enum(['ok', 'failed']),
  detail: z.string(),
})

export const statusView = z.object({
  project: z.string(),
  projectDir: z.string(),
  dataDir: z.string(),
  pid: z.int(),
  startedAt: time,
  parts: z.array(partView),
  loadError: error.nullable(),
  warnings: z.array(z.string()),
  flows: z.array(
    z.object({
      stream: z.string(),
      topic: z.string(),
      table: z.string(),
      fetched: count,
      inTopic: count,
      inTable: count,
      deadLetters: count,
      lag: count,
    }),
  ),
  streams: z.array(streamStatus),
  alerts: z.array(alertView),
})

export const doctorReport = z.object({
  summary: z.string(),
  healthy: z.boolean(),
  steps: z.array(
    z.object({
      at: z.enum(['pipeline', 'metadata', 'registry', 'source', 'topic', 'stream', 'table']),
      name: z.string(),
      state: z.enum(['ok', 'waiting', 'stopped']),
      found: z.string(),
      because: z.string().nullable(),
    }),
  ),
  administrator: z.array(z.string()),
}) satisfies z.ZodType<DoctorReport>

const deadLetterState = z.enum(['open', 'replayed', 'discarded'])

export const deadLetterView = z.object({
  id: z.string(),
  stream: z.string(),
  stage: z.string(),
  message: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.string(),
  at: time,
  key: z.string().nullable(),
  value: z.string().nullable(),
  valueIsBase64: z.boolean(),
  schemaId: z.int().optional(),
  headers: z.array(z.object({ key: z.string(), value: z.string().nullable() })),
  step: z.string(),
  errorClass: z.string(),
  stack: z.string().nullable(),
  state: deadLetterState,
  settled: z.object({ by: z.string(), at: time, to: z.string().nullable() }).nullable(),
  replays: z.int(),
  replayOf: z.string().nullable(),
  masked: z.literal(true).optional(),
})

export const deadLetterDetail = deadLetterView.extend({
  keyBytes: z.string().nullable(),
  valueBytes: z.string().nullable(),
  sizeBytes: z.int(),
  landed: z.enum(['waiting', 'processed', 'failed']).nullable(),
  failedAs: z.string().nullable(),
})

export const deadLetterPage = z.object({
  letters: z.array(deadLetterView),
  next: z.string().nullable(),
  counts: z.object({ open: z.int(), replayed: z.int(), discarded: z.int(), failedAgain: z.int() }),
  reasons: z.array(z.object({ reason: z.string(), count: z.int() })),
})

export const settledLetter = z.discriminatedUnion('is', [
  z.object({
    id: z.string(),
    is: z.enum(['replayed', 'discarded']),
    by: z.string(),
    at: time,
    to: z.string().nullable(),
    wasAlready: z.boolean(),
  }),
  z.object({ id: z.string(), is: z.literal('missing') }),
]) satisfies z.ZodType<SettledLetter>

export const logChunk = z.object({
  attempt: z.int(),
  text: z.string(),
  next: z.int().meta({ description: 'byte to go on from' }),
  sizeBytes: z.int(),
})
