import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { describe, expect, test } from 'vitest'
import { addAskedFacts, formatFacts, mergeFacts, parseFacts, type SuiteFacts } from '../tools/compatibility/facts.ts'
import { compatibilityPage } from '../tools/compatibility/page.ts'
import { systems } from '../tools/engines/systems/index.ts'
import { root } from './harness/project.ts'

const facts = (over: Partial<SuiteFacts>): SuiteFacts => ({
  judges: ['Kafka 9'],
  suite: 'a suite',
  passed: 0,
  failed: 0,
  leftOut: 0,
  ...over,
})

describe('the page of what Millrace is tried on', () => {
  test('has a row for each suite under each of its judges, clients apart from systems', () => {
    const suites = [
      facts({ judges: ['Kafka 9', 'Cassandra 9'], suite: 'both', passed: 3, failed: 1, leftOut: 2 }),
      facts({ judges: ['kcat 1.2'], suite: 'a | b', passed: 1 }),
    ]
    const [, rows = '', clients = ''] = compatibilityPage(suites, new Set(['Kafka 9', 'Cassandra 9'])).split('\n## ')
    expect(rows).toContain('| Cassandra 9 | both | 3 passed, 1 failed, 2 left out |\n| Kafka 9 | both | 3 passed, 1 failed, 2 left out |')
    expect(rows).not.toContain('kcat')
    expect(clients).toContain('| kcat 1.2 | a \\| b | 1 passed |')
  })

  test('keeps what a suite found that runs only when asked for, until it is gone', () => {
    const asked = facts({ suite: 'large', passed: 4, onlyWith: 'LARGE=1' })
    const notAsked = facts({ suite: 'large', leftOut: 4, onlyWith: 'LARGE=1' })
    expect(mergeFacts([asked], [notAsked])).toEqual([asked])
    expect(mergeFacts([notAsked], [asked])).toEqual([asked])
    expect(mergeFacts([], [notAsked])).toEqual([notAsked])
    expect(mergeFacts([asked], [])).toEqual([])
    expect(mergeFacts([facts({ passed: 5 })], [facts({ leftOut: 5 })])).toEqual([facts({ leftOut: 5 })])
    expect(compatibilityPage([asked], new Set(['Kafka 9']))).toContain('4 passed (only with `LARGE=1`)')
  })

  test('takes from a run of a part only what was asked for by name', () => {
    const asked = facts({ suite: 'large', passed: 4, onlyWith: 'LARGE=1' })
    const before = [facts({ suite: 'always', passed: 2 }), facts({ suite: 'large', leftOut: 4, onlyWith: 'LARGE=1' })]
    expect(addAskedFacts(before, [asked, facts({ suite: 'always', passed: 1 }), facts({ suite: 'new', passed: 1 })])).toEqual([
      before[0],
      asked,
    ])
    expect(addAskedFacts([asked], [facts({ suite: 'large', leftOut: 4, onlyWith: 'LARGE=1' })])).toEqual([asked])
  })

  test('does not depend on the order in which the suites ended', () => {
    const suites = ['c', 'a', 'b'].map((suite) => facts({ suite, passed: 1 }))
    expect(mergeFacts([], suites)).toEqual(mergeFacts([], suites.toReversed()))
  })

  test('is made of the data beside it', async () => {
    const read = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8')
    const suites = parseFacts(read('compatibility.json'))
    expect(parseFacts(formatFacts(suites))).toEqual(suites)
    const made = compatibilityPage(suites, new Set([...systems.values()].map(({ title }) => title)))
    const path = join(root, 'docs/compatibility.md')
    expect(read('compatibility.md')).toBe(await format(made, { ...(await resolveConfig(path)), filepath: path }))
  })
})
