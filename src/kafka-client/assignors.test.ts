import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignRange } from './assignors.ts'

const member = (memberId: string, topics: readonly string[], groupInstanceId: string | null = null) => ({
  memberId,
  topics,
  groupInstanceId,
})

describe('the range assignor', () => {
  it('gives neighbours to each, the first ones one more', () => {
    const assignment = assignRange([member('b', ['t']), member('a', ['t'])], () => 5)
    expect(assignment.get('a')).toEqual([{ topic: 't', partitions: [0, 1, 2] }])
    expect(assignment.get('b')).toEqual([{ topic: 't', partitions: [3, 4] }])
  })

  it('puts static members first, so that they keep theirs whatever member id they get', () => {
    const assignment = assignRange([member('a', ['t']), member('z', ['t'], 'instance')], () => 2)
    expect(assignment.get('z')).toEqual([{ topic: 't', partitions: [0] }])
  })

  it('leaves out topics that do not exist, and members without a partition have an empty share', () => {
    const assignment = assignRange([member('a', ['gone']), member('b', ['t'])], (topic) => (topic === 't' ? 1 : 0))
    expect(assignment.get('a')).toEqual([])
    expect(assignment.get('b')).toEqual([{ topic: 't', partitions: [0] }])
  })

  it('gives each partition to exactly one subscriber, evenly', () => {
    const members = fc.uniqueArray(fc.record({ memberId: fc.string(), topics: fc.subarray(['x', 'y', 'z'], { minLength: 1 }) }), {
      selector: ({ memberId }) => memberId,
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 20 }), (some, count) => {
        const assignment = assignRange(
          some.map(({ memberId, topics }) => member(memberId, topics)),
          () => count,
        )
        for (const topic of new Set(some.flatMap(({ topics }) => topics))) {
          const shares = some.map(({ memberId }) => assignment.get(memberId)?.find((share) => share.topic === topic)?.partitions ?? [])
          expect(shares.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
          const sizes = shares.filter((_, i) => some[i]?.topics.includes(topic)).map((share) => share.length)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})
