import { MillraceError } from '../platform/index.ts'
import { attemptLogPath } from './attempt-log.ts'
import type { DefinitionCache } from './definitions.ts'
import { nextScheduled } from './runs.ts'
import type { StoreTransaction } from './store/metadata-store.ts'
import type { DagRunTable, DagTable, TaskAttemptTable, TaskInstanceTable } from './store/tables.ts'
import type { AttemptView, DagView, RunDetail, RunView, TaskInstanceView } from '../core/index.ts'

export interface ViewContext {
  trx: StoreTransaction
  nowMs: number
  definitions: DefinitionCache
  logsDir: string
  /** Of an attempt that runs now. */
  liveProgress: (task: { dagId: string; runId: string; taskId: string }) => TaskInstanceView['progress']
}

export async function readDags(context: ViewContext): Promise<DagView[]> {
  const dags = await context.trx.selectFrom('dag').selectAll().where('present', '=', 1).orderBy('id').execute()
  const views: DagView[] = []
  for (const dag of dags) views.push(await readDag(context, dag))
  return views
}

async function readDag(context: ViewContext, row: DagTable): Promise<DagView> {
  const definition = await context.definitions.get(context.trx, row.id, row.version)
  const { dag } = definition
  const interval = row.paused === 1 ? null : await nextScheduled(context, row, definition)
  const { count } = await context.trx
    .selectFrom('dag_run')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('dag_id', '=', row.id)
    .executeTakeFirstOrThrow()
  const [lastRun = null] = await readRuns(context, { dagId: row.id, limit: 1 })
  return {
    id: row.id,
    schedule: dag.schedule,
    paused: row.paused === 1,
    nextRun: interval ? iso(interval.end) : null,
    lastRun,
    runCount: count,
    tasks: dag.tasks.map((task) => task.id),
    owner: dag.owner,
    tags: dag.tags,
    version: row.version,
  }
}

export async function readRuns({ trx }: Pick<ViewContext, 'trx'>, filter: { dagId?: string; limit?: number }): Promise<RunView[]> {
  const { dagId, limit = 100 } = filter
  let query = trx.selectFrom('dag_run').selectAll().orderBy('queued_at', 'desc').orderBy('logical_date', 'desc').limit(limit)
  if (dagId !== undefined) query = query.where('dag_id', '=', dagId)
  return (await query.execute()).map(runView)
}

export async function readRun({ trx }: Pick<ViewContext, 'trx'>, dagId: string, runId: string): Promise<RunView | null> {
  const row = await trx.selectFrom('dag_run').selectAll().where('dag_id', '=', dagId).where('run_id', '=', runId).executeTakeFirst()
  return row ? runView(row) : null
}

export async function readRunDetail(context: ViewContext, dagId: string, runId: string): Promise<RunDetail | null> {
  const run = await readRun(context, dagId, runId)
  if (!run) return null
  const tasks = await context.trx
    .selectFrom('task_instance')
    .selectAll()
    .where('dag_id', '=', dagId)
    .where('run_id', '=', runId)
    .orderBy('position')
    .execute()
  const attempts = await context.trx
    .selectFrom('task_attempt')
    .selectAll()
    .where('dag_id', '=', dagId)
    .where('run_id', '=', runId)
    .orderBy('attempt')
    .execute()
  const byTask = Map.groupBy(attempts, (attempt) => attempt.task_id)
  return { ...run, tasks: tasks.map((task) => taskView(context, task, byTask.get(task.task_id) ?? [])) }
}

function taskView(context: ViewContext, row: TaskInstanceTable, attempts: TaskAttemptTable[]): TaskInstanceView {
  const id = { dagId: row.dag_id, runId: row.run_id, taskId: row.task_id }
  const recorded = row.progress_done === null ? null : { done: row.progress_done, total: row.progress_total }
  return {
    taskId: row.task_id,
    state: row.state,
    attempt: row.attempt,
    startedAt: isoOrNull(row.started_at),
    endedAt: isoOrNull(row.ended_at),
    wakesAt: isoOrNull(row.wake_at),
    progress: context.liveProgress(id) ?? recorded,
    error: row.error === null ? null : JSON.parse(row.error),
    attempts: attempts.map((attempt) => attemptView(context.logsDir, attempt)),
  }
}

function attemptView(logsDir: string, row: TaskAttemptTable): AttemptView {
  return {
    attempt: row.attempt,
    state: row.state,
    reason: row.reason,
    startedAt: iso(row.started_at),
    endedAt: isoOrNull(row.ended_at),
    logPath: attemptLogPath(logsDir, { dagId: row.dag_id, runId: row.run_id, taskId: row.task_id, attempt: row.attempt }),
  }
}

export function runView(row: DagRunTable): RunView {
  return {
    dagId: row.dag_id,
    runId: row.run_id,
    state: row.state,
    reason: row.reason,
    trigger: row.trigger,
    logicalDate: iso(row.logical_date),
    dataInterval: { start: iso(row.interval_start), end: iso(row.interval_end) },
    queuedAt: iso(row.queued_at),
    startedAt: isoOrNull(row.started_at),
    endedAt: isoOrNull(row.ended_at),
    params: JSON.parse(row.params),
    dagVersion: row.version,
  }
}

/** The dag that a pipeline file defines now. @throws NOT_FOUND naming the dags there are */
export async function presentDag(trx: StoreTransaction, dagId: string): Promise<DagTable> {
  const dag = await trx.selectFrom('dag').selectAll().where('id', '=', dagId).where('present', '=', 1).executeTakeFirst()
  if (dag) return dag
  const ids = (await trx.selectFrom('dag').select('id').where('present', '=', 1).orderBy('id').execute()).map((row) => row.id)
  const there = ids.length > 0 ? `there is ${ids.join(', ')}` : 'no dag is defined'
  throw new MillraceError('NOT_FOUND', `There is no dag "${dagId}"; ${there}.`)
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}
