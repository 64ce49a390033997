import { expect, test, vi } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { ScriptedKafka } from './testing/scripted-kafka.ts'
import { startRun } from './testing/start-run.ts'
import { TableModel } from './testing/table-model.ts'
import { someUsers, usersStream } from './testing/users.ts'

const zero = { topic: 'users', partition: 0 }

/** Holds every write until `open` is called. */
function gate(table: TableModel): { open: () => void; waiting: () => number } {
  const held: (() => void)[] = []
  let isOpen = false
  table.beforeWrite = () => (isOpen ? undefined : new Promise((resolve) => held.push(resolve)))
  return {
    open: () => {
      isOpen = true
      for (const release of held.splice(0)) release()
    },
    waiting: () => held.length,
  }
}

test('offsets are committed in order: a later batch that is written first waits for the earlier one', async () => {
  const kafka = new ScriptedKafka()
  kafka.batchSize = () => 10
  kafka.produce('users', 0, someUsers(20))
  const table = new TableModel()
  const held: (() => void)[] = []
  table.beforeWrite = ([first]) => (first?.id === 'u0' ? new Promise((resolve) => held.push(resolve)) : undefined)
  let polls = 0
  kafka.onOperation = (operation) => {
    if (operation === 'poll') polls++
  }
  const run = startRun({ kafka, table, stream: usersStream([], { commitIntervalMs: 0 }) })
  await vi.waitFor(() => expect(table.rows.size).toBe(10))
  polls = 0
  await vi.waitFor(() => expect(polls).toBeGreaterThan(4))
  expect(kafka.commits).toEqual([])
  held[0]?.()
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(20n))
  await run.stop()
})

test('before a partition is given up, the batches in hand are written and committed', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  const table = new TableModel()
  const { open, waiting } = gate(table)
  const run = startRun({ kafka, table, stream: usersStream([], { commitIntervalMs: 60_000 }) })
  await vi.waitFor(() => expect(waiting()).toBe(1))
  kafka.take('revoke', [zero])
  open()
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(10n))
  await vi.waitFor(() => expect(run.last().committed).toEqual({}), { timeout: 60_000 })
  await run.stop()
})

test('a partition is not held back by a table that is away; whoever gets it reads the records again', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  const table = new TableModel()
  const away = (): void => void table.unavailable.push(new MillraceError('UNREACHABLE', 'Cassandra is away.'))
  table.beforeWrite = away
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(run.last().state.is).toBe('retrying'))
  kafka.take('revoke', [zero])
  await vi.waitFor(() => expect(kafka.consumer?.assignedCount).toBe(0))
  expect(kafka.committed.size).toBe(0)
  table.beforeWrite = () => {}
  table.unavailable.length = 0
  kafka.give([zero])
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(10n))
  await run.stop()
  expect(table.rows.size).toBe(10)
})

test('a partition that was lost commits nothing, even when its writes end well', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  const table = new TableModel()
  const { open, waiting } = gate(table)
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(waiting()).toBe(1))
  kafka.take('lose', [zero])
  await vi.waitFor(() => expect(kafka.consumer?.assignedCount).toBe(0))
  open()
  await vi.waitFor(() => expect(table.rows.size).toBe(10))
  await run.stop()
  expect(kafka.commits).toEqual([])
  expect(run.last().rowsWritten).toBe(0)
})

test.each(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])(
  'a commit answered %s makes the stream join again and read again what was in hand',
  async (errorName) => {
    const kafka = new ScriptedKafka()
    kafka.produce('users', 0, someUsers(10))
    kafka.failures.commit.push(new MillraceError('KAFKA', errorName, { details: { errorName } }))
    const table = new TableModel()
    const run = startRun({ kafka, table, stream: usersStream() })
    await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(10n))
    await run.stop()
    expect(kafka.consumersOpened).toBe(2)
    expect(table.writes).toHaveLength(20)
    expect(new Set(table.writes.map(({ w }) => w)).size).toBe(10)
  },
)

test('dead letters whose transaction has no known outcome are settled by reading what is committed: none is doubled, none lost', async () => {
  for (const isDone of [true, false]) {
    const kafka = new ScriptedKafka()
    kafka.produce('users', 0, [...someUsers(5), { key: 'p', value: 'poison', timestampMs: 1_700_000_000_000 }])
    kafka.commitsInDoubt.push(isDone)
    const run = startRun({ kafka, table: new TableModel(), stream: usersStream() })
    await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(6n))
    await vi.waitFor(() => expect(kafka.consumersOpened).toBe(2))
    await run.stop()
    expect(kafka.sent.map(({ value }) => String(value))).toEqual(['poison'])
  }
})

