import type { TaskDef } from '../core/index.ts'

/** Attempts lost one after another before the task fails. */
export const maxLostInRow = 5

/** The wait in ms before the retry that follows the `failures`-th failure (from 1): fixed, or doubled each time up to the limit. */
export function retryDelayMs(
  task: Pick<TaskDef, 'retryDelayMs' | 'retryExponentialBackoff' | 'maxRetryDelayMs'>,
  failures: number,
): number {
  if (!task.retryExponentialBackoff) return task.retryDelayMs
  return Math.min(task.maxRetryDelayMs, task.retryDelayMs * 2 ** Math.min(failures - 1, 40))
}

/** `90s`, `5m`, `1.5s`: a length of time for a log line. */
export function describeMs(ms: number): string {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms >= 1_000 ? `${ms / 1_000}s` : `${ms}ms`
}
