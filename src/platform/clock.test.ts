import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from './clock.ts'

const dayMs = 86_400_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a time of more than 24 days, which no timer of Node holds, is waited for to its end', async () => {
  let calls = 0
  systemClock.after(60 * dayMs, () => calls++)
  const slept = systemClock.sleep(60 * dayMs).then(() => calls++)
  await vi.advanceTimersByTimeAsync(60 * dayMs - 1)
  expect(calls).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  await slept
  expect(calls).toBe(2)
})

test('what is cancelled after its first 24 days is never called', async () => {
  let calls = 0
  const cancel = systemClock.after(60 * dayMs, () => calls++)
  const sleeping = new AbortController()
  const slept = expect(systemClock.sleep(60 * dayMs, sleeping.signal)).rejects.toMatchObject({ code: 'CANCELLED' })
  await vi.advanceTimersByTimeAsync(30 * dayMs)
  cancel()
  sleeping.abort()
  await slept
  await vi.advanceTimersByTimeAsync(90 * dayMs)
  expect([calls, vi.getTimerCount()]).toEqual([0, 0])
})
