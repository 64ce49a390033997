import type { Definition } from './definitions.ts'
import { underRunLocks } from './row-locks.ts'
import { setRunState } from './runs.ts'
import type { TaskInstanceTable } from './store/tables.ts'
import { evaluateTriggerRule, isFinished } from './trigger-rules.ts'
import { touch, type RunKey, type Turn } from './turn.ts'
import type { TaskState } from '../core/index.ts'

/** Retries and deferrals whose time has come go back to `scheduled`. @returns when the next one is due, or null */
export async function wakeTasks(turn: Turn): Promise<number | null> {
  const waiting = ['up_for_retry', 'deferred'] as const
  const due = await underRunLocks(turn, () =>
    turn.trx
      .selectFrom('task_instance')
      .select(['dag_id', 'run_id', 'task_id'])
      .where('state', 'in', waiting)
      .where('wake_at', '<=', turn.nowMs)
      .execute(),
  )
  for (const task of due) await setTaskState(turn, { dagId: task.dag_id, runId: task.run_id }, [task.task_id], 'scheduled')
  const next = await turn.trx
    .selectFrom('task_instance')
    .select((select) => select.fn.min('wake_at').as('wake_at'))
    .where('state', 'in', waiting)
    .where('wake_at', '>', turn.nowMs)
    .executeTakeFirst()
  return next?.wake_at ?? null
}

/** Applies the trigger rules of a running run until nothing changes, and ends the run when all its tasks have. */
export async function advanceRun(turn: Turn, key: RunKey): Promise<void> {
  const run = await turn.trx
    .selectFrom('dag_run')
    .select(['state', 'version'])
    .where('dag_id', '=', key.dagId)
    .where('run_id', '=', key.runId)
    .executeTakeFirst()
  if (run?.state !== 'running') return
  const definition = await turn.definitions.get(turn.trx, key.dagId, run.version)
  const tasks = await turn.trx
    .selectFrom('task_instance')
    .selectAll()
    .where('dag_id', '=', key.dagId)
    .where('run_id', '=', key.runId)
    .orderBy('position')
    .execute()
  const decided = applyRules(definition, tasks)
  for (const [state, ids] of decided) await setTaskState(turn, key, ids, state)
  if (tasks.every((task) => isFinished(task.state))) await endRun(turn, key, definition, tasks)
}

/** Moves `none` tasks on in `tasks`; @returns the changes by new state. */
function applyRules(definition: Definition, tasks: TaskInstanceTable[]): Map<TaskState, string[]> {
  const states = new Map(tasks.map((task) => [task.task_id, task.state]))
  const decided = new Map<TaskState, string[]>()
  for (let changed = true; changed;) {
    changed = false
    for (const task of tasks) {
      if (task.state !== 'none') continue
      const rule = definition.tasks.get(task.task_id)?.triggerRule ?? 'all_success'
      const upstream = (definition.upstream.get(task.task_id) ?? []).map((id) => states.get(id) ?? 'removed')
      const verdict = evaluateTriggerRule(rule, upstream)
      if (verdict === 'wait') continue
      task.state = verdict === 'run' ? 'scheduled' : verdict
      states.set(task.task_id, task.state)
      decided.set(task.state, [...(decided.get(task.state) ?? []), task.task_id])
      changed = true
    }
  }
  return decided
}

/** Airflow's rule: a run has failed when a task that nothing comes after failed or could not run. */
async function endRun(turn: Turn, key: RunKey, definition: Definition, tasks: TaskInstanceTable[]): Promise<void> {
  const failedLeaf = tasks.some(
    (task) => definition.leaves.has(task.task_id) && (task.state === 'failed' || task.state === 'upstream_failed'),
  )
  const failed = tasks.filter((task) => task.state === 'failed').map((task) => task.task_id)
  await setRunState(turn, key, {
    state: failedLeaf ? 'failed' : 'success',
    reason: failedLeaf ? `task ${failed.join(', ')} failed` : null,
    ended_at: turn.nowMs,
  })
}

async function setTaskState(turn: Turn, key: RunKey, taskIds: string[], state: TaskState): Promise<void> {
  await turn.trx
    .updateTable('task_instance')
    .set({ state, wake_at: null, ...(isFinished(state) ? { ended_at: turn.nowMs } : {}) })
    .where('dag_id', '=', key.dagId)
    .where('run_id', '=', key.runId)
    .where('task_id', 'in', taskIds)
    .execute()
  for (const taskId of taskIds) turn.changes.push({ dagId: key.dagId, runId: key.runId, taskId, state })
  touch(turn, key)
}
