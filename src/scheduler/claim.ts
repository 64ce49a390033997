import { sql } from 'kysely'
import type { AttemptId, Json } from '../core/index.ts'
import type { AttemptStart } from './types.ts'
import type { Turn } from './turn.ts'

/** Two clauses, which Kysely cannot write: its SKIP LOCKED always comes last. */
const bothLocked = sql`for update of task skip locked for share of run skip locked`

export interface Claim extends AttemptStart {
  /** For the log: `attempt 2, retry 1 of 3`. */
  title: string
}

/**
 * Claims up to `limit` ready tasks: the attempt is in the store, under this owner's epoch, before its process starts, so
 * that a crash in between finds it and counts it lost (P7).
 */
export async function claimTasks(turn: Turn, limit: number): Promise<Claim[]> {
  if (limit <= 0) return []
  const ready = await findReady(turn, limit)
  const claims: Claim[] = []
  for (const row of ready) {
    const definition = await turn.definitions.get(turn.trx, row.dag_id, row.version)
    const task = definition.tasks.get(row.task_id)
    if (!task) continue
    const fn = await turn.definitions.functionOf(turn, row, task)
    if (!fn) {
      // Another scheduler has its code; this one looks for others at once.
      turn.skipped = true
      continue
    }
    const attempt: AttemptId = { dagId: row.dag_id, runId: row.run_id, taskId: row.task_id, attempt: row.attempt + 1, epoch: turn.epoch }
    if (!(await claim(turn, attempt, row.started_at ?? turn.nowMs))) continue
    const params: Record<string, Json> = JSON.parse(row.params)
    const ctx = {
      project: row.project,
      dagId: row.dag_id,
      runId: row.run_id,
      taskId: row.task_id,
      attempt: attempt.attempt,
      logicalDate: new Date(row.logical_date).toISOString(),
      dataInterval: { start: new Date(row.interval_start).toISOString(), end: new Date(row.interval_end).toISOString() },
      params,
      inputs: await readInputs(turn, attempt, task.inputs),
    }
    const title = row.failures > 0 ? `attempt ${attempt.attempt}, retry ${row.failures} of ${task.retries}` : `attempt ${attempt.attempt}`
    claims.push({ attempt, task: fn, ctx, executionTimeoutMs: task.executionTimeoutMs, title })
  }
  return claims
}

/** Ready tasks that nobody else is claiming, of runs that nobody is changing. */
async function findReady(turn: Turn, limit: number) {
  let query = turn.trx
    .selectFrom('task_instance as task')
    .innerJoin('dag_run as run', (join) => join.onRef('run.dag_id', '=', 'task.dag_id').onRef('run.run_id', '=', 'task.run_id'))
    .innerJoin('dag', 'dag.id', 'task.dag_id')
    .select(['task.dag_id', 'task.run_id', 'task.task_id', 'task.attempt', 'task.failures', 'task.started_at'])
    .select(['run.version', 'run.logical_date', 'run.interval_start', 'run.interval_end', 'run.params', 'dag.project'])
    .where('task.state', '=', 'scheduled')
    .where('run.state', '=', 'running')
    .orderBy('run.queued_at')
    .orderBy('task.position')
    .limit(limit)
  if (turn.definitions.foreign.size > 0) {
    const foreign = [...turn.definitions.foreign.values()]
    query = query.where((eb) =>
      eb(
        eb.refTuple('task.dag_id', 'run.version', 'task.task_id'),
        'not in',
        foreign.map(({ dagId, version, taskId }) => eb.tuple(dagId, version, taskId)),
      ),
    )
  }
  return turn.shared ? query.modifyEnd(bothLocked).execute() : query.execute()
}

async function claim(turn: Turn, id: AttemptId, startedAt: number): Promise<boolean> {
  const updated = await turn.trx
    .updateTable('task_instance')
    .set({
      state: 'running',
      attempt: id.attempt,
      started_at: startedAt,
      ended_at: null,
      wake_at: null,
      error: null,
      progress_done: null,
      progress_total: null,
    })
    .where('dag_id', '=', id.dagId)
    .where('run_id', '=', id.runId)
    .where('task_id', '=', id.taskId)
    .where('state', '=', 'scheduled')
    .where('attempt', '=', id.attempt - 1)
    .executeTakeFirst()
  if (Number(updated.numUpdatedRows) !== 1) return false
  await turn.trx
    .insertInto('task_attempt')
    .values({
      dag_id: id.dagId,
      run_id: id.runId,
      task_id: id.taskId,
      attempt: id.attempt,
      epoch: id.epoch,
      state: 'running',
      reason: null,
      started_at: turn.nowMs,
      ended_at: null,
      lease_until: turn.leaseTime(turn.leaseMs),
    })
    .execute()
  turn.changes.push({ dagId: id.dagId, runId: id.runId, taskId: id.taskId, state: 'running' })
  return true
}

/** Results of the tasks it is called with; null for one that was skipped or failed. */
async function readInputs(turn: Turn, id: AttemptId, inputs: readonly string[]): Promise<Json[]> {
  if (inputs.length === 0) return []
  const rows = await turn.trx
    .selectFrom('xcom')
    .select(['task_id', 'value'])
    .where('dag_id', '=', id.dagId)
    .where('run_id', '=', id.runId)
    .where('key', '=', 'return_value')
    .where('task_id', 'in', [...inputs])
    .execute()
  const values = new Map<string, Json>(rows.map((row) => [row.task_id, JSON.parse(row.value)]))
  return inputs.map((taskId) => values.get(taskId) ?? null)
}
