import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { ensureTable, openCassandraSink } from '../connectors/index.ts'
import type { Endpoints, Sink } from '../core/index.ts'
import { connectCassandra, type CassandraSession } from '../cql-client/index.ts'
import { startCqlStore } from '../cql-store/index.ts'
import { connectKafka, type KafkaClient } from '../kafka-client/index.ts'
import { parseHostPort, Releasers } from '../platform/index.ts'
import type { Row } from './process-batch.ts'
import { DeadLetterBook } from './dead-letter-book.ts'
import { startRun } from './testing/start-run.ts'
import { TableModel } from './testing/table-model.ts'
import { someUsers, usersAt, usersStream, usersTable } from './testing/users.ts'

const releasers = new Releasers()
afterEach(() => releasers.close())

async function broker(dataDir: string, port = 0): Promise<{ address: string; close(): Promise<void> }> {
  const started = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port }] })
  releasers.add('broker', () => started.close())
  return started
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-streams-'))
  releasers.add('folder', () => rmSync(path, { recursive: true, force: true }))
  return path
}

async function client(address: string, clientId = 'test'): Promise<KafkaClient> {
  const kafka = await connectKafka({ bootstrapServers: [address], clientId })
  releasers.add('client', () => kafka.close())
  return kafka
}

async function produce(kafka: KafkaClient, records: ReturnType<typeof someUsers>): Promise<void> {
  await using producer = kafka.producer()
  await producer.send(records.map(({ key, value, timestampMs }) => ({ topic: 'users', key, value: JSON.stringify(value), timestampMs })))
}

async function store(dataDir: string, port = 0): Promise<{ address: string; close(): Promise<void> }> {
  const started = await startCqlStore({ dataDir, host: '127.0.0.1', port })
  releasers.add('store', () => started.close())
  return started
}

/** Table app.users in the store, a sink into it, and a session to look at it. */
async function cassandra(address: string): Promise<{ sink: Sink<Row>; session: CassandraSession }> {
  const endpoint: Endpoints['cassandra'] = { contactPoints: [address], localDataCenter: 'datacenter1', consistency: 'LOCAL_ONE' }
  await ensureTable({ endpoint, table: usersTable, autoCreate: true, autoEvolve: 'off' })
  const sink = await openCassandraSink({ endpoint, table: usersTable })
  releasers.add('sink', () => sink.close())
  const session = await connectCassandra({ contactPoints: [address], localDataCenter: 'datacenter1', consistency: 'LOCAL_ONE' })
  releasers.add('session', () => session.close())
  return { sink, session }
}

const quick = { timeout: 60_000, interval: 20 }

test('on the broker: users become rows, poison a dead letter, and a second start goes on at the commit', async () => {
  const { address } = await broker(folder())
  const kafka = await client(address)
  await kafka.admin.createTopics([{ name: 'users', partitions: 2 }])
  await produce(kafka, someUsers(500))
  await using producer = kafka.producer()
  await producer.send([
    { topic: 'users', key: 'x', value: 'poison', timestampMs: 1_700_000_000_000, headers: [{ key: 'h', value: Buffer.from('1') }] },
  ])
  const table = new TableModel()
  const first = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(first.last()).toMatchObject({ rowsWritten: 500, deadLetters: 1, lag: 0 }), quick)
  await first.stop()
  expect(await new DeadLetterBook(kafka, 'shop', 'load').page()).toMatchObject({
    letters: [
      {
        reason: 'decode',
        topic: 'users',
        key: { text: 'x' },
        value: { text: 'poison' },
        timestampMs: 1_700_000_000_000,
        headers: [{ key: 'h' }],
      },
    ],
  })
  await produce(kafka, someUsers(10, 500))
  const second = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(second.last()).toMatchObject({ recordsRead: 10, rowsWritten: 10, lag: 0 }), quick)
  await second.stop()
  expect(table.rows.size).toBe(510)
  const committed = await kafka.admin.committedOffsets('millrace.shop.load')
  expect(committed.reduce((sum, { offset }) => sum + offset, 0n)).toBe(511n)
  expect(committed.every(({ metadata }) => JSON.parse(metadata).v === 1)).toBe(true)
})

test('on the broker: a record whose time is far ahead is a dead letter with its time untouched', async () => {
  const { address } = await broker(folder())
  const kafka = await client(address)
  await kafka.admin.createTopics([{ name: 'users', partitions: 1, configs: { 'message.timestamp.after.max.ms': '9223372036854775807' } }])
  const timestampMs = Date.now() + 86_400_000
  await produce(kafka, [{ key: 'u0', value: { id: 'u0', name: 'n' }, timestampMs }])
  const run = startRun({ kafka, table: new TableModel(), stream: usersStream() })
  await vi.waitFor(() => expect(run.last()).toMatchObject({ deadLetters: 1, lag: 0 }), quick)
  await run.stop()
  expect(await new DeadLetterBook(kafka, 'shop', 'load').page()).toMatchObject({
    letters: [{ reason: 'validate', timestampMs }],
  })
})

