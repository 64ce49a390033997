import type { SchedulerHandle } from '../../scheduler/index.ts'

/** A run that is still at work is among the latest. */
const looksAt = 1_000

/**
 * A run that is at work, in words, of the DAG by whose run a source was last read; null: there is none. Not of that run alone: the
 * next one has no page to its name before it has written the first. DAGs of one schedule have runs of one id; then it may be of another.
 */
export async function liveRun(scheduler: Pick<SchedulerHandle, 'runs'>, lastRun: string): Promise<string | null> {
  const runs = await scheduler.runs({ limit: looksAt })
  const dags = new Set(runs.filter(({ runId }) => runId === lastRun).map(({ dagId }) => dagId))
  const found = runs.find(({ dagId, state }) => dags.has(dagId) && (state === 'queued' || state === 'running'))
  return found === undefined ? null : `run ${found.runId} of DAG ${found.dagId} (${found.state})`
}
