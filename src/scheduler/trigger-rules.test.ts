import { expect, test } from 'vitest'
import { triggerRules, type TriggerRule } from '../core/index.ts'
import { evaluateTriggerRule, type RuleVerdict } from './trigger-rules.ts'
import type { TaskState } from '../core/index.ts'

const s: TaskState = 'success'
const f: TaskState = 'failed'
const u: TaskState = 'upstream_failed'
const k: TaskState = 'skipped'
const r: TaskState = 'running'

/** Upstream states and what each rule says, as Airflow's TriggerRuleDep does. */
const cases: Record<TriggerRule, [upstream: TaskState[], verdict: RuleVerdict][]> = {
  all_success: [
    [[s, s], 'run'],
    [[s, r], 'wait'],
    [[f, r], 'upstream_failed'],
    [[u, s], 'upstream_failed'],
    [[k, r], 'skipped'],
    [[k, f], 'upstream_failed'],
  ],
  all_failed: [
    [[f, u], 'run'],
    [[f, r], 'wait'],
    [[s, r], 'skipped'],
    [[k, f], 'skipped'],
  ],
  all_done: [
    [[s, f, k, u], 'run'],
    [[f, r], 'wait'],
  ],
  all_skipped: [
    [[k, k], 'run'],
    [[k, r], 'wait'],
    [[k, s], 'skipped'],
    [[f, r], 'skipped'],
  ],
  one_success: [
    [[s, r], 'run'],
    [[f, r], 'wait'],
    [[f, f], 'upstream_failed'],
    [[k, k], 'skipped'],
    [[k, f], 'upstream_failed'],
  ],
  one_failed: [
    [[f, r], 'run'],
    [[u, r], 'run'],
    [[s, r], 'wait'],
    [[s, k], 'skipped'],
  ],
  one_done: [
    [[s, r], 'run'],
    [[f, r], 'run'],
    [[k, r], 'wait'],
    [[u, r], 'wait'],
    [[k, k], 'skipped'],
  ],
  none_failed: [
    [[s, k], 'run'],
    [[k, k], 'run'],
    [[k, r], 'wait'],
    [[f, r], 'upstream_failed'],
  ],
  none_failed_min_one_success: [
    [[s, k], 'run'],
    [[k, k], 'skipped'],
    [[s, r], 'wait'],
    [[u, r], 'upstream_failed'],
  ],
  none_skipped: [
    [[s, f, u], 'run'],
    [[s, r], 'wait'],
    [[k, r], 'skipped'],
  ],
  always: [
    [[r, r], 'run'],
    [[f, k], 'run'],
  ],
}

const table = triggerRules.flatMap((rule) =>
  cases[rule].map(([upstream, verdict]) => ({ rule, upstream: upstream.join(', '), states: upstream, verdict })),
)

test.each(table)('$rule with $upstream upstream says $verdict', ({ rule, states, verdict }) => {
  expect(evaluateTriggerRule(rule, states)).toBe(verdict)
  expect(evaluateTriggerRule(rule, states.toReversed())).toBe(verdict)
})

test.each(triggerRules)('%s runs a task that has nothing upstream', (rule) => {
  expect(evaluateTriggerRule(rule, [])).toBe('run')
})

test.each(triggerRules)('%s decides when everything upstream is done', (rule) => {
  const finished: TaskState[] = [s, f, u, k]
  for (const a of finished) for (const b of finished) expect(evaluateTriggerRule(rule, [a, b])).not.toBe('wait')
})
