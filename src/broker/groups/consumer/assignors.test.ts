import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignors, type Subscriber } from './assignors.ts'
import { each, has, noPartitions, type Partitions } from './partitions.ts'

const topicIds = ['a', 'b', 'c'] as const
const sizes = fc
  .tuple(...topicIds.map(() => fc.nat({ max: 8 })))
  .map((counts) => new Map(topicIds.map((id, i) => [id as string, counts[i] ?? 0])))
const subscriptions = fc.array(fc.subarray([...topicIds]), { minLength: 1, maxLength: 6 })

function subscribers(topics: readonly (readonly string[])[], before: ReadonlyMap<string, Partitions> = new Map()): Subscriber[] {
  return topics.map((names, i) => ({
    id: `m${i}`,
    instanceId: i % 3 === 0 ? `i${i}` : null,
    topics: new Set(names),
    target: before.get(`m${i}`) ?? noPartitions,
  }))
}

const count = (partitions: Partitions | undefined): number => [...each(partitions ?? noPartitions)].length

test.each(Object.entries(assignors))('%s gives each partition that somebody reads to one of those who read it', (_name, assign) => {
  fc.assert(
    fc.property(subscriptions, sizes, (topics, counts) => {
      const given = new Map<string, string>()
      for (const [memberId, partitions] of assign(subscribers(topics), counts)) {
        for (const [topicId, partition] of each(partitions)) {
          expect(given.has(`${topicId}-${partition}`)).toBe(false)
          given.set(`${topicId}-${partition}`, memberId)
          expect(topics[Number(memberId.slice(1))]).toContain(topicId)
        }
      }
      const read = topicIds.filter((id) => topics.some((names) => names.includes(id)))
      expect(given.size).toBe(read.reduce((all, id) => all + (counts.get(id) ?? 0), 0))
    }),
  )
})

test('uniform gives members of the same topics as many each, and lets them keep what it can when one comes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), sizes, (members, counts) => {
      const uniform = assignors['uniform'] ?? (() => new Map<string, Partitions>())
      const all = Array.from({ length: members }, () => [...topicIds])
      const before = uniform(subscribers(all), counts)
      const shares = [...before.values()].map(count)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      const after = uniform(subscribers([...all, [...topicIds]], before), counts)
      const moved = [...after].flatMap(([id, partitions]) =>
        [...each(partitions)].filter(([topicId, partition]) => !has(before.get(id) ?? noPartitions, topicId, partition)),
      )
      expect(moved.length).toBe(count(after.get(`m${members}`)))
    }),
  )
})

test('range gives the same numbers of topics of one size to the same member', () => {
  const assigned = assignors['range']?.(
    subscribers([
      ['a', 'b'],
      ['a', 'b'],
    ]),
    new Map([
      ['a', 5],
      ['b', 5],
    ]),
  )
  for (const partitions of assigned?.values() ?? []) expect(partitions.get('a')).toEqual(partitions.get('b'))
  expect([...(assigned?.values() ?? [])].map(count)).toEqual([6, 4])
})
