import { z } from 'zod'
import type { Json } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { Principal } from '../access/roles.ts'
import { hidesPersonal, withheld, withheldRun, withheldRunDetail } from '../data/withheld.ts'
import { answer, events, type Route, type ServerEvent } from '../http/route.ts'
import type { ApiPorts } from '../ports.ts'
import { dagView, logChunk, runDetail, runView } from '../schemas/views.ts'
import { followLog, readLog } from '../task-log.ts'

const json: z.ZodType<Json> = z.json()
const dagParams = z.object({ dag: z.string() })
const runParams = z.object({ dag: z.string(), run: z.string() })
const taskParams = z.object({ dag: z.string(), run: z.string(), task: z.string() })
const triggerBody = z.strictObject({
  params: z.record(z.string(), json).optional(),
  runId: z.string().min(1).max(200).optional(),
  onlyIfNoRuns: z.boolean().optional(),
})
const runsQuery = z.strictObject({ dag: z.string().optional(), limit: z.coerce.number().int().min(1).max(1_000).default(25) })
const attempt = z.coerce.number().int().min(1).optional()
const logQuery = z.strictObject({ attempt, from: z.coerce.number().int().min(0).default(0) })
const cancelBody = z.strictObject({ reason: z.string().max(500).default('cancelled by hand') })

type TaskId = z.infer<typeof taskParams>

type Hides = (principal: Principal) => boolean

export function dagRoutes({ scheduler, masking }: Pick<ApiPorts, 'scheduler' | 'masking'>): Route[] {
  const hides: Hides = (principal) => hidesPersonal(principal, masking())
  return [...definitionRoutes(scheduler, hides), ...runRoutes(scheduler, hides), ...logRoutes(scheduler, hides)]
}

function definitionRoutes(scheduler: ApiPorts['scheduler'], hides: Hides): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/dags',
      summary: 'The DAGs, each with its last run',
      role: 'viewer',
      response: z.array(dagView),
      handle: async ({ principal }) => {
        const dags = await scheduler.dags()
        return hides(principal) ? dags.map((dag) => ({ ...dag, lastRun: dag.lastRun && withheldRun(dag.lastRun) })) : dags
      },
    }),
    answer({
      method: 'POST',
      path: '/dags/:dag/runs',
      summary: 'Triggers a run',
      role: 'operator',
      action: 'dag.trigger',
      params: dagParams,
      body: triggerBody,
      response: z.object({ run: runView, created: z.boolean() }),
      handle: async ({ params: { dag }, body: { params, runId, onlyIfNoRuns }, note }) => {
        const result = await scheduler.trigger(dag, {
          ...(params ? { params } : {}),
          ...(runId === undefined ? {} : { runId }),
          ...(onlyIfNoRuns === undefined ? {} : { onlyIfNoRuns }),
        })
        note({ target: `${dag}/${result.run.runId}`, after: { params: params ?? {} } })
        return result
      },
    }),
    answer({
      method: 'PUT',
      path: '/dags/:dag/paused',
      summary: 'Pauses a DAG, or lets it go on',
      role: 'operator',
      action: 'dag.pause',
      params: dagParams,
      body: z.strictObject({ paused: z.boolean() }),
      response: z.object({ paused: z.boolean() }),
      handle: async ({ params: { dag }, body: { paused }, note }) => {
        note({ before: { paused: (await scheduler.dags()).find(({ id }) => id === dag)?.paused ?? null }, after: { paused } })
        await scheduler.setPaused(dag, paused)
        return { paused }
      },
    }),
  ]
}

function runRoutes(scheduler: ApiPorts['scheduler'], hides: Hides): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/runs',
      summary: 'Runs, newest first',
      role: 'viewer',
      query: runsQuery,
      response: z.array(runView),
      handle: async ({ query: { dag, limit }, principal }) => {
        const runs = await scheduler.runs({ limit, ...(dag === undefined ? {} : { dagId: dag }) })
        return hides(principal) ? runs.map(withheldRun) : runs
      },
    }),
    answer({
      method: 'GET',
      path: '/dags/:dag/runs/:run',
      summary: 'A run with its tasks and their attempts',
      role: 'viewer',
      params: runParams,
      response: runDetail,
      handle: async ({ params: { dag, run }, principal }) => {
        const found = (await scheduler.run(dag, run)) ?? notFound(`run ${run} of DAG ${dag}`)
        return hides(principal) ? withheldRunDetail(found) : found
      },
    }),
    answer({
      method: 'POST',
      path: '/dags/:dag/runs/:run/cancel',
      summary: 'Cancels a run: running attempts are ended, the rest is skipped',
      role: 'operator',
      action: 'run.cancel',
      params: runParams,
      body: cancelBody,
      response: runView,
      handle: async ({ params: { dag, run }, body: { reason }, note }) => {
        const cancelled = await scheduler.cancelRun(dag, run, reason)
        note({ after: { state: cancelled.state, reason } })
        return cancelled
      },
    }),
  ]
}

function logRoutes(scheduler: ApiPorts['scheduler'], hides: Hides): Route[] {
  const logOf = async ({ dag, run, task }: TaskId, attempt: number | undefined): Promise<{ path: string; attempt: number }> =>
    (await scheduler.attemptLog({ dagId: dag, runId: run, taskId: task, ...(attempt === undefined ? {} : { attempt }) })) ??
    notFound(`log of task ${task} in run ${run} of DAG ${dag}`)

  async function* tellWithheld(id: TaskId, query: z.infer<typeof logQuery>): AsyncGenerator<ServerEvent> {
    await logOf(id, query.attempt)
    yield { event: 'text', data: { text: `${withheld}\n` } }
    yield { event: 'end', data: {} }
  }
  async function* follow(id: TaskId, query: z.infer<typeof logQuery>, from: number, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const { path, attempt } = await logOf(id, query.attempt)
    const hasEnded = async (): Promise<boolean> => {
      const run = await scheduler.run(id.dag, id.run)
      const found = run?.tasks.find(({ taskId }) => taskId === id.task)?.attempts.find((each) => each.attempt === attempt)
      return found === undefined || found.endedAt !== null
    }
    yield* followLog(path, from, hasEnded, signal)
  }
  return [
    answer({
      method: 'GET',
      path: '/dags/:dag/runs/:run/tasks/:task/log',
      summary: 'What an attempt printed, from a byte on: at most a mebibyte, whole lines; withheld from viewers where fields are personal',
      role: 'viewer',
      params: taskParams,
      query: logQuery,
      response: logChunk,
      handle: async ({ params, query, principal }) => {
        const { path, attempt } = await logOf(params, query.attempt)
        if (hides(principal)) return { attempt, text: `${withheld}\n`, next: query.from, sizeBytes: query.from }
        return { attempt, ...(await readLog(path, query.from)) }
      },
    }),
    events({
      method: 'GET',
      path: '/dags/:dag/runs/:run/tasks/:task/log/events',
      summary: 'What an attempt prints, as it does, until it ends; resumes from Last-Event-ID, a byte',
      role: 'viewer',
      params: taskParams,
      query: logQuery,
      events: { text: z.object({ text: z.string() }), end: z.object({}) },
      handle: ({ params, query, lastEventId, principal, signal }) =>
        hides(principal) ? tellWithheld(params, query) : follow(params, query, Number(lastEventId ?? query.from) || 0, signal),
    }),
  ]
}

function notFound(what: string): never {
  throw new MillraceError('NOT_FOUND', `There is no ${what}.`)
}
