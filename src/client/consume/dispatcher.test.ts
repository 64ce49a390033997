import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Dispatcher, type Lanes } from './dispatcher.ts'

const plans = fc.record({
  concurrency: fc.integer({ min: 1, max: 4 }),
  /** Of each job its lane (null: none) and how many turns it takes. */
  jobs: fc.array(fc.record({ lane: fc.option(fc.nat({ max: 3 })), turns: fc.nat({ max: 4 }) }), { maxLength: 40 }),
})

test('property: every job runs once, so many at a time and no more, those of a lane one after another in their order', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async ({ concurrency, jobs }) => {
      const dispatcher = new Dispatcher(concurrency)
      const lanes: Lanes = new Map()
      const begun: number[] = []
      const running = new Map<number, number | null>()
      const all = jobs.map(({ lane, turns }, i) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        dispatcher.add(
          async () => {
            expect(lane !== null && [...running.values()].includes(lane)).toBe(false)
            running.set(i, lane)
            begun.push(i)
            expect(running.size).toBeLessThanOrEqual(concurrency)
            for (let turn = 0; turn < turns; turn++) await Promise.resolve()
            running.delete(i)
            resolve()
          },
          lane === null ? null : { lanes, number: lane },
        )
        return promise
      })
      await Promise.all(all)
      expect(begun.toSorted((a, b) => a - b)).toEqual([...jobs.keys()])
      for (const lane of [0, 1, 2, 3]) {
        const ofLane = begun.filter((i) => jobs[i]?.lane === lane)
        expect(ofLane).toEqual(ofLane.toSorted((a, b) => a - b))
      }
      await Promise.resolve()
      expect(lanes.size).toBe(0)
    }),
  )
})

test('a lane that waits holds up no other', async () => {
  const dispatcher = new Dispatcher(2)
  const lanes: Lanes = new Map()
  const { promise, resolve } = Promise.withResolvers<void>()
  const begun: string[] = []
  const job =
    (name: string, until: Promise<void> = Promise.resolve()) =>
    async (): Promise<void> => {
      begun.push(name)
      await until
    }
  dispatcher.add(job('a1', promise), { lanes, number: 1 })
  dispatcher.add(job('a2'), { lanes, number: 1 })
  const last = Promise.withResolvers<void>()
  dispatcher.add(job('b1'), { lanes, number: 2 })
  dispatcher.add(
    async () => {
      begun.push('b2')
      last.resolve()
    },
    { lanes, number: 2 },
  )
  await last.promise
  expect(begun).toEqual(['a1', 'b1', 'b2'])
  resolve()
})
