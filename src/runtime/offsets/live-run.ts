import type { SourceCursorView } from '../../core/index.ts'
import type { SchedulerHandle } from '../../scheduler/index.ts'

/** A run that is still at work is among the latest. */
const looksAt = 1_000

/**
 * A run that is at work, in words, of the DAG by whose run a source was last read; null: there is none. Not of that run alone: the
 * next one has no page to its name before it has written the first. Where the DAG is not known it may be any that has a run of that id.
 */
export async function liveRun(
  scheduler: Pick<SchedulerHandle, 'runs'>,
  last: Pick<SourceCursorView, 'dag' | 'run'>,
): Promise<string | null> {
  const runs = await scheduler.runs({ limit: looksAt })
  const dags = last.dag === '' ? runs.filter(({ runId }) => runId === last.run).map(({ dagId }) => dagId) : [last.dag]
  const found = runs.find(({ dagId, state }) => dags.includes(dagId) && (state === 'queued' || state === 'running'))
  return found === undefined ? null : `run ${found.runId} of DAG ${found.dagId} (${found.state})`
}
