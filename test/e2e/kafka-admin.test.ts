import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrokerThread, type BrokerHandle } from '../../src/broker/index.ts'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { run, runJson } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

/** What changes topics, groups and transactions; the commands find the broker by `--kafka`, as they find any cluster. */
let dataDir: string
let broker: BrokerHandle
let kafka: KafkaClient
let project: TestProject
let at: string[]

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-admin-'))
  broker = await startBrokerThread({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  at = ['--kafka', broker.address]
  kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'admin-test' })
  project = createProject()
})
afterAll(async () => {
  await kafka?.close()
  await broker?.close()
  project?.remove()
  rmSync(dataDir, { recursive: true, force: true })
})

const say = (...args: string[]): { code: number | null; stdout: string; stderr: string } => run(project, [...at, ...args])
const json = <T>(...args: string[]): T => runJson<T>(project, [...at, ...args])

async function produce(topic: string, count: number): Promise<void> {
  await using producer = kafka.producer()
  await producer.send(Array.from({ length: count }, (_, i) => ({ topic, partition: 0, key: `k${i}`, value: `v${i}` })))
}

test('a topic gets partitions and configs, and loses its oldest records', { timeout: 240_000 }, async () => {
  await kafka.admin.createTopics([{ name: 'orders', partitions: 1, configs: { 'retention.bytes': '5' } }])
  await produce('orders', 20)
  expect(say('topics', 'alter', 'orders', '--partitions', '3', '--config', 'retention.ms=7', '--default', 'retention.bytes')).toMatchObject(
    { code: 0 },
  )
  expect(json('topics', 'describe', 'orders')).toMatchObject({ partitions: [{}, {}, {}], configs: { 'retention.ms': { value: '7' } } })
  expect(json('configs', 'describe', 'orders', '--own')).toEqual({
    topic: 'orders',
    configs: { 'retention.ms': { value: '7', source: 'DYNAMIC_TOPIC_CONFIG', isDefault: false } },
  })
  expect(say('configs', 'set', 'orders', 'retention.ms=-1', '--default', 'segment.ms')).toMatchObject({
    code: 0,
    stdout: 'orders configured\n',
  })
  expect(say('configs', 'set', 'orders', 'retention.ms=soon').stderr).toContain('INVALID_CONFIG')
  expect(say('topics', 'alter', 'orders', '--partitions', '2').stderr).toContain('INVALID_PARTITIONS')
  expect(say('topics', 'alter', 'orders').stderr).toContain('Say what to change')

  const some = ['topics', 'delete-records', 'orders', '--partition', '0']
  expect(say(...some, '--before-offset', '5').stderr).toContain('Delete 5 records of orders?')
  expect(json(...some, '--before-offset', '5', '--yes')).toEqual([{ topic: 'orders', partition: 0, earliest: '5' }])
  expect(json(...some, '--before-time', '2001-01-01T00:00:00Z', '--yes')).toEqual([{ topic: 'orders', partition: 0, earliest: '5' }])
  expect(json('topics', 'delete-records', 'orders', '--yes')).toContainEqual({ topic: 'orders', partition: 0, earliest: '20' })
})

test('a group is moved to a place, a time or an offset, never outside of what is there', { timeout: 240_000 }, async () => {
  await kafka.admin.createTopics([{ name: 'visits', partitions: 2 }])
  await produce('visits', 10)
  await kafka.admin.alterOffsets('readers', [{ topic: 'visits', partition: 0, offset: 4n }])
  type Moves = { dryRun: boolean; partitions: { from: string | null; to: string }[] }
  const to = (place: string, ...more: string[]): Moves => json('groups', 'reset-offsets', 'readers', '--to', place, ...more)
  expect(to('earliest', '--dry-run')).toMatchObject({ dryRun: true, partitions: [{ from: '4', to: '0' }] })
  expect((await kafka.admin.committedOffsets('readers'))[0]?.offset).toBe(4n)
  expect(to('+3', '--yes').partitions[0]).toMatchObject({ from: '4', to: '7' })
  expect(to('99', '--yes').partitions[0]).toMatchObject({ from: '7', to: '10' })
  expect(to('2001-01-01T00:00:00Z', '--yes').partitions[0]).toMatchObject({ from: '10', to: '0' })
  expect(to('latest', '--topic', 'visits', '--yes').partitions).toMatchObject([{ to: '10' }, { from: null, to: '0' }])
  expect(to('-2', '--topic', 'visits:0', '--yes').partitions).toMatchObject([{ to: '8' }])
  expect((await kafka.admin.committedOffsets('readers')).map(({ offset }) => offset)).toEqual([8n, 0n])
  expect(say('groups', 'reset-offsets', 'readers', '--to', 'latest').stderr).toContain('Move readers in 2 partitions to latest?')
  expect(say('groups', 'reset-offsets', 'readers', '--to', 'soon').stderr).toContain('write a time as')
  expect(say('groups', 'reset-offsets', 'nobody', '--to', 'latest').stderr).toContain('name the topics with --topic')
  await using member = kafka.consumer({ groupId: 'readers', topics: ['visits'], startingOffsets: 'earliest' })
  while (member.assignment().length === 0) await member.poll()
  expect(say('groups', 'reset-offsets', 'readers', '--to', 'latest', '--yes').stderr).toContain('has 1 members: stop them first')
})

test('transactions are listed, described and aborted, also one that hangs', { timeout: 240_000 }, async () => {
  await kafka.admin.createTopics([{ name: 'payments', partitions: 1 }])
  const open = async (transactionalId: string) => {
    const producer = kafka.transactionalProducer({ transactionalId })
    await producer.begin()
    await producer.send([{ topic: 'payments', partition: 0, key: 'k', value: 'v' }])
    return producer
  }
  const payer = await open('payer')
  expect(json('transactions', 'list')).toContainEqual(expect.objectContaining({ transactionalId: 'payer', state: 'Ongoing' }))
  expect(json('transactions', 'describe', 'payer')).toMatchObject({ state: 'Ongoing', partitions: [{ topic: 'payments', partition: 0 }] })
  expect(json<unknown[]>('transactions', 'hanging', 'payments')).toMatchObject([{ partition: 0, transactionFrom: '0' }])
  expect(say('transactions', 'abort', 'nobody', '--yes')).toMatchObject({ code: 66 })
  expect(say('transactions', 'abort', 'payer').stderr).toContain('Fence the producer of payer')
  expect(say('transactions', 'abort', 'payer', '--yes')).toMatchObject({ code: 0 })
  await expect(payer.commit()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
  await payer.close().catch(() => undefined)
  expect(json('transactions', 'hanging', 'payments')).toEqual([])

  const hangs = await open('hangs')
  const [{ transactionFrom } = { transactionFrom: '' }] = json<{ transactionFrom: string }[]>('transactions', 'hanging', 'payments')
  const where = ['--topic', 'payments', '--partition', '0', '--start-offset']
  expect(say('transactions', 'abort', ...where, '999', '--yes')).toMatchObject({ code: 66 })
  expect(json('transactions', 'abort', ...where, transactionFrom, '--yes')).toMatchObject({ aborted: true, partition: 0 })
  expect(json('transactions', 'hanging', 'payments')).toEqual([])
  expect(say('transactions', 'abort').stderr).toContain('Name a transactional id')
  await hangs.close().catch(() => undefined)
})
