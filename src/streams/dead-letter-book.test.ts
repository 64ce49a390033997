import { expect, test } from 'vitest'
import { DeadLetterBook } from './dead-letter-book.ts'
import type { DeadLetterKafka } from './read-dead-letters.ts'
import { batchOf, stored } from './testing/batches.ts'

/** A dead-letter topic of some partitions with letters of 1 MB. */
class Letters {
  readonly sizes: number[]
  recordsRead = 0

  constructor(sizes: number[]) {
    this.sizes = sizes
  }

  readonly kafka: DeadLetterKafka = {
    admin: {
      metadata: async ([name = '']) => ({
        topics: [{ name, topicId: 'one', error: null, partitions: this.sizes.map((_, partition) => ({ partition })) }],
      }),
      listOffsets: async (partitions, at) =>
        partitions.map((each) => ({ ...each, offset: at === 'earliest' ? 0n : BigInt(this.sizes[each.partition] ?? 0) })),
    },
    reader: ({ topic, partitions: [partition = 0] = [], from }) => {
      let offset = from === 'earliest' ? 0n : from.offset
      return {
        poll: async () => {
          this.recordsRead++
          const value = `${partition}/${offset}`.padEnd(1_000_000)
          const batch = batchOf([stored({ key: 'k', value, timestampMs: 1 })], { topic, partition, firstOffset: offset })
          offset++
          return [batch]
        },
        positions: () => [{ topic, partition, offset }],
        close: async () => undefined,
      }
    },
  }

  readAgain(): number {
    const read = this.recordsRead
    this.recordsRead = 0
    return read
  }
}

test('the bytes of letters that were not asked for lately are read again, where they stand', async () => {
  const topic = new Letters([20])
  const book = new DeadLetterBook(topic.kafka, 'p', 's')
  expect((await book.page({ limit: 1 })).letters.map(({ id }) => id)).toEqual(['0:19'])
  expect(topic.readAgain()).toBe(20)
  await book.page({ limit: 1 })
  expect(topic.readAgain()).toBe(0)
  const { letters, hasMore } = await book.page({ filter: { before: '0:2' } })
  expect([letters.map(({ value }) => value?.text?.trim()), hasMore]).toEqual([['0/0', '0/1'], false])
  expect(topic.readAgain()).toBe(2)
})

test('letters of several partitions stand in the order of their ids, read at once or one after another', async () => {
  const topic = new Letters([1, 0, 1])
  const book = new DeadLetterBook(topic.kafka, 'p', 's')
  await book.page()
  topic.sizes.splice(0, 3, 2, 1, 2)
  const late = await book.page({ limit: 4 })
  expect(late.letters.map(({ id }) => id)).toEqual(['0:1', '1:0', '2:0', '2:1'])
  expect(late.letters.map(({ value }) => value?.text?.trim())).toEqual(['0/1', '1/0', '2/0', '2/1'])
  expect(late).toEqual(await new DeadLetterBook(topic.kafka, 'p', 's').page({ limit: 4 }))
})
