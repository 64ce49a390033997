import { runName, type RunKey, type Turn } from './turn.ts'

/*
 * Several schedulers on one store, no leader. Whoever changes a run or its tasks holds the run's row; whoever makes or starts runs of a
 * DAG holds the DAG's row (so that `maxActiveRuns` holds across schedulers); whoever claims a task holds the task's row and shares
 * the run's. A transaction first waits for the rows of what it must record, in one order for all; everything else it takes only when
 * nobody holds it (SKIP LOCKED) and otherwise leaves to the next turn: so nobody waits for two that wait for each other. What was read
 * before a lock is read again under it. On SQLite a transaction holds the whole store.
 */

/** Holds the rows of the runs until the transaction ends. `skip` leaves out those that another scheduler holds. @returns the names of those held */
export async function lockRuns(turn: Turn, runs: readonly RunKey[], how: 'wait' | 'skip'): Promise<ReadonlySet<string>> {
  const names = new Set(runs.map(runName))
  const missing = runs.filter((run) => !turn.held.has(runName(run)))
  if (!turn.shared || missing.length === 0) return names
  let query = turn.trx
    .selectFrom('dag_run')
    .select(['dag_id', 'run_id'])
    .where((eb) =>
      eb(
        eb.refTuple('dag_id', 'run_id'),
        'in',
        missing.map(({ dagId, runId }) => eb.tuple(dagId, runId)),
      ),
    )
    .orderBy('dag_id')
    .orderBy('run_id')
    .forUpdate()
  if (how === 'skip') query = query.skipLocked()
  for (const row of await query.execute()) turn.held.add(runName({ dagId: row.dag_id, runId: row.run_id }))
  const held = new Set([...names].filter((name) => turn.held.has(name)))
  turn.skipped ||= held.size < names.size
  return held
}

/** Holds the DAGs' rows that nobody else holds. @returns the ids of those held */
export async function lockDags(turn: Turn, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const names = new Set(ids)
  if (!turn.shared || names.size === 0) return names
  const rows = await turn.trx
    .selectFrom('dag')
    .select('id')
    .where('id', 'in', [...names])
    .orderBy('id')
    .forUpdate()
    .skipLocked()
    .execute()
  turn.skipped ||= rows.length < names.size
  return new Set(rows.map((row) => row.id))
}

/** Holds the DAG's row, waiting for whoever has it: what is asked for once makes one run, whichever schedulers are asked. */
export async function awaitDag(turn: Turn, id: string): Promise<void> {
  if (turn.shared) await turn.trx.selectFrom('dag').select('id').where('id', '=', id).forUpdate().execute()
}

/** What `find` finds in runs that nobody else holds, as it is once they are held here. */
export async function underRunLocks<R extends { dag_id: string; run_id: string }>(turn: Turn, find: () => Promise<R[]>): Promise<R[]> {
  const found = await find()
  if (!turn.shared || found.length === 0) return found
  const keyOf = (row: R): RunKey => ({ dagId: row.dag_id, runId: row.run_id })
  const held = await lockRuns(turn, found.map(keyOf), 'skip')
  if (held.size === 0) return []
  return (await find()).filter((row) => held.has(runName(keyOf(row))))
}
