import { expect, test } from 'vitest'
import { systemClock } from '../platform/index.ts'
import { LiveFeed } from './live-feed.ts'

test('status is asked for once a second, however many read', async () => {
  let [nowMs, asked] = [0, 0]
  const status = (): Promise<never> => {
    asked++
    return Promise.reject(new Error('not needed'))
  }
  const scheduler = { runs: () => Promise.resolve([]) } as const
  const feed = new LiveFeed({ status, scheduler: { ...noScheduler, ...scheduler } }, { ...systemClock, monotonicMs: () => nowMs })
  const first = async (): Promise<unknown> => {
    const ending = new AbortController()
    for await (const { event } of feed.read(null, ending.signal, () => false)) {
      ending.abort()
      return event
    }
    return null
  }
  expect([await first(), await first(), await first()]).toEqual(['runs', 'runs', 'runs'])
  expect(asked).toBe(1)
  nowMs += 1_000
  await first()
  expect(asked).toBe(2)
})

const no = (): Promise<never> => Promise.reject(new Error('not needed'))
const noScheduler = { dags: no, run: no, trigger: no, cancelRun: no, setPaused: no, attemptLog: no }
