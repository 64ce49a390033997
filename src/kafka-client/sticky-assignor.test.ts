import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignCooperatively, type OwningMember } from './sticky-assignor.ts'

const flat = (assignment: ReturnType<typeof assignCooperatively>, memberId: string): string[] =>
  (assignment.get(memberId) ?? []).flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}-${partition}`))

const member = (memberId: string, owned: number[] = [], generationId = 1): OwningMember => ({
  memberId,
  groupInstanceId: null,
  topics: ['t'],
  owned: owned.map((partition) => ({ topic: 't', partition })),
  generationId,
})

/** Members join again with what they were given, as often as somebody has to give something up. */
function settle(members: OwningMember[], count: number): { members: OwningMember[]; rounds: number } {
  let now = members
  for (let rounds = 1; ; rounds++) {
    const assignment = assignCooperatively(now, (topic) => (topic === 't' || topic === 'u' ? count : 0))
    const gaveUp = now.some(({ memberId, owned }) =>
      owned.some(({ topic, partition }) => !flat(assignment, memberId).includes(`${topic}-${partition}`)),
    )
    now = now.map((each) => ({
      ...each,
      generationId: rounds + 10,
      owned: (assignment.get(each.memberId) ?? []).flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    }))
    if (!gaveUp) return { members: now, rounds }
  }
}

test("a partition that moves is nobody's until its owner has given it up", () => {
  const first = assignCooperatively([member('a', [0, 1, 2, 3]), member('b')], () => 4)
  expect(flat(first, 'a')).toHaveLength(2)
  expect(flat(first, 'b')).toEqual([])
  const { members, rounds } = settle([member('a', [0, 1, 2, 3]), member('b')], 4)
  expect(rounds).toBe(2)
  expect(members.map(({ owned }) => owned.length)).toEqual([2, 2])
})

test('those that stay keep what they have when one leaves', () => {
  const assignment = assignCooperatively([member('a', [0, 1]), member('b', [2, 3])], () => 6)
  expect(flat(assignment, 'a')).toEqual(expect.arrayContaining(['t-0', 't-1']))
  expect(flat(assignment, 'b')).toEqual(expect.arrayContaining(['t-2', 't-3']))
})

test('of two that claim a partition the later generation has it', () => {
  const { members } = settle([member('a', [0], 3), member('b', [0], 4)], 1)
  expect(members.map(({ owned }) => owned.length)).toEqual([0, 1])
})

test('every partition ends with one member that wants it, evenly, in at most three rounds, whatever was claimed before', () => {
  const topics = fc.constantFrom(['t'], ['t', 'u'])
  const claims = fc.array(fc.record({ topic: fc.constantFrom('t', 'u', 'gone'), partition: fc.nat(12) }), { maxLength: 12 })
  const members = fc.array(fc.record({ topics, owned: claims, generationId: fc.integer({ min: -1, max: 3 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  fc.assert(
    fc.property(members, fc.integer({ min: 1, max: 12 }), (given, count) => {
      const named = given.map((each, i) => ({ ...each, memberId: `m${i}`, groupInstanceId: null }))
      const { members: settled, rounds } = settle(named, count)
      const all = settled.flatMap(({ owned }) => owned.map(({ topic, partition }) => `${topic}-${partition}`))
      expect(new Set(all).size).toBe(all.length)
      const wanted = new Set(given.flatMap((each) => each.topics))
      expect(all).toHaveLength(wanted.size * count)
      expect(settled.every(({ topics: mine, owned }) => owned.every(({ topic }) => mine.includes(topic)))).toBe(true)
      if (new Set(given.map((each) => each.topics.length)).size === 1) {
        const loads = settled.map(({ owned }) => owned.length)
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
      }
      expect(rounds).toBeLessThanOrEqual(3)
    }),
  )
})