test('what was in hand when the outcome of a commit got lost is read again, though the group gives another partition meanwhile', async () => {
  const one = { topic: 'users', partition: 1 }
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  kafka.produce('users', 1, [])
  const table = new TableModel()
  kafka.failures.commit.push(new MillraceError('TIMED_OUT', 'no answer', { details: { outcome: 'unknown' } }))
  const run = startRun({ kafka, table, stream: usersStream([], { commitIntervalMs: 60_000 }) })
  await vi.waitFor(() => expect(table.rows.size).toBe(10))
  // Giving up commits; what comes back in the same poll is not all that was dropped.
  kafka.take('revoke', [one])
  kafka.give([one])
  await vi.waitFor(() => expect(kafka.consumersOpened).toBe(2))
  await vi.waitFor(() => expect(table.writes).toHaveLength(20))
  await run.stop()
  expect(kafka.committed.get('users/0')?.offset).toBe(10n)
})

test("a stop while an earlier run's transactions cannot be settled yet is no failure", async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  const client = kafka.client()
  const run = startRun({
    kafka: {
      ...client,
      transactionalProducer: (options) => {
        const producer = client.transactionalProducer(options)
        const closed = Promise.withResolvers<void>()
        producer.init = () => closed.promise
        producer.close = async () => closed.reject(new MillraceError('CLOSED', 'The transactional producer is closed.'))
        return producer
      },
    },
    table: new TableModel(),
    stream: usersStream(),
  })
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(10n))
  await run.stop()
  expect(run.last().state).toEqual({ is: 'stopped', error: null })
})

test("a record that was lost to another member while its dead letter was written is that member's", async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, [{ key: 'p', value: 'poison', timestampMs: 1_700_000_000_000 }])
  const fenced = { details: { errorName: 'ILLEGAL_GENERATION' } }
  kafka.failures.commit.push(new MillraceError('KAFKA', 'the group went on', fenced))
  const run = startRun({ kafka, table: new TableModel(), stream: usersStream() })
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(1n))
  await run.stop()
  expect(kafka.consumersOpened).toBe(2)
  expect(kafka.sent).toHaveLength(1)
  expect(run.last().deadLetters).toBe(1)
})

test('dead letters whose transaction the next generation of the group overtook are written once, and nothing is read again', async () => {
  const kafka = new ScriptedKafka()
  kafka.membersMoveOn = true
  kafka.produce('users', 0, [...someUsers(5), { key: 'p', value: 'poison', timestampMs: 1_700_000_000_000 }])
  kafka.failures.send.push(new MillraceError('KAFKA', 'the group went on', { details: { errorName: 'ILLEGAL_GENERATION' } }))
  const table = new TableModel()
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(6n))
  await run.stop()
  expect(kafka.consumersOpened).toBe(1)
  expect(kafka.sent).toHaveLength(1)
  expect(table.writes).toHaveLength(5)
})

test('a commit that failed for now is made again', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  kafka.failures.commit.push(
    new MillraceError('KAFKA', 'rebalancing', { details: { errorName: 'REBALANCE_IN_PROGRESS' } }),
    new MillraceError('UNREACHABLE', 'Kafka is away.'),
  )
  const run = startRun({ kafka, table: new TableModel(), stream: usersStream() })
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(10n))
  await run.stop()
  expect(kafka.consumersOpened).toBe(1)
  expect(run.statuses.some(({ state }) => state.is === 'retrying' && state.error.message === 'Kafka is away.')).toBe(true)
})

test('a broker that is away is waited for, at the start and while reading', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  const away = new MillraceError('UNREACHABLE', 'Kafka is away.')
  kafka.failures.createTopics.push(away)
  kafka.failures.poll.push(away, away)
  const run = startRun({ kafka, table: new TableModel(), stream: usersStream() })
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(10n), { timeout: 60_000 })
  await run.stop()
  expect(run.statuses.flatMap(({ state }) => (state.is === 'retrying' ? [state.error.code] : []))).toContain('UNREACHABLE')
})

test('offsets that retention has deleted stop the stream, which names how many records are lost', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  kafka.failures.poll.push(
    new MillraceError('OFFSET_OUT_OF_RANGE', 'out of range', {
      details: { topic: 'users', partition: 0, offset: '100', logStartOffset: '142' },
    }),
  )
  const run = startRun({ kafka, table: new TableModel(), stream: usersStream() })
  await expect(run.ended).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', details: { lost: '42' } })
  await expect(run.ended).rejects.toThrow(/42 records of users\/0, offsets 100 to 141, were deleted/)
  expect(run.last().state).toMatchObject({ is: 'stopped', error: { code: 'OFFSET_OUT_OF_RANGE' } })
})

test('a step that takes long does not keep the stream from answering its group', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(1))
  const held: (() => void)[] = []
  const stream = usersStream([{ is: 'each', fn: () => new Promise<void>((resolve) => held.push(resolve)) }])
  const run = startRun({ kafka, table: new TableModel(), stream })
  await vi.waitFor(() => expect(held).toHaveLength(1))
  kafka.take('revoke', [zero])
  await vi.waitFor(() => expect(kafka.consumer?.assignedCount).toBe(0), { timeout: 60_000 })
  held[0]?.()
  await run.stop()
  expect(kafka.commits).toEqual([])
})
