import { expect, test } from 'vitest'
import { startingStatus, type OffsetMove, type ResetView, type StreamStatus } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { createOutput } from '../output.ts'
import type { ResetTarget } from '../reset-target.ts'
import { followReplay } from './follow-replay.ts'

const unasked = (): Promise<never> => Promise.reject(new Error('not asked'))
const move = (partition: number, from: string | null, to: string): OffsetMove => ({ partition, from, to, again: 0, skipped: 0, note: null })
const view = (to: string, ...partitions: OffsetMove[]): ResetView => ({
  stream: 'load',
  topic: 'users',
  group: 'g',
  to,
  partitions,
  again: 60,
  skipped: 0,
  isExact: true,
})
const status = (state: StreamStatus['state']): StreamStatus => ({
  ...startingStatus('load'),
  state,
})

/** A stream whose two partitions are committed at these places, one pair an answer. */
function target(
  places: [string | null, string | null][],
  state: StreamStatus['state'] | null = { is: 'running' },
): ResetTarget & { asked: number } {
  const asked: ResetTarget & { asked: number } = {
    asked: 0,
    planReset: unasked,
    resetStream: unasked,
    sources: unasked,
    resetSource: unasked,
    statuses: () => Promise.resolve(state === null ? [] : [status(state)]),
    streamOffsets: () => {
      const [zero = null, one = null] = places[Math.min(asked.asked++, places.length - 1)] ?? []
      const partitions = [zero, one].map((committed, partition) => ({ partition, committed, earliest: '0', latest: '100' }))
      return Promise.resolve({ stream: 'load', topic: 'users', group: 'g', partitions })
    },
  }
  return asked
}

async function followed(asked: ResetTarget, end: ResetView | null = null): Promise<string> {
  let text = ''
  const done = view('earliest', move(0, '40', '0'), move(1, '20', '0'))
  await followReplay(
    asked,
    createOutput(false, (more) => (text += more)),
    done,
    end,
  )
  return text
}

test('a replay is followed until each partition is where it was', async () => {
  const asked = target([
    [null, '0'],
    ['40', '19'],
    ['41', '20'],
  ])
  expect(await followed(asked)).toBe('load has caught up to where it was: 60 records read again\n')
  expect(asked.asked).toBe(3)
})

test('or until a place before that, where a partition has one', async () => {
  const asked = target([['10', '20']])
  expect(await followed(asked, view('10', move(0, '40', '10')))).toBe('load has caught up to 10\n')
  expect(asked.asked).toBe(1)
})

test('it ends with what the stream stops at, and when the stream does not run at all', async () => {
  const error = new MillraceError('DEAD_LETTER_LIMIT', 'Too many.').toJSON()
  await expect(followed(target([['0', '0']], { is: 'stopped', error }))).rejects.toMatchObject({ code: 'DEAD_LETTER_LIMIT' })
  await expect(followed(target([['0', '0']], null))).rejects.toMatchObject({ code: 'NOT_RUNNING' })
})

test('where no Millrace runs there is nothing to follow', async () => {
  expect(await followed({ ...target([]), statuses: null })).toBe('')
})
