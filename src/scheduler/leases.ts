import type { AttemptId } from '../core/index.ts'
import { recordEnd } from './finish.ts'
import { lockRuns, underRunLocks } from './row-locks.ts'
import type { TaskAttemptTable } from './store/tables.ts'
import { touch, type RunKey, type Turn } from './turn.ts'

/** An attempt that was found lost, with the last line for its log. */
export interface Lost {
  id: AttemptId
  note: string
}

/** Keeps the leases of this scheduler's attempts. @returns those it still has: the others were taken for lost by another scheduler */
export async function renewLeases(turn: Turn): Promise<AttemptId[]> {
  const rows = await turn.trx
    .updateTable('task_attempt')
    .set({ lease_until: turn.leaseTime(turn.leaseMs) })
    .where('state', '=', 'running')
    .where('epoch', '=', turn.epoch)
    .returning(['dag_id', 'run_id', 'task_id', 'attempt', 'epoch'])
    .execute()
  return rows.map(idOf)
}

/**
 * Takes the store over under a new epoch, and finds what an earlier start of this instance left running: its process is gone (it
 * held the data folder), so those are lost at once, whatever their leases say (P7).
 */
export async function takeOver(turn: Turn, instance: string): Promise<{ lost: Lost[]; active: RunKey[] }> {
  await turn.trx.insertInto('scheduler').values({ epoch: turn.epoch, instance, started_at: turn.nowMs }).execute()
  const find = (): Promise<TaskAttemptTable[]> => {
    const running = turn.trx.selectFrom('task_attempt').selectAll().where('state', '=', 'running').where('epoch', '<', turn.epoch)
    if (!turn.shared) return running.execute()
    return running.where('epoch', 'in', (query) => query.selectFrom('scheduler').select('epoch').where('instance', '=', instance)).execute()
  }
  await lockRuns(turn, (await find()).map(idOf), 'wait')
  const lost = await lose(turn, await find(), (epoch) => `the supervisor that ran it (epoch ${epoch}) ended without a word`)
  const active = await turn.trx.selectFrom('dag_run').select(['dag_id', 'run_id']).where('state', '=', 'running').execute()
  return { lost, active: active.map((run) => ({ dagId: run.dag_id, runId: run.run_id })) }
}

/** The next epoch of the store: no two starts have the same. */
export async function nextEpoch(turn: Pick<Turn, 'trx'>): Promise<number> {
  await turn.trx
    .insertInto('owner')
    .values({ id: 1, epoch: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const { epoch } = await turn.trx
    .updateTable('owner')
    .set((set) => ({ epoch: set('epoch', '+', 1) }))
    .where('id', '=', 1)
    .returning('epoch')
    .executeTakeFirstOrThrow()
  return epoch
}

/** The epoch of the latest start of this instance: any other is over. */
export async function latestEpoch(turn: Pick<Turn, 'trx'>, instance: string): Promise<number | null> {
  const row = await turn.trx
    .selectFrom('scheduler')
    .select((select) => select.fn.max('epoch').as('epoch'))
    .where('instance', '=', instance)
    .executeTakeFirst()
  return row?.epoch ?? null
}

/**
 * Attempts of other schedulers whose leases ran out: nobody keeps them alive, so they are tried again (P7). To be asked only after a
 * lease's time of unbroken contact with the store: when it was away for all, their owners must have had the time to renew.
 */
export async function loseExpired(turn: Turn): Promise<Lost[]> {
  const expired = await underRunLocks(turn, () =>
    turn.trx
      .selectFrom('task_attempt')
      .selectAll()
      .where('state', '=', 'running')
      .where('epoch', '<>', turn.epoch)
      .where('lease_until', '<', turn.leaseTime(0))
      .forUpdate()
      .skipLocked()
      .execute(),
  )
  return lose(turn, expired, (epoch) => `its lease ran out: the scheduler that ran it (epoch ${epoch}) gave no sign of life`)
}

/** Attempts that the store has under this epoch and that never began: the claim was done, the answer to its commit was lost. */
export async function loseUnbegun(turn: Turn, hasBegun: (id: AttemptId) => boolean): Promise<Lost[]> {
  const unbegun = await underRunLocks(turn, async () => {
    const rows = await turn.trx
      .selectFrom('task_attempt')
      .selectAll()
      .where('state', '=', 'running')
      .where('epoch', '=', turn.epoch)
      .execute()
    return rows.filter((row) => !hasBegun(idOf(row)))
  })
  return lose(turn, unbegun, () => 'the metadata store went away while it was claimed, so it was never started')
}

/** Attempts of this scheduler whose runs were ended through another one: they are to be cancelled. */
export async function findStopped(turn: Turn): Promise<(RunKey & { reason: string })[]> {
  const rows = await turn.trx
    .selectFrom('task_attempt as attempt')
    .innerJoin('dag_run as run', (join) => join.onRef('run.dag_id', '=', 'attempt.dag_id').onRef('run.run_id', '=', 'attempt.run_id'))
    .select(['attempt.dag_id', 'attempt.run_id', 'run.reason'])
    .where('attempt.state', '=', 'running')
    .where('attempt.epoch', '=', turn.epoch)
    .where('run.state', 'not in', ['running', 'queued'])
    .execute()
  return rows.map((row) => ({ dagId: row.dag_id, runId: row.run_id, reason: row.reason ?? 'its run has ended' }))
}

/** Touches running runs with nothing under way: whoever should have advanced them ended before it could. */
export async function touchStalled(turn: Turn): Promise<void> {
  const stalled = await turn.trx
    .selectFrom('dag_run as run')
    .select(['run.dag_id', 'run.run_id'])
    .where('run.state', '=', 'running')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('task_instance as task')
            .select('task.task_id')
            .whereRef('task.dag_id', '=', 'run.dag_id')
            .whereRef('task.run_id', '=', 'run.run_id')
            .where('task.state', 'in', ['scheduled', 'queued', 'running', 'deferred', 'up_for_retry']),
        ),
      ),
    )
    .execute()
  for (const run of stalled) touch(turn, { dagId: run.dag_id, runId: run.run_id })
}

async function lose(turn: Turn, rows: readonly TaskAttemptTable[], reasonOf: (epoch: number) => string): Promise<Lost[]> {
  const lost: Lost[] = []
  for (const row of rows) {
    const id = idOf(row)
    const end = { is: 'lost' as const, reason: reasonOf(row.epoch) }
    const note = await recordEnd(turn, { id, end, cancelled: null, silent: true, progress: null, xcoms: new Map() })
    if (note !== null) lost.push({ id, note })
  }
  return lost
}

function idOf(row: Pick<TaskAttemptTable, 'dag_id' | 'run_id' | 'task_id' | 'attempt' | 'epoch'>): AttemptId {
  return { dagId: row.dag_id, runId: row.run_id, taskId: row.task_id, attempt: row.attempt, epoch: row.epoch }
}
