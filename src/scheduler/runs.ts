import type { Json } from '../core/index.ts'
import type { Definition } from './definitions.ts'
import { describeMs } from './retry.ts'
import { lockDags, underRunLocks } from './row-locks.ts'
import type { DagRunTable, DagTable } from './store/tables.ts'
import { nextInterval, soundCursor, type DataInterval, type ScheduleState } from './timetable.ts'
import { isFinished } from './trigger-rules.ts'
import { touch, type RunKey, type Turn } from './turn.ts'

export interface NewRun {
  runId: string
  trigger: 'manual' | 'scheduled'
  logicalDateMs: number
  interval: DataInterval
  params: Record<string, Json>
}

/** Airflow's run ids: `manual__2026-01-31T00:00:00+00:00`, the fraction only when there is one. */
export function runIdOf(trigger: NewRun['trigger'], logicalDateMs: number): string {
  const iso = new Date(logicalDateMs).toISOString().replace('.000Z', 'Z')
  return `${trigger}__${iso.replace('Z', '+00:00')}`
}

/** Inserts a queued run and its task instances. False when its id or (logical date, trigger) is taken: nothing is inserted. */
export async function createRun(turn: Turn, dag: DagTable, definition: Definition, run: NewRun): Promise<boolean> {
  const inserted = await turn.trx
    .insertInto('dag_run')
    .values({
      dag_id: dag.id,
      run_id: run.runId,
      version: dag.version,
      state: 'queued',
      reason: null,
      trigger: run.trigger,
      logical_date: run.logicalDateMs,
      interval_start: run.interval.start,
      interval_end: run.interval.end,
      queued_at: turn.nowMs,
      started_at: null,
      ended_at: null,
      params: JSON.stringify({ ...definition.dag.params, ...run.params }),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (Number(inserted.numInsertedOrUpdatedRows ?? 0) === 0) return false
  for (const [position, task] of definition.dag.tasks.entries()) {
    await turn.trx
      .insertInto('task_instance')
      .values({
        dag_id: dag.id,
        run_id: run.runId,
        task_id: task.id,
        position,
        state: 'none',
        attempt: 0,
        failures: 0,
        lost_in_row: 0,
        wake_at: null,
        started_at: null,
        ended_at: null,
        error: null,
        progress_done: null,
        progress_total: null,
      })
      .execute()
  }
  turn.changes.push({ dagId: dag.id, runId: run.runId, state: 'queued' })
  return true
}

/** Makes the scheduled runs that are due, as many as `maxActiveRuns` allows. @returns when the next one is due, or null */
export async function createScheduledRuns(turn: Turn): Promise<number | null> {
  const dags = await turn.trx
    .selectFrom('dag')
    .selectAll()
    .where('present', '=', 1)
    .where('paused', '=', 0)
    .where('schedule_cursor', 'is not', null)
    .execute()
  let next: number | null = null
  for (const dag of dags) {
    const definition = await turn.definitions.get(turn.trx, dag.id, dag.version)
    const { isDue, nextMs } = await whenDue(turn, dag, definition)
    const dueMs = isDue ? await createDueRunsOf(turn, dag.id) : nextMs
    if (dueMs !== null && (next === null || dueMs < next)) next = dueMs
  }
  return next
}

/** Looked at before the DAG is held: most turns have nothing to make. */
async function whenDue(turn: Turn, dag: DagTable, definition: Definition): Promise<{ isDue: boolean; nextMs: number | null }> {
  const schedule = await readSchedule(turn, dag, definition)
  if (!schedule) return { isDue: false, nextMs: null }
  if (soundCursor(definition.timetable, schedule, turn.nowMs) !== schedule.cursorMs) return { isDue: true, nextMs: null }
  const interval = nextInterval(definition.timetable, schedule, turn.nowMs)
  return { isDue: interval !== null && interval.end <= turn.nowMs, nextMs: interval?.end ?? null }
}

/** One scheduler at a time makes the runs of a DAG. */
async function createDueRunsOf(turn: Turn, dagId: string): Promise<number | null> {
  if (!(await lockDags(turn, [dagId])).has(dagId)) return null
  const dag = await turn.trx.selectFrom('dag').selectAll().where('id', '=', dagId).executeTakeFirst()
  if (!dag || dag.present === 0 || dag.paused === 1) return null
  return createDueRuns(turn, dag, await turn.definitions.get(turn.trx, dag.id, dag.version))
}

async function createDueRuns(turn: Turn, dag: DagTable, definition: Definition): Promise<number | null> {
  let active: number | null = null
  const schedule = await readSchedule(turn, dag, definition)
  if (schedule) await moveCursor(turn, dag, soundCursor(definition.timetable, schedule, turn.nowMs))
  for (;;) {
    const interval = await nextScheduled(turn, dag, definition)
    if (!interval) return null
    if (interval.end > turn.nowMs) return interval.end
    active ??= await countActiveRuns(turn, dag.id)
    // The end of a run brings the next turn.
    if (active >= definition.dag.maxActiveRuns) return null
    const created = await createRun(turn, dag, definition, {
      runId: runIdOf('scheduled', interval.start),
      trigger: 'scheduled',
      logicalDateMs: interval.start,
      interval,
      params: {},
    })
    if (created) active++
    // Moved on also when the interval had its run already: the clock was ahead and has stepped back.
    await moveCursor(turn, dag, interval.end)
    if (definition.timetable.is === 'once') return null
  }
}

async function moveCursor(turn: Turn, dag: DagTable, cursorMs: number): Promise<void> {
  if (dag.schedule_cursor === cursorMs) return
  dag.schedule_cursor = cursorMs
  await turn.trx.updateTable('dag').set({ schedule_cursor: cursorMs }).where('id', '=', dag.id).execute()
}

/** The data interval the dag's next scheduled run is for, due at its end; null without one. */
export async function nextScheduled(
  turn: Pick<Turn, 'trx' | 'nowMs'>,
  dag: DagTable,
  definition: Definition,
): Promise<DataInterval | null> {
  const schedule = await readSchedule(turn, dag, definition)
  return schedule && nextInterval(definition.timetable, schedule, turn.nowMs)
}

async function readSchedule(turn: Pick<Turn, 'trx'>, dag: DagTable, definition: Definition): Promise<ScheduleState | null> {
  if (dag.schedule_cursor === null || dag.schedule_start === null) return null
  return {
    startMs: dag.schedule_start,
    cursorMs: dag.schedule_cursor,
    catchup: definition.dag.catchup,
    endDateMs: definition.endDateMs,
    ranOnce: definition.timetable.is === 'once' && (await hasScheduledRun(turn, dag.id)),
  }
}

async function hasScheduledRun(turn: Pick<Turn, 'trx'>, dagId: string): Promise<boolean> {
  const row = await turn.trx
    .selectFrom('dag_run')
    .select('run_id')
    .where('dag_id', '=', dagId)
    .where('trigger', '=', 'scheduled')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function countActiveRuns(turn: Turn, dagId: string): Promise<number> {
  const row = await turn.trx
    .selectFrom('dag_run')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('dag_id', '=', dagId)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirstOrThrow()
  return row.count
}

/** Queued runs, oldest first, start while their dag has fewer than `maxActiveRuns` running and is not paused. */
export async function startQueuedRuns(turn: Turn): Promise<void> {
  const find = (): Promise<Pick<DagRunTable, 'dag_id' | 'run_id' | 'version'>[]> =>
    turn.trx
      .selectFrom('dag_run')
      .innerJoin('dag', 'dag.id', 'dag_run.dag_id')
      .select(['dag_run.dag_id', 'dag_run.run_id', 'dag_run.version'])
      .where('dag_run.state', '=', 'queued')
      .where('dag.paused', '=', 0)
      .orderBy('dag_run.queued_at')
      .orderBy('dag_run.logical_date')
      .execute()
  const waiting = await find()
  if (waiting.length === 0) return
  // Counted and started by one scheduler at a time, or each would fill the same room.
  const dags = await lockDags(
    turn,
    waiting.map((run) => run.dag_id),
  )
  const queued = await underRunLocks(turn, async () => (await find()).filter((run) => dags.has(run.dag_id)))
  const counts = await turn.trx
    .selectFrom('dag_run')
    .select((select) => ['dag_id', select.fn.countAll<number>().as('count')])
    .where('state', '=', 'running')
    .groupBy('dag_id')
    .execute()
  const running = new Map(counts.map((row) => [row.dag_id, row.count]))
  for (const run of queued) {
    const { dag } = await turn.definitions.get(turn.trx, run.dag_id, run.version)
    const count = running.get(run.dag_id) ?? 0
    if (count >= dag.maxActiveRuns) continue
    running.set(run.dag_id, count + 1)
    await setRunState(turn, { dagId: run.dag_id, runId: run.run_id }, { state: 'running', started_at: turn.nowMs })
  }
}

/** Fails runs that are over their dag's time-out. @returns when the next one would be, or null */
export async function expireRuns(turn: Turn): Promise<number | null> {
  let next: number | null = null
  const expired = await underRunLocks(turn, async () => {
    const running = await turn.trx.selectFrom('dag_run').selectAll().where('state', '=', 'running').execute()
    const over: (DagRunTable & { timeoutMs: number })[] = []
    for (const run of running) {
      const { timeoutMs } = (await turn.definitions.get(turn.trx, run.dag_id, run.version)).dag
      if (timeoutMs === null || run.started_at === null) continue
      const expiresMs = run.started_at + timeoutMs
      if (expiresMs <= turn.nowMs) over.push({ ...run, timeoutMs })
      else if (next === null || expiresMs < next) next = expiresMs
    }
    return over
  })
  for (const { dag_id: dagId, run_id: runId, timeoutMs } of expired) {
    await stopRun(turn, { dagId, runId }, `timed out: the run took longer than ${describeMs(timeoutMs)}`)
  }
  return next
}

/** Ends a run from outside: failed with the reason; what has not begun is skipped, what runs is cancelled after the commit. */
export async function stopRun(turn: Turn, key: RunKey, reason: string): Promise<void> {
  await setRunState(turn, key, { state: 'failed', reason, ended_at: turn.nowMs })
  const tasks = await turn.trx
    .selectFrom('task_instance')
    .select(['task_id', 'state'])
    .where('dag_id', '=', key.dagId)
    .where('run_id', '=', key.runId)
    .execute()
  for (const task of tasks) {
    if (isFinished(task.state) || task.state === 'running') continue
    await turn.trx
      .updateTable('task_instance')
      .set({ state: 'skipped', wake_at: null, ended_at: turn.nowMs })
      .where('dag_id', '=', key.dagId)
      .where('run_id', '=', key.runId)
      .where('task_id', '=', task.task_id)
      .execute()
    turn.changes.push({ ...key, taskId: task.task_id, state: 'skipped' })
  }
  turn.stopped.push({ ...key, reason })
}

export async function setRunState(
  turn: Turn,
  key: RunKey,
  values: Partial<Pick<DagRunTable, 'state' | 'reason' | 'started_at' | 'ended_at'>> & Pick<DagRunTable, 'state'>,
): Promise<void> {
  await turn.trx.updateTable('dag_run').set(values).where('dag_id', '=', key.dagId).where('run_id', '=', key.runId).execute()
  turn.changes.push({ dagId: key.dagId, runId: key.runId, state: values.state })
  touch(turn, key)
}
