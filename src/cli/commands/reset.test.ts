import { expect, test } from 'vitest'
import type { OffsetMove, ResetView } from '../../core/index.ts'
import { notThereYet } from './reset.ts'

const move = (partition: number, again: number, skipped: number): OffsetMove => ({
  partition,
  from: '9',
  to: '7',
  again,
  skipped,
  note: null,
})
const view = (...partitions: OffsetMove[]): ResetView => ({
  stream: 'load',
  topic: 'users',
  group: 'g',
  to: '7',
  partitions,
  again: partitions.reduce((sum, { again }) => sum + again, 0),
  skipped: partitions.reduce((sum, { skipped }) => sum + skipped, 0),
  isExact: true,
})

test('a replay from where a stream has not come to says how records are skipped', () => {
  expect(notThereYet(view(move(0, 0, 40)), '7')).toMatchObject({
    code: 'BAD_REQUEST',
    message: 'load has not come to 7 yet, so there is nothing to replay from there: to skip 40 records, use "millrace reset load --to 7".',
  })
})

test('where it has come there in some partitions, those are named, and nobody is told to skip the others', () => {
  expect(notThereYet(view(move(0, 5, 0), move(1, 0, 40), move(2, 3, 0)), '7').message).toBe(
    'load has not come to 7 yet in partition 1: replay the others (0, 2), each with --partition.',
  )
})
