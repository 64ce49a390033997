import type { SchedulerHandle } from '../../scheduler/index.ts'

/** A run that is still at work is among the latest. */
const looksAt = 1_000

/** A run of this id that has not ended, in words; null: there is none. */
export async function liveRun(scheduler: Pick<SchedulerHandle, 'runs'>, run: string): Promise<string | null> {
  const found = (await scheduler.runs({ limit: looksAt })).find(({ runId }) => runId === run)
  const isLive = found?.state === 'queued' || found?.state === 'running'
  return isLive ? `run ${found.runId} of DAG ${found.dagId} (${found.state})` : null
}
