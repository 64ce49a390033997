import type { TriggerRule } from '../core/index.ts'
import type { TaskState } from '../core/index.ts'

export type RuleVerdict = 'wait' | 'run' | 'skipped' | 'upstream_failed'

export function isFinished(state: TaskState): boolean {
  return state === 'success' || state === 'failed' || state === 'upstream_failed' || state === 'skipped' || state === 'removed'
}

/**
 * What a trigger rule says to a task whose direct upstream tasks are in these states; verdicts and their order as in Airflow's
 * `TriggerRuleDep`: a rule that can no longer be met ends the task as soon as that is certain.
 */
export function evaluateTriggerRule(rule: TriggerRule, upstream: readonly TaskState[]): RuleVerdict {
  const total = upstream.length
  if (total === 0) return 'run'
  const count = (...states: TaskState[]): number => upstream.filter((state) => states.includes(state)).length
  const succeeded = count('success')
  const skipped = count('skipped')
  const failed = count('failed', 'upstream_failed')
  const done = upstream.filter(isFinished).length
  const allDone = done === total
  const runWhenAllDone: RuleVerdict = allDone ? 'run' : 'wait'

  switch (rule) {
    case 'always':
      return 'run'
    case 'all_done':
      return runWhenAllDone
    case 'all_success':
      if (failed > 0) return 'upstream_failed'
      return skipped > 0 ? 'skipped' : runWhenAllDone
    case 'all_failed':
      return succeeded > 0 || skipped > 0 ? 'skipped' : runWhenAllDone
    case 'all_skipped':
      return succeeded > 0 || failed > 0 ? 'skipped' : runWhenAllDone
    case 'one_success':
      if (succeeded > 0) return 'run'
      if (!allDone) return 'wait'
      return skipped === total ? 'skipped' : 'upstream_failed'
    case 'one_failed':
      if (failed > 0) return 'run'
      return allDone ? 'skipped' : 'wait'
    case 'one_done':
      // Airflow counts tasks that ran: neither skipped nor upstream_failed.
      if (count('success', 'failed') > 0) return 'run'
      return allDone ? 'skipped' : 'wait'
    case 'none_failed':
      return failed > 0 ? 'upstream_failed' : runWhenAllDone
    case 'none_failed_min_one_success':
      if (failed > 0) return 'upstream_failed'
      return skipped === total ? 'skipped' : runWhenAllDone
    case 'none_skipped':
      return skipped > 0 ? 'skipped' : runWhenAllDone
  }
}