test('on the broker: a second member takes some of the partitions, and gives them back; each user is in the table', async () => {
  const { address } = await broker(folder())
  const kafka = await client(address)
  await kafka.admin.createTopics([{ name: 'users', partitions: 4 }])
  const table = new TableModel()
  const first = startRun({ kafka: await client(address, 'first'), table, stream: usersStream() })
  await produce(kafka, someUsers(200))
  await vi.waitFor(() => expect(table.rows.size).toBe(200), quick)
  const second = startRun({ kafka: await client(address, 'second'), table, stream: usersStream() })
  await vi.waitFor(() => expect(Object.keys(second.last().committed)).not.toEqual([]), quick)
  await produce(kafka, someUsers(200, 200))
  await vi.waitFor(() => expect(table.rows.size).toBe(400), quick)
  await second.stop()
  await produce(kafka, someUsers(200, 400))
  await vi.waitFor(() => expect(table.rows.size).toBe(600), quick)
  await vi.waitFor(() => expect(first.last()).toMatchObject({ lag: 0, state: { is: 'running' } }), quick)
  await first.stop()
  expect(table.writes).toHaveLength(600)
})

test('on the broker: a broker that goes away is told and waited for', async () => {
  const dataDir = folder()
  const before = await broker(dataDir)
  const kafka = await client(before.address)
  await kafka.admin.createTopics([{ name: 'users', partitions: 1 }])
  const table = new TableModel()
  const run = startRun({ kafka, table, stream: usersStream() })
  await produce(kafka, someUsers(5))
  await vi.waitFor(() => expect(run.last()).toMatchObject({ rowsWritten: 5, lag: 0 }), quick)
  await before.close()
  await vi.waitFor(() => expect(run.last().state.is).toBe('retrying'), quick)
  await broker(dataDir, parseHostPort(before.address, 0).port)
  await produce(await client(before.address), someUsers(5, 5))
  await vi.waitFor(() => expect(run.last()).toMatchObject({ state: { is: 'running' }, rowsWritten: 10, lag: 0 }), {
    timeout: 60_000,
    interval: 20,
  })
  await run.stop()
  expect(table.writes).toHaveLength(10)
})

test('into the table store: the last version of each user is there with its write time, a bad row beside it a dead letter', async () => {
  const { address } = await broker(folder())
  const { sink, session } = await cassandra((await store(folder())).address)
  const kafka = await client(address)
  await kafka.admin.createTopics([{ name: 'users', partitions: 2 }])
  await produce(kafka, someUsers(300))
  await produce(kafka, [{ key: 'u7', value: { id: 'u7', name: 'renamed' }, timestampMs: usersAt + 10_000 }])
  const stream = usersStream([{ is: 'map', fn: (user) => (Object(user).id === 'u9' ? { id: 'u9', name: 9 } : user) }])
  const run = startRun({ kafka, table: sink, stream })
  await vi.waitFor(() => expect(run.last()).toMatchObject({ rowsWritten: 300, deadLetters: 1, lag: 0 }), quick)
  await run.stop()
  const counted = await session.query('SELECT count(*) AS n FROM app.users')
  expect(Number(counted.rows[0]?.n)).toBe(299)
  const renamed = await session.query("SELECT name, writetime(name) AS w FROM app.users WHERE id = 'u7'")
  expect(renamed.rows).toMatchObject([{ name: 'renamed' }])
  expect(Number(renamed.rows[0]?.w)).toBe((usersAt + 10_000) * 1_000)
  expect(await new DeadLetterBook(kafka, 'shop', 'load').page()).toMatchObject({
    letters: [{ reason: 'sink', key: { text: 'u9' } }],
  })
})

test('into the table store: a store that goes away is waited for, and every user is in the table', async () => {
  const { address } = await broker(folder())
  const dataDir = folder()
  const before = await store(dataDir)
  const { sink, session } = await cassandra(before.address)
  const kafka = await client(address)
  await kafka.admin.createTopics([{ name: 'users', partitions: 2 }])
  const run = startRun({ kafka, table: sink, stream: usersStream() })
  await produce(kafka, someUsers(100))
  await vi.waitFor(() => expect(run.last().rowsWritten).toBe(100), quick)
  await before.close()
  await produce(kafka, someUsers(100, 100))
  await vi.waitFor(() => expect(run.last().state.is).toBe('retrying'), quick)
  expect(run.last().rowsWritten).toBe(100)
  await store(dataDir, parseHostPort(before.address, 0).port)
  await vi.waitFor(() => expect(run.last()).toMatchObject({ state: { is: 'running' }, rowsWritten: 200, lag: 0 }), {
    timeout: 60_000,
    interval: 20,
  })
  await run.stop()
  const counted = await session.query('SELECT count(*) AS n FROM app.users')
  expect(Number(counted.rows[0]?.n)).toBe(200)
})
