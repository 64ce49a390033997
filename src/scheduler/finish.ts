import type { AttemptId, Json, TaskDef } from '../core/index.ts'
import { MillraceError, type ErrorJson } from '../platform/index.ts'
import { describeMs, maxLostInRow, retryDelayMs } from './retry.ts'
import type { TaskInstanceTable } from './store/tables.ts'
import { touch, type Turn } from './turn.ts'
import type { AttemptState, TaskState } from '../core/index.ts'
import type { AttemptEnd } from './types.ts'

/** A result, or another value a task shares, in bytes of JSON. */
export const maxXcomBytes = 49_152

/** Why the scheduler itself asked an attempt to stop. */
export type CancelCause = 'timeout' | 'shutdown' | 'run'

/** An attempt that has ended, as its process and the scheduler's own doings tell it. */
export interface EndedAttempt {
  id: AttemptId
  end: AttemptEnd
  /** What the scheduler asked of it before, if anything. */
  cancelled: { cause: CancelCause; reason: string } | null
  /** True when nothing was heard of it: whatever was asked of it before, it is lost. */
  silent: boolean
  progress: { done: number; total: number | null } | null
  xcoms: ReadonlyMap<string, Json>
}

/** What is recorded of it. `note` is the last line of its log. */
interface Verdict {
  attempt: AttemptState
  task: TaskState
  reason: string | null
  error: ErrorJson | null
  wakeAt: number | null
  failures: number
  lostInRow: number
  note: string
}

/**
 * Records the end of an attempt, once: only while the store has it running under the same epoch. @returns the note for its log, or null
 * when it was refused because it is no longer the task's running attempt (P7).
 */
export async function recordEnd(turn: Turn, ended: EndedAttempt): Promise<string | null> {
  const { id } = ended
  const open = await turn.trx
    .selectFrom('task_attempt as attempt')
    .innerJoin('task_instance as task', (join) =>
      join
        .onRef('task.dag_id', '=', 'attempt.dag_id')
        .onRef('task.run_id', '=', 'attempt.run_id')
        .onRef('task.task_id', '=', 'attempt.task_id')
        .onRef('task.attempt', '=', 'attempt.attempt'),
    )
    .innerJoin('dag_run as run', (join) => join.onRef('run.dag_id', '=', 'attempt.dag_id').onRef('run.run_id', '=', 'attempt.run_id'))
    .select(['task.failures', 'task.lost_in_row', 'run.version', 'run.state as run_state'])
    .where('attempt.dag_id', '=', id.dagId)
    .where('attempt.run_id', '=', id.runId)
    .where('attempt.task_id', '=', id.taskId)
    .where('attempt.attempt', '=', id.attempt)
    .where('attempt.epoch', '=', id.epoch)
    .where('attempt.state', '=', 'running')
    .executeTakeFirst()
  if (!open) return turn.shared ? recordedBefore(turn, id) : null
  const task = (await turn.definitions.get(turn.trx, id.dagId, open.version)).tasks.get(id.taskId)
  if (!task) return null
  const verdict = judge(ended, task, open, open.run_state === 'running', turn.nowMs)
  await writeVerdict(turn, ended, verdict)
  if (verdict.attempt === 'success') await writeXcoms(turn, ended)
  return verdict.note
}

/** The answer to a commit may be lost with the connection while the commit is done. Nobody else records an end under this epoch but `lost`. */
async function recordedBefore(turn: Turn, id: AttemptId): Promise<string | null> {
  const row = await turn.trx
    .selectFrom('task_attempt')
    .select('state')
    .where('dag_id', '=', id.dagId)
    .where('run_id', '=', id.runId)
    .where('task_id', '=', id.taskId)
    .where('attempt', '=', id.attempt)
    .where('epoch', '=', id.epoch)
    .executeTakeFirst()
  return row && row.state !== 'lost' ? `${row.state}, recorded just before the metadata store went away` : null
}

function judge(
  ended: EndedAttempt,
  task: TaskDef,
  before: Pick<TaskInstanceTable, 'failures' | 'lost_in_row'>,
  runGoesOn: boolean,
  nowMs: number,
): Verdict {
  const { cancelled } = ended
  const end = withinLimits(ended)
  const kept = { reason: null, error: null, wakeAt: null, failures: before.failures, lostInRow: 0 }
  if (end.is === 'ok') return { ...kept, attempt: 'success', task: 'success', note: 'succeeded' }
  if (end.is === 'skipped') return { ...kept, attempt: 'skipped', task: 'skipped', reason: end.reason, note: `skipped: ${end.reason}` }
  if (!runGoesOn || cancelled?.cause === 'run') {
    const reason = cancelled?.reason ?? 'its run has ended'
    const error = taskError('CANCELLED', `Cancelled: ${reason}`)
    return { ...kept, attempt: 'cancelled', task: 'failed', reason, error, note: `cancelled: ${reason}` }
  }
  if (cancelled?.cause === 'shutdown') {
    // Not a failure: the next start runs it again.
    return {
      ...kept,
      lostInRow: before.lost_in_row,
      attempt: 'cancelled',
      task: 'scheduled',
      reason: cancelled.reason,
      note: 'stopped by shutdown, to be run again at the next start',
    }
  }
  if (ended.silent) return judgeLost(end.is === 'lost' ? end.reason : 'no sign of life', before)
  if (end.is === 'deferred') {
    const until = new Date(end.untilMs).toISOString()
    return { ...kept, attempt: 'deferred', task: 'deferred', wakeAt: end.untilMs, note: `waits until ${until}, holding no worker` }
  }
  if (cancelled?.cause === 'timeout') {
    const error = taskError('TIMED_OUT', `Timed out: ${cancelled.reason}`)
    return judgeFailure('timed_out', error, true, task, before.failures, nowMs)
  }
  if (end.is === 'failed') return judgeFailure('failed', end.error, end.retriable, task, before.failures, nowMs)
  return judgeLost(end.reason, before)
}

