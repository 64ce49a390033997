import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { names } from '../core/index.ts'
import { connectKafka, type KafkaClient } from '../kafka-client/index.ts'
import { Releasers } from '../platform/index.ts'
import { planReset, resetOffsets, streamOffsets, type ResetOrder } from './reset-offsets.ts'
import { startRun } from './testing/start-run.ts'
import { TableModel } from './testing/table-model.ts'
import { someUsers, usersStream } from './testing/users.ts'
import { decodeCommitMetadata } from './write-times.ts'

const releasers = new Releasers()
let kafka: KafkaClient
const group = names.group('shop', 'load')
const order = (to: string, more: Partial<ResetOrder> = {}): ResetOrder => ({
  kafka,
  project: 'shop',
  stream: 'load',
  topic: 'users',
  startingOffsets: 'earliest',
  to,
  ...more,
})
const produce = async (records: ReturnType<typeof someUsers>): Promise<void> => {
  await using producer = kafka.producer()
  await producer.send(records.map(({ key, value, timestampMs }) => ({ topic: 'users', key, value: JSON.stringify(value), timestampMs })))
}
const quick = { timeout: 60_000, interval: 20 }
/** Of a stream that has read all. */
async function readOnce(table: TableModel): Promise<void> {
  const run = startRun({ kafka, table, stream: usersStream() })
  await vi.waitFor(() => expect(run.last()).toMatchObject({ lag: 0, state: { is: 'running' } }), quick)
  await vi.waitFor(async () => {
    const { partitions } = await streamOffsets(order('earliest'))
    expect(partitions.every(({ committed, latest }) => committed === latest)).toBe(true)
  }, quick)
  await run.stop()
}

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-reset-'))
  releasers.add('folder', () => rmSync(dataDir, { recursive: true, force: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  releasers.add('broker', () => broker.close())
  kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
  releasers.add('client', () => kafka.close())
  await kafka.admin.createTopics([{ name: 'users', partitions: 2 }])
})
afterAll(() => releasers.close())

test('what is read again after a reset wins over what was written, in the order of the topic', { timeout: 120_000 }, async () => {
  await produce(someUsers(40))
  // A later version of one of them, and of a time so far ahead that its write time is later than now.
  const [first] = someUsers(1)
  if (!first) throw new Error('no user')
  await produce([{ ...first, value: { ...first.value, name: 'Later' }, timestampMs: Date.now() + 3_000_000 }])
  const table = new TableModel()
  await readOnce(table)
  const before = new Map([...table.rows].map(([id, row]) => [id, { ...row }]))
  expect(before.size).toBe(40)

  const plan = await planReset(order('earliest'))
  expect(plan).toMatchObject({ again: 41, skipped: 0, isExact: true, group })
  expect(plan.partitions.map(({ to }) => to)).toEqual(['0', '0'])
  expect(await resetOffsets(order('earliest'), Date.now())).toEqual(plan)
  const committed = await kafka.admin.committedOffsets(group, ['users'])
  const times = committed.map(({ metadata }) => decodeCommitMetadata(metadata)?.writeMicros ?? 0)
  expect(Math.min(...times)).toBeGreaterThanOrEqual((Date.now() + 2_900_000) * 1_000)

  await readOnce(table)
  expect(table.rows.size).toBe(40)
  for (const [id, row] of table.rows) expect(row.w).toBeGreaterThan(before.get(id)?.w ?? 0n)
  expect(JSON.stringify(table.content()[first.key ?? ''])).toContain('Later')
})

test('one partition, an offset, a time: each is planned with its records, and nothing else moves', { timeout: 120_000 }, async () => {
  const [zero, one] = (await streamOffsets(order('earliest'))).partitions
  const plan = await resetOffsets(order('1', { partition: 1 }), Date.now())
  expect(plan.partitions).toMatchObject([{ partition: 1, from: one?.committed, to: '1', again: Number(one?.committed) - 1 }])
  expect((await streamOffsets(order('earliest'))).partitions).toMatchObject([{ committed: zero?.committed }, { committed: '1' }])
  // Skipping is counted too, and looked at before anything is done.
  const skip = order('latest', { partition: 1 })
  const refuse = (): never => {
    throw new Error('not now')
  }
  await expect(resetOffsets(skip, Date.now(), refuse)).rejects.toThrow('not now')
  expect((await planReset(skip)).skipped).toBe(Number(one?.latest) - 1)
  expect(await resetOffsets(skip, Date.now())).toMatchObject({ again: 0 })
  expect(await planReset(order('latest'))).toMatchObject({ partitions: [], again: 0, skipped: 0 })
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
  expect((await planReset(order(inAnHour))).partitions).toEqual([])
  await expect(planReset(order('earliest', { partition: 7 }))).rejects.toThrow(/users has no partition 7: it has 0 to 1/)
  await expect(planReset(order('earliest', { topic: 'nothing' }))).rejects.toThrow(/no topic nothing yet/)
})

test('a group with members refuses; a static member that is gone is put out', { timeout: 120_000 }, async () => {
  const consumer = kafka.consumer({ groupId: group, topics: ['users'], startingOffsets: 'earliest', groupInstanceId: 'gone' })
  await vi.waitFor(async () => {
    await consumer.poll()
    expect((await kafka.admin.describeGroups([group]))[0]?.state).toBe('Stable')
  }, quick)
  await consumer.close()
  await expect(resetOffsets(order('earliest'), Date.now())).rejects.toThrow(/has members/)
  const [found] = await kafka.admin.describeGroups([group])
  await kafka.admin.removeMembers(group, found?.members ?? [])
  await kafka.admin.removeMembers(group, found?.members ?? [])
  expect((await kafka.admin.describeGroups([group]))[0]).toMatchObject({ members: [] })
  await resetOffsets(order('earliest'), Date.now())
  expect((await streamOffsets(order('earliest'))).partitions.map(({ committed }) => committed)).toEqual(['0', '0'])
})

test('a transaction that a process left open keeps nobody from seeing what a reset would do', { timeout: 240_000 }, async () => {
  await resetOffsets(order('latest'), Date.now())
  const before = await planReset(order('earliest'))
  await using left = kafka.transactionalProducer({ transactionalId: 'left' })
  await left.begin()
  const [{ partition, latest } = { partition: 0, latest: '1' }] = (await streamOffsets(order('earliest'))).partitions
  await left.sendOffsets([{ topic: 'users', partition, offset: BigInt(latest), leaderEpoch: -1, metadata: '' }], { groupId: group })
  expect(await planReset(order('earliest'))).toEqual(before)
  // Which ends it, as its owner's members are put out.
  await kafka.admin.fenceProducer('left')
  expect(await resetOffsets(order('earliest'), Date.now())).toEqual(before)
})
