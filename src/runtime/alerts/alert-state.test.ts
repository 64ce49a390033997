import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stepAlert, type AlertState, type AlertTimes } from './alert-state.ts'

const times: AlertTimes = { forMs: 20, resolveAfterMs: 30, repeatEveryMs: 100 }

/** What is told, when, if the cause is as `holds` says, a look each 10 ms. */
function told(holds: readonly (boolean | null)[], by: Partial<AlertTimes> = {}): string[] {
  let state: AlertState | null = null
  const messages: string[] = []
  for (const [at, each] of holds.entries()) {
    const step = stepAlert(state, each, at * 10, { ...times, ...by })
    state = step.state
    if (step.tell !== null) messages.push(`${step.tell.status} at ${at * 10}`)
  }
  return messages
}

const yes = (count: number): boolean[] => Array.from({ length: count }, () => true)
const no = (count: number): boolean[] => Array.from({ length: count }, () => false)

describe('an alert', () => {
  test('fires once its cause has lasted, and is resolved once it has been gone for a while', () => {
    expect(told([...no(2), ...yes(6), ...no(6)])).toEqual(['firing at 40', 'resolved at 110'])
  })

  test('says nothing of what passes before it would fire', () => {
    expect(told([...yes(2), ...no(1), ...yes(2), ...no(9)])).toEqual([])
  })

  test('fires at once where nothing has to last', () => {
    expect(told([true], { forMs: 0 })).toEqual(['firing at 0'])
  })

  test('is told once, however often its cause comes and goes in between', () => {
    expect(told([...yes(3), ...Array.from({ length: 4 }, () => [false, true]).flat()])).toEqual(['firing at 20'])
  })

  test('is told again while it goes on, each time the interval has passed', () => {
    expect(told(yes(24))).toEqual(['firing at 20', 'firing at 120', 'firing at 220'])
  })

  test('stays as it is while nobody can tell', () => {
    expect(told([...yes(3), ...Array.from({ length: 50 }, () => null), ...no(4)])).toEqual(['firing at 20', 'resolved at 560'])
    expect(told([true, null, null, null, true])).toEqual(['firing at 40'])
  })

  test('alternates between firing and resolved, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(true, false, null), { maxLength: 200 }), (holds) => {
        const messages = told(holds, { repeatEveryMs: Infinity }).map((each) => each.split(' ')[0])
        expect(messages).toEqual(messages.map((_, at) => (at % 2 === 0 ? 'firing' : 'resolved')))
      }),
    )
  })

  test('never says twice the same within the shortest of its times', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (holds) => {
        const at = told(holds).map((each) => Number(each.split(' ').at(-1)))
        for (const [index, ms] of at.entries()) if (index > 0) expect(ms - (at[index - 1] ?? 0)).toBeGreaterThanOrEqual(times.forMs)
      }),
    )
  })
})
