import { expect, test, vi } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { DeadLetterBook } from './dead-letter-book.ts'
import { DeadLetterLimit } from './dead-letter-limit.ts'
import { deadLettersOf, type DeadLetterKafka } from './read-dead-letters.ts'
import { batchOf, stored, type TestRecord } from './testing/batches.ts'
import { ScriptedKafka } from './testing/scripted-kafka.ts'
import { startRun } from './testing/start-run.ts'
import { TableModel } from './testing/table-model.ts'
import { someUsers, usersStream } from './testing/users.ts'

const at = 1_700_000_000_000
const poison: TestRecord = { key: 'p', value: 'poison', timestampMs: at + 7, headers: [{ key: 'trace', value: Buffer.from('t-1') }] }

/** Runs a stream over records of partition 0 until all are committed; returns its dead letters as a reader sees them. */
async function deadLettersFor(
  records: readonly TestRecord[],
  { table = new TableModel(), kafka = new ScriptedKafka(), stream = usersStream() } = {},
) {
  kafka.produce('users', 0, records)
  const run = startRun({ kafka, table, stream })
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(BigInt(records.length)))
  await run.stop()
  const letters = deadLettersOf(
    batchOf(
      kafka.sent.map((record) => ({ ...record, headers: [...record.headers] })),
      { topic: 'shop.load.dlq' },
    ),
  )
  return { letters, run, kafka }
}

test('a dead letter carries the record untouched, where it came from, why, and its write time', async () => {
  const { letters, kafka } = await deadLettersFor([...someUsers(3), poison])
  expect(letters).toMatchObject([
    {
      reason: 'decode',
      stage: 'source',
      errorClass: 'RECORD_DECODE',
      topic: 'users',
      partition: 0,
      offset: 3n,
      key: { text: 'p' },
      value: { text: 'poison', json: undefined },
      timestampMs: at + 7,
      headers: [{ key: 'trace', value: new Uint8Array(Buffer.from('t-1')) }],
      writeMicros: BigInt(at + 7) * 1_000n,
    },
  ])
  const names = kafka.sent[0]?.headers.map(({ key }) => key)
  expect(names?.slice(0, 3)).toEqual(['trace', '__connect.errors.topic', '__connect.errors.partition'])
})

test('the dead-letter topic is made at the start: kept for ever, for records of any size', async () => {
  const { kafka } = await deadLettersFor(someUsers(1))
  expect(kafka.createdTopics).toMatchObject([
    { name: 'shop.load.dlq', configs: { 'retention.ms': '-1' } },
    { name: 'shop.load.retry', configs: { 'retention.ms': '-1' } },
  ])
  expect(Number(kafka.createdTopics[0]?.configs['max.message.bytes'])).toBeGreaterThan(1_048_588)
})

test('what a step throws is kept with its class and a stack trace that is cut', async () => {
  const stream = usersStream([
    {
      is: 'map',
      fn: () => {
        const error = new RangeError('too far '.repeat(1_000))
        error.stack = 'x'.repeat(100_000)
        throw error
      },
    },
  ])
  const { letters } = await deadLettersFor(someUsers(1), { stream })
  expect(letters).toMatchObject([{ reason: 'step', stage: 'map-1', errorClass: 'RangeError' }])
  expect(letters[0]?.message.length).toBeLessThanOrEqual(2_000)
  expect(letters[0]?.stack?.length).toBeLessThanOrEqual(4_000)
})

test('a row that the table refuses is a dead letter; rows beside it are written', async () => {
  const table = new TableModel()
  table.refuse = ({ id }) => (id === 'u1' ? new MillraceError('RECORD_REFUSED', 'name is too long') : null)
  const { letters, run } = await deadLettersFor(someUsers(3), { table })
  expect(letters).toMatchObject([{ reason: 'sink', stage: 'sink', message: 'name is too long', key: { text: 'u1' } }])
  expect(run.last()).toMatchObject({ rowsWritten: 2, deadLetters: 1 })
})

test('the offset is committed only after the dead letters are acknowledged (P5)', async () => {
  const kafka = new ScriptedKafka()
  const order: string[] = []
  kafka.onOperation = (operation, moment) => {
    if (moment === 'after' && operation !== 'poll') order.push(operation)
  }
  kafka.failures.send.push(new MillraceError('KAFKA_RETRIABLE', 'no leader'))
  await deadLettersFor([poison], { kafka })
  expect(order).toEqual(['createTopics', 'createTopics', 'send', 'commit'])
})

