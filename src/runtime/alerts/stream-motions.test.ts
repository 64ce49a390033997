import { expect, test } from 'vitest'
import { startingStatus, type StreamStatus } from '../../core/index.ts'
import { StreamMotions } from './stream-motions.ts'
import { SetClock } from './testing/set-clock.ts'

const running: StreamStatus = { ...startingStatus('s'), state: { is: 'running' } }

test('a stream whose records wait is seen since its last commit', () => {
  const clock = new SetClock()
  let status: StreamStatus = running
  const motions = new StreamMotions(() => [status], clock)
  expect(motions.look()).toEqual([{ stream: 's', is: 'moving' }])
  status = { ...running, lag: 5 }
  clock.advance(40_000)
  expect(motions.look()).toEqual([{ stream: 's', is: 'waiting', records: 5, forMs: 40_000, hasMoved: false }])
  status = { ...running, lag: 4, committed: { 't/0': '1' } }
  expect(motions.look()).toEqual([{ stream: 's', is: 'waiting', records: 4, forMs: 0, hasMoved: true }])
  clock.advance(70_000)
  expect(motions.look()).toEqual([{ stream: 's', is: 'waiting', records: 4, forMs: 70_000, hasMoved: true }])
  status = { ...status, lag: 0 }
  expect(motions.look()).toEqual([{ stream: 's', is: 'moving' }])
})

test('one that fails and begins again is seen since its last commit too', () => {
  const clock = new SetClock()
  const error = { code: 'CHILD_EXITED' as const, message: 'again', retriable: true }
  const retrying = (): StreamStatus => ({ ...running, lag: 5, state: { is: 'retrying', error, sinceMs: clock.nowMs(), attempt: 1 } })
  const motions = new StreamMotions(() => [retrying()], clock)
  expect(motions.look()).toEqual([{ stream: 's', is: 'retrying', forMs: 0 }])
  clock.advance(61_000)
  expect(motions.look()).toEqual([{ stream: 's', is: 'waiting', records: 5, forMs: 61_000, hasMoved: false }])
})

test('one that retries, has stopped or starts says so', () => {
  const error = { code: 'UNREACHABLE' as const, message: 'away', retriable: true }
  const look = (state: StreamStatus['state']): unknown => new StreamMotions(() => [{ ...running, state }], new SetClock()).look()
  expect(look({ is: 'retrying', error, sinceMs: new SetClock().nowMs() - 61_000, attempt: 3 })).toEqual([
    { stream: 's', is: 'retrying', forMs: 61_000 },
  ])
  expect(look({ is: 'stopped', error })).toEqual([{ stream: 's', is: 'stopped', failed: true }])
  expect(look({ is: 'stopped', error: null })).toEqual([{ stream: 's', is: 'stopped', failed: false }])
  expect(look({ is: 'starting' })).toEqual([{ stream: 's', is: 'starting' }])
})
