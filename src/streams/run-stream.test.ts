import { expect, test, vi } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { startRun } from './testing/start-run.ts'
import { ScriptedKafka } from './testing/scripted-kafka.ts'
import { TableModel } from './testing/table-model.ts'
import { someUsers, usersAt as at, usersStream } from './testing/users.ts'

test('users in the topic become rows, are committed with their write time, and a stop is graceful', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(250))
  kafka.produce('users', 1, someUsers(50, 1_000))
  const table = new TableModel()
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(run.last().committed).toEqual({ 'users/0': '250', 'users/1': '50' }))
  await run.stop()
  expect(table.rows.size).toBe(300)
  expect(run.last()).toMatchObject({
    state: { is: 'stopped', error: null },
    recordsRead: 300,
    rowsWritten: 300,
    filtered: 0,
    deadLetters: 0,
    lag: 0,
  })
  expect(JSON.parse(kafka.committed.get('users/0')?.metadata ?? '')).toMatchObject({ v: 1, w: String((at + 249) * 1_000) })
  expect(kafka.consumer?.groupId).toBe('millrace.shop.load')
  expect(kafka.consumer?.isClosed).toBe(true)
})

test('a stream that starts again goes on where it stopped', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(10))
  const table = new TableModel()
  const first = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(table.rows.size).toBe(10))
  await first.stop()
  kafka.produce('users', 0, someUsers(5, 10))
  const second = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(table.rows.size).toBe(15))
  await second.stop()
  expect(table.writes).toHaveLength(15)
  expect(second.last()).toMatchObject({ recordsRead: 5, committed: { 'users/0': '15' } })
})

test('a record that cannot be used goes to the dead letters, and its neighbours to the table', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, [...someUsers(2), { key: 'x', value: '{ no json', timestampMs: at }, ...someUsers(2, 2)])
  const table = new TableModel()
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(run.last().committed).toEqual({ 'users/0': '5' }))
  await run.stop()
  expect(Object.keys(table.content())).toEqual(['u0', 'u1', 'u2', 'u3'])
  expect(kafka.sent.map(({ topic, value }) => [topic, String(value)])).toEqual([['shop.load.dlq', '{ no json']])
  expect(run.last()).toMatchObject({
    deadLetters: 1,
    rowsWritten: 4,
    lastDeadLetter: { reason: 'decode', topic: 'users', partition: 0, offset: '2' },
  })
})

test('a table that is away is waited for: nothing is skipped, fetching pauses, the state says why and since when', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(2_000))
  kafka.batchSize = () => 10
  const table = new TableModel()
  let isAway = true
  table.beforeWrite = () => {
    if (isAway) table.unavailable.push(new MillraceError('UNREACHABLE', 'Cassandra is away.'))
  }
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(kafka.consumer?.pausedCount).toBe(1), { timeout: 60_000 })
  expect(run.last().state).toMatchObject({ is: 'retrying', error: { code: 'UNREACHABLE', message: 'Cassandra is away.' } })
  expect(run.last().committed).toEqual({})
  expect(run.last().recordsRead).toBeLessThanOrEqual(640)
  isAway = false
  await vi.waitFor(() => expect(run.last().committed).toEqual({ 'users/0': '2000' }), { timeout: 60_000 })
  expect(run.last().state).toEqual({ is: 'running' })
  await run.stop()
  expect(table.rows.size).toBe(2_000)
})

test('a stop while the table is away does not wait for it; the records are read again at the next start', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(5))
  const table = new TableModel()
  table.unavailable.push(...Array.from({ length: 50 }, () => new MillraceError('UNREACHABLE', 'Cassandra is away.')))
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(run.last().state.is).toBe('retrying'))
  await run.stop()
  expect(kafka.committed.size).toBe(0)
  table.unavailable.length = 0
  const next = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(table.rows.size).toBe(5))
  await next.stop()
})