test('a dead letter that Kafka will not take stops the stream with its offset uncommitted', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, [poison])
  kafka.failures.send.push(new MillraceError('KAFKA', 'MESSAGE_TOO_LARGE'))
  const run = startRun({ kafka, table: new TableModel(), stream: usersStream() })
  await expect(run.ended).rejects.toMatchObject({ code: 'KAFKA' })
  expect(kafka.committed.size).toBe(0)
})

test('a dead letter that becomes one again keeps its older origin; the last one counts', () => {
  const [letter] = deadLettersOf(
    batchOf([
      stored({
        key: 'a',
        value: { id: 'a' },
        timestampMs: at,
        headers: [
          { key: '__connect.errors.offset', value: Buffer.from('1') },
          { key: '__connect.errors.offset', value: Buffer.from('2') },
          { key: '__connect.errors.stage', value: Buffer.from('VALUE_CONVERTER') },
        ],
      }),
    ]),
  )
  expect(letter).toMatchObject({
    offset: 2n,
    reason: 'VALUE_CONVERTER',
    topic: 'users',
    headers: [],
    value: { json: { id: 'a' } },
    writeMicros: null,
  })
})

test('dead letters of other tools, with headers missing or mad, are read all the same', () => {
  const [letter] = deadLettersOf(
    batchOf(
      [stored({ key: null, value: undefined, timestampMs: -1, headers: [{ key: '__connect.errors.offset', value: Buffer.from('none') }] })],
      { firstOffset: 9n },
    ),
  )
  expect(letter).toMatchObject({ reason: 'unknown', message: '', offset: 9n, key: null, value: null })
})

function kafkaWith(records: readonly TestRecord[], error: string | null = null): DeadLetterKafka & { open: () => number } {
  let open = 0
  const batch = batchOf(records.map(stored))
  return {
    admin: {
      metadata: async ([name = '']) => ({ topics: [{ name, topicId: 'one', error, partitions: [{ partition: 0 }] }] }),
      listOffsets: async (partitions, at) => partitions.map((each) => ({ ...each, offset: at === 'earliest' ? 0n : batch.nextOffset })),
    },
    reader: () => {
      let isRead = false
      open++
      return {
        poll: async () => {
          isRead = true
          return [batch]
        },
        positions: () => [{ topic: 'x', partition: 0, offset: isRead ? batch.nextOffset : 0n }],
        close: async () => void open--,
      }
    },
    open: () => open,
  }
}

function letterAt(offset: number, message: string): TestRecord {
  const headers = [
    { key: '__connect.errors.offset', value: Buffer.from(String(offset)) },
    { key: '__connect.errors.exception.message', value: Buffer.from(message) },
  ]
  return { key: 'k', value: 'v', timestampMs: at, headers }
}

test('reading dead letters gives the newest, oldest first, and one that a crash repeated once', async () => {
  const kafka = kafkaWith([letterAt(1, 'a'), letterAt(2, 'b'), letterAt(3, 'c'), letterAt(2, 'b again')])
  const { letters, hasMore, counts } = await new DeadLetterBook(kafka, 'shop', 'load').page({ limit: 2 })
  expect(letters.map(({ message }) => message)).toEqual(['c', 'b again'])
  expect({ hasMore, counts }).toEqual({ hasMore: true, counts: { open: 3, replayed: 0, discarded: 0, failedAgain: 0 } })
  expect(kafka.open()).toBe(0)
})

test('a stream that has no dead-letter topic has no dead letters; one that may not be read is an error', async () => {
  expect(await new DeadLetterBook(kafkaWith([], 'UNKNOWN_TOPIC_OR_PARTITION'), 'shop', 'load').page()).toMatchObject({
    letters: [],
  })
  await expect(new DeadLetterBook(kafkaWith([], 'TOPIC_AUTHORIZATION_FAILED'), 'shop', 'load').page()).rejects.toMatchObject({
    code: 'KAFKA',
  })
})

test('the limit is passed at more than the ratio of the last records, and not below the least count', () => {
  const limit = new DeadLetterLimit({ window: 10, ratio: 0.5, atLeast: 3 })
  expect(limit.take(2, [0, 1])).toBeNull()
  expect(limit.take(4, [])).toBeNull()
  expect(limit.take(1, [0])).toBeNull()
  expect(limit.take(1, [0])).toBeNull()
  expect(limit.take(1, [0])).toEqual({ failed: 5, of: 9 })
})

test('failures older than the window are forgotten', () => {
  const limit = new DeadLetterLimit({ window: 4, ratio: 0.5, atLeast: 2 })
  expect(limit.take(1, [0])).toBeNull()
  expect(limit.take(4, [])).toBeNull()
  expect(limit.take(4, [0, 3])).toBeNull()
  expect(limit.take(1, [0])).toBeNull()
  expect(limit.take(1, [0])).toEqual({ failed: 3, of: 4 })
})
