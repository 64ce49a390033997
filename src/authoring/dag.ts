import {
  definedSoFar,
  definition,
  durationMs,
  triggerRules,
  type DagDef,
  type Defined,
  type Duration,
  type Json,
  type LoadedDefinition,
  type TaskContext,
  type TaskDef,
  type TaskFunction,
  type TriggerRule,
} from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { callSite } from './call-site.ts'
import type { BoundFlow, FlowResult } from './flow.ts'

export interface DagOptions {
  /** Cron (`'0 6 * * *'`), a preset (`'@daily'`), `'every 10m'`, or null: manual only. */
  schedule: string | null
  /** Run the intervals between startDate and now. Default false. */
  catchup?: boolean
  /** ISO 8601. Default: from registration, nothing is run for the past. */
  startDate?: string
  endDate?: string
  /** IANA name. Default UTC. */
  timezone?: string
  maxActiveRuns?: number
  params?: Readonly<Record<string, Json>>
  tags?: readonly string[]
  owner?: string
  timeout?: Duration
}

export interface TaskOptions {
  /** Default 0. */
  retries?: number
  /** Default 10s. */
  retryDelay?: Duration
  retryExponentialBackoff?: boolean
  /** Default 5m. */
  maxRetryDelay?: Duration
  executionTimeout?: Duration
  triggerRule?: TriggerRule
}

/** What a task passes on: what its function returns; a flow's counts when it returns one. */
export type Passed<R> = Awaited<R> extends BoundFlow ? FlowResult : Awaited<R>

/** A task in its DAG. Passing it to another task makes a data edge; `after` and `before` make edges of order alone. */
export interface TaskNode<R> {
  readonly id: string
  readonly result?: R
  after(...nodes: readonly TaskNode<unknown>[]): this
  before(...nodes: readonly TaskNode<unknown>[]): this
}

/** Calling it puts the task into the DAG; arguments are the tasks whose results it takes after `ctx`. */
export type Task<I extends readonly unknown[], R> = (...inputs: { [K in keyof I]: TaskNode<I[K]> }) => TaskNode<R>

export interface Dag extends Defined<Extract<LoadedDefinition, { is: 'dag' }>> {
  readonly id: string
  task<I extends readonly unknown[], R>(id: string, fn: (ctx: TaskContext, ...inputs: I) => R, options?: TaskOptions): Task<I, Passed<R>>
}

/** @throws MillraceError DEFINITION_INVALID for an id used twice, an unknown option value or a cycle of tasks */
export function dag(id: string, options: DagOptions): Dag {
  checkId('dag', id)
  const def: DagDef = {
    id,
    schedule: options.schedule,
    timezone: options.timezone ?? 'UTC',
    catchup: options.catchup ?? false,
    startDate: options.startDate ?? null,
    endDate: options.endDate ?? null,
    maxActiveRuns: options.maxActiveRuns ?? 16,
    timeoutMs: options.timeout === undefined ? null : durationMs(options.timeout, `dag ${id}: timeout`),
    params: { ...options.params },
    tags: [...(options.tags ?? [])],
    owner: options.owner ?? null,
    tasks: [],
    at: callSite(),
  }
  const functions = new Map<string, TaskFunction>()
  const made: Extract<LoadedDefinition, { is: 'dag' }> = { is: 'dag', def, functions }
  definedSoFar().push(made)
  return {
    id,
    [definition]: made,
    task: <I extends readonly unknown[], R>(
      taskId: string,
      fn: (ctx: TaskContext, ...inputs: I) => R,
      taskOptions: TaskOptions = {},
    ): Task<I, Passed<R>> => {
      checkId(`dag ${id}: task`, taskId)
      const task = resolveTask(`dag ${id}, task ${taskId}`, taskId, taskOptions)
      return (...inputs) => {
        if (functions.has(taskId))
          throw new MillraceError('DEFINITION_INVALID', `dag ${id}: task "${taskId}" is called twice; give the second one another id.`)
        functions.set(taskId, (ctx, ...given) => fn(ctx, ...(given as I)))
        const ids = inputs.map((input) => input.id)
        const node: TaskDef = { ...task, inputs: ids, upstream: [...new Set(ids)] }
        def.tasks.push(node)
        return taskNode(def, node)
      }
    },
  }
}

function taskNode<R>(dagDef: DagDef, task: TaskDef): TaskNode<R> {
  const node: TaskNode<R> = {
    id: task.id,
    after: (...nodes) => {
      for (const upstream of nodes) addEdge(dagDef, upstream.id, task.id)
      return node
    },
    before: (...nodes) => {
      for (const downstream of nodes) addEdge(dagDef, task.id, downstream.id)
      return node
    },
  }
  return node
}

function addEdge(dagDef: DagDef, from: string, to: string): void {
  const task = dagDef.tasks.find((each) => each.id === to)
  if (task === undefined || !dagDef.tasks.some((each) => each.id === from)) {
    throw new MillraceError('DEFINITION_INVALID', `dag ${dagDef.id}: "${from}" → "${to}" joins tasks of different DAGs.`)
  }
  if (reaches(dagDef, to, from)) throw new MillraceError('DEFINITION_INVALID', `dag ${dagDef.id}: "${from}" → "${to}" closes a cycle.`)
  if (!task.upstream.includes(from)) task.upstream.push(from)
}

/** Whether `from` comes before `to` along the edges, or is it. */
function reaches(dagDef: DagDef, from: string, to: string): boolean {
  if (from === to) return true
  const upstream = dagDef.tasks.find((task) => task.id === to)?.upstream ?? []
  return upstream.some((next) => reaches(dagDef, from, next))
}

function resolveTask(what: string, id: string, options: TaskOptions): TaskDef {
  const {
    retries = 0,
    retryDelay = '10s',
    maxRetryDelay = '5m',
    retryExponentialBackoff = false,
    executionTimeout,
    triggerRule = 'all_success',
  } = options
  if (!Number.isInteger(retries) || retries < 0)
    throw new MillraceError('DEFINITION_INVALID', `${what}: retries is ${retries}; it is a whole number of at least 0.`)
  if (!triggerRules.includes(triggerRule)) {
    throw new MillraceError('DEFINITION_INVALID', `${what}: triggerRule "${triggerRule}" is not one of ${triggerRules.join(', ')}.`)
  }
  return {
    id,
    fn: { module: '', export: '', node: id, digest: '' },
    upstream: [],
    inputs: [],
    retries,
    retryDelayMs: durationMs(retryDelay, `${what}: retryDelay`),
    retryExponentialBackoff,
    maxRetryDelayMs: durationMs(maxRetryDelay, `${what}: maxRetryDelay`),
    executionTimeoutMs: executionTimeout === undefined ? null : durationMs(executionTimeout, `${what}: executionTimeout`),
    triggerRule,
  }
}

function checkId(what: string, id: string): void {
  if (!/^[\w.-]{1,200}$/.test(id))
    throw new MillraceError('DEFINITION_INVALID', `${what} "${id}": use 1 to 200 letters, digits, "_", "-" or ".".`)
}