test('a stream whose every record fails stops loudly, with nothing of the batch committed or among the dead letters', async () => {
  const kafka = new ScriptedKafka()
  const stream = usersStream([{ is: 'map', fn: () => JSON.parse('{') }], {
    limit: { window: 100, ratio: 0.5, atLeast: 20 },
  })
  kafka.produce('users', 0, someUsers(40))
  const run = startRun({ kafka, table: new TableModel(), stream })
  await expect(run.ended).rejects.toMatchObject({ code: 'DEAD_LETTER_LIMIT', details: { failed: 20, of: 20, offset: '0' } })
  expect(run.last().state).toMatchObject({ is: 'stopped', error: { code: 'DEAD_LETTER_LIMIT' } })
  expect(kafka.sent).toEqual([])
  expect(kafka.committed.size).toBe(0)
})

test('what was good before the limit was passed stays committed', async () => {
  const kafka = new ScriptedKafka()
  kafka.batchSize = () => 10
  kafka.produce('users', 0, someUsers(10))
  const table = new TableModel()
  const run = startRun({ kafka, table, stream: usersStream([], { limit: { window: 100, ratio: 0.4, atLeast: 5 } }) })
  await vi.waitFor(() => expect(table.rows.size).toBe(10))
  kafka.produce(
    'users',
    0,
    Array.from({ length: 10 }, (_, i) => ({ key: `p${i}`, value: 'poison', timestampMs: at })),
  )
  await expect(run.ended).rejects.toMatchObject({ code: 'DEAD_LETTER_LIMIT', details: { failed: 7, of: 17, offset: '10' } })
  expect(kafka.committed.get('users/0')?.offset).toBe(10n)
  expect(kafka.sent).toEqual([])
})

test('of several versions of a key in one batch the last stays, whatever their times say', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce(
    'users',
    0,
    [['old', at + 50] as const, ['newer', at] as const, ['newest', at - 50] as const].map(([name, timestampMs]) => ({
      key: 'u',
      value: { id: 'u', name },
      timestampMs,
    })),
  )
  const table = new TableModel()
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(3n))
  await run.stop()
  expect(table.content()).toEqual({ u: { id: 'u', name: 'newest' } })
})

test('an offset set by another tool replays with write times from now on, so that what is written again wins (P2)', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(3))
  kafka.committed.set('users/0', { offset: 1n, leaderEpoch: -1, metadata: '' })
  const table = new TableModel()
  const before = BigInt(Date.now()) * 1_000n
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(kafka.committed.get('users/0')?.offset).toBe(3n))
  await run.stop()
  expect(table.writes.map(({ id }) => id)).toEqual(['u1', 'u2'])
  expect(table.writes.every(({ w }) => w > before)).toBe(true)
})

test('a sink error that waiting cannot cure stops the stream with that error, and nothing is committed', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(3))
  const table = new TableModel()
  table.beforeWrite = () => {
    throw new MillraceError('TABLE_MISMATCH', 'column "name" is an int')
  }
  const run = startRun({ kafka, table, stream: usersStream() })
  await expect(run.ended).rejects.toMatchObject({ code: 'TABLE_MISMATCH' })
  expect(kafka.committed.size).toBe(0)
  expect(kafka.consumer?.isClosed).toBe(true)
})

test('a stream that does not fit its topic is refused before anything is opened', async () => {
  const kafka = new ScriptedKafka()
  const run = startRun({ kafka, table: new TableModel(), stream: usersStream([], { topic: { key: [] } }) })
  await expect(run.ended).rejects.toMatchObject({ code: 'DEFINITION_INVALID' })
  expect([kafka.createdTopics, kafka.consumersOpened]).toEqual([[], 0])
  expect(run.last().state).toMatchObject({ is: 'stopped', error: { code: 'DEFINITION_INVALID' } })
})

test('a stop waits for the batch in hand', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, someUsers(3))
  const table = new TableModel()
  const held: (() => void)[] = []
  table.beforeWrite = () => new Promise((resolve) => held.push(resolve))
  const run = startRun({ kafka, table, stream: usersStream([], { commitIntervalMs: 60_000 }) })
  await vi.waitFor(() => expect(held).toHaveLength(1))
  const stopped = run.stop()
  held[0]?.()
  await stopped
  expect(kafka.committed.get('users/0')?.offset).toBe(3n)
})