function judgeFailure(
  attempt: 'failed' | 'timed_out',
  error: ErrorJson,
  retriable: boolean,
  task: TaskDef,
  failuresBefore: number,
  nowMs: number,
): Verdict {
  const failures = failuresBefore + 1
  const base = { attempt, reason: error.message, error, failures, lostInRow: 0 }
  if (retriable && failures <= task.retries) {
    const delayMs = retryDelayMs(task, failures)
    const note = `${error.message} — retry ${failures} of ${task.retries} in ${describeMs(delayMs)}`
    return { ...base, task: 'up_for_retry', wakeAt: nowMs + delayMs, note }
  }
  const why = !retriable
    ? 'the error is not one that a retry can mend'
    : task.retries === 0
      ? 'no retries are set'
      : `all ${task.retries} retries are used up`
  return { ...base, task: 'failed', wakeAt: null, note: `failed: ${error.message} (${why})` }
}

/** Tried again at once without using up a retry, but not for ever. */
function judgeLost(reason: string, before: Pick<TaskInstanceTable, 'failures' | 'lost_in_row'>): Verdict {
  const lostInRow = before.lost_in_row + 1
  const base = { attempt: 'lost' as const, reason, wakeAt: null, failures: before.failures, lostInRow }
  if (lostInRow < maxLostInRow) return { ...base, task: 'scheduled', error: null, note: `lost: ${reason} — tried again at once` }
  const error = taskError('CHILD_EXITED', `Lost ${lostInRow} attempts in a row, the last one: ${reason}`)
  return { ...base, task: 'failed', error, note: `failed: ${error.message}` }
}

/** A success whose values are too large is a failure that a retry would only repeat. */
function withinLimits(ended: EndedAttempt): AttemptEnd {
  if (ended.end.is !== 'ok') return ended.end
  for (const [key, value] of [...ended.xcoms, ['return_value', ended.end.value] as const]) {
    const sizeBytes = Buffer.byteLength(JSON.stringify(value) ?? 'null')
    if (sizeBytes <= maxXcomBytes) continue
    const what = key === 'return_value' ? 'The result' : `The xcom "${key}"`
    const message = `${what} of task ${ended.id.taskId} is ${sizeBytes} bytes of JSON; the limit is ${maxXcomBytes} (48 KiB). Write the data to a topic or table and return where it is.`
    const error = new MillraceError('TASK_FAILED', message, { retriable: false, details: { key, sizeBytes, limitBytes: maxXcomBytes } })
    return { is: 'failed', error: error.toJSON(), retriable: false }
  }
  return ended.end
}

function taskError(code: 'CANCELLED' | 'TIMED_OUT' | 'CHILD_EXITED', message: string): ErrorJson {
  return new MillraceError(code, message).toJSON()
}

async function writeVerdict(turn: Turn, { id, progress }: EndedAttempt, verdict: Verdict): Promise<void> {
  await turn.trx
    .updateTable('task_attempt')
    .set({ state: verdict.attempt, reason: verdict.reason, ended_at: turn.nowMs })
    .where('dag_id', '=', id.dagId)
    .where('run_id', '=', id.runId)
    .where('task_id', '=', id.taskId)
    .where('attempt', '=', id.attempt)
    .execute()
  const final = verdict.task === 'success' || verdict.task === 'failed' || verdict.task === 'skipped'
  await turn.trx
    .updateTable('task_instance')
    .set({
      state: verdict.task,
      failures: verdict.failures,
      lost_in_row: verdict.lostInRow,
      wake_at: verdict.wakeAt,
      error: verdict.error ? JSON.stringify(verdict.error) : null,
      ended_at: final ? turn.nowMs : null,
      progress_done: progress?.done ?? null,
      progress_total: progress?.total ?? null,
    })
    .where('dag_id', '=', id.dagId)
    .where('run_id', '=', id.runId)
    .where('task_id', '=', id.taskId)
    .execute()
  turn.changes.push({ dagId: id.dagId, runId: id.runId, taskId: id.taskId, state: verdict.task })
  touch(turn, id)
}

/** In the same transaction as the success: whoever runs next finds them. */
async function writeXcoms(turn: Turn, { id, end, xcoms }: EndedAttempt): Promise<void> {
  const values = new Map(xcoms)
  if (end.is === 'ok') values.set('return_value', end.value)
  for (const [key, value] of values) {
    await turn.trx
      .insertInto('xcom')
      .values({ dag_id: id.dagId, run_id: id.runId, task_id: id.taskId, key, value: JSON.stringify(value) ?? 'null' })
      .execute()
  }
}
