import { expect, test } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { OpenDeadLetters } from './count-dead-letters.ts'
import type { DeadLetterKafka } from './read-dead-letters.ts'
import { batchOf, stored } from './testing/batches.ts'

/** A dead-letter topic of one partition; a reader gets one batch a poll, to the end of the log. */
class Letters {
  topicId = 'one'
  start = 0n
  end = 0n
  /** Records that are there already when a reader comes, behind the end that was told before. */
  later = 0n
  readonly readFrom: bigint[] = []

  readonly kafka: DeadLetterKafka = {
    admin: {
      metadata: async ([name = '']) => ({ topics: [{ name, topicId: this.topicId, error: null, partitions: [{ partition: 0 }] }] }),
      listOffsets: async (partitions, at) => partitions.map((each) => ({ ...each, offset: at === 'earliest' ? this.start : this.end })),
    },
    reader: ({ from }) => {
      let offset = from === 'earliest' ? this.start : from.offset
      this.readFrom.push(offset)
      return {
        poll: async () => {
          if (offset < this.start) throw new MillraceError('OFFSET_OUT_OF_RANGE', 'gone')
          this.end += this.later
          this.later = 0n
          const count = Number(this.end - offset)
          const records = Array.from({ length: count }, () => stored({ key: 'k', value: 'v', timestampMs: 1 }))
          const batch = batchOf(records, { firstOffset: offset })
          offset = batch.nextOffset
          return [batch]
        },
        positions: () => [{ topic: 'p.s.dlq', partition: 0, offset }],
        close: async () => undefined,
      }
    },
  }

  readonly open = new OpenDeadLetters(this.kafka, 'p', 's')

  count(): Promise<{ records: number; isExact: boolean }> {
    return this.open.count({ withinMs: 60_000 })
  }
}

test('letters of a topic that was made anew are counted, however many there were before', async () => {
  const letters = new Letters()
  letters.end = 3n
  expect(await letters.count()).toEqual({ records: 3, isExact: true })
  letters.topicId = 'two'
  letters.start = 2n
  letters.end = 5n
  expect(await letters.count()).toEqual({ records: 3, isExact: true })
})

test('letters that were deleted while they were counted are counted no more', async () => {
  const letters = new Letters()
  letters.end = 3n
  await letters.count()
  letters.start = 8n
  letters.end = 10n
  expect(await letters.count()).toEqual({ records: 2, isExact: true })
})

test.each([
  ['deleted from the start', { start: 8n }, 2],
  ['cut off at the end', { end: 4n }, 4],
])('of letters of which some were %s, those that are left are counted', async (_, left, records) => {
  const letters = new Letters()
  letters.end = 10n
  await letters.count()
  Object.assign(letters, left)
  expect(await letters.count()).toEqual({ records, isExact: true })
})

test('what came while it was read is read once', async () => {
  const letters = new Letters()
  letters.end = 3n
  letters.later = 2n
  expect(await letters.count()).toEqual({ records: 5, isExact: true })
  expect(await letters.count()).toEqual({ records: 5, isExact: true })
  letters.end = 6n
  expect(await letters.count()).toEqual({ records: 6, isExact: true })
  expect(letters.readFrom).toEqual([0n, 5n])
})
