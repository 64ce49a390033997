import type { SchedulerHandle } from '../scheduler/index.ts'

/** How many records the runs of the project's DAGs have fetched, from the progress their tasks report. */
export interface FetchedCounter {
  total(): Promise<number>
}

export function countFetched(scheduler: Pick<SchedulerHandle, 'runs' | 'run'>): FetchedCounter {
  // A run that has ended does not change any more.
  const ended = new Map<string, number>()
  const ofRun = async (dagId: string, runId: string): Promise<number> => {
    const detail = await scheduler.run(dagId, runId)
    return (detail?.tasks ?? []).reduce((sum, task) => sum + (task.progress?.done ?? 0), 0)
  }
  return {
    total: async () => {
      let sum = 0
      for (const { dagId, runId, endedAt } of await scheduler.runs({ limit: 1_000 })) {
        const id = `${dagId}/${runId}`
        const count = ended.get(id) ?? (await ofRun(dagId, runId))
        if (endedAt !== null) ended.set(id, count)
        sum += count
      }
      return sum
    },
  }
}
