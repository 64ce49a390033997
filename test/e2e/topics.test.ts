import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrokerThread, type BrokerHandle } from '../../src/broker/index.ts'
import { connectKafka, type GroupConsumer, type KafkaClient } from '../../src/kafka-client/index.ts'
import { run, runJson } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

/** A broker on its thread, since commands are waited for; the commands find it by the environment, as they find a cluster. */
let dataDir: string
let broker: BrokerHandle
let kafka: KafkaClient
let project: TestProject
let env: Record<string, string>

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-topics-'))
  broker = await startBrokerThread({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  const address = `127.0.0.1:${broker.listeners[0]?.port}`
  env = { MILLRACE_KAFKA_BOOTSTRAP_SERVERS: address }
  kafka = await connectKafka({ bootstrapServers: [address], clientId: 'topics-test' })
  project = createProject()
})
afterAll(async () => {
  await kafka?.close()
  await broker?.close()
  project?.remove()
  rmSync(dataDir, { recursive: true, force: true })
})

const say = (...args: string[]): { code: number | null; stdout: string; stderr: string } => run(project, args, { env })
const json = <T>(...args: string[]): T => runJson<T>(project, args, { env })

async function produce(topic: string, count: number): Promise<void> {
  const producer = kafka.producer()
  await producer.send(Array.from({ length: count }, (_, at) => ({ topic, key: `k${at}`, value: `v${at}` })))
  await producer.close()
}

/** A member of a group that has its partitions. */
async function joinGroup(groupId: string, topic: string): Promise<GroupConsumer> {
  const consumer = kafka.consumer({ groupId, topics: [topic], startingOffsets: 'earliest' })
  while (consumer.assignment().length === 0) await consumer.poll()
  return consumer
}

test('a topic is created, described, listed and deleted', { timeout: 240_000 }, async () => {
  const options = ['--partitions', '2', '--config', 'retention.ms=3600000', '--config', 'cleanup.policy=delete']
  expect(say('topics', 'create', 'orders', ...options)).toMatchObject({ code: 0, stdout: 'orders created, 2 partitions\n' })
  expect(say('topics', 'create', 'orders')).toMatchObject({ code: 73, stderr: expect.stringContaining('is there already') })
  await produce('orders', 1_500)

  expect(json('topics', 'list')).toContainEqual({ topic: 'orders', partitions: 2, records: '1500' })
  expect(json('topics')).toEqual(json('topics', 'list'))
  const described = say('topics', 'describe', 'orders').stdout
  expect(described).toMatch(/^orders · 2 partitions · 1 replica · 1,500 offsets · id \S+$/m)
  expect(described).toContain('  retention.ms=3600000\n')
  expect(described).toMatch(/^PARTITION +LEADER +REPLICAS +IN SYNC +FIRST OFFSET +END OFFSET +OFFSETS$/m)
  expect(described).toMatch(/^ {8}1 +\d+ +\d+ +\d+ +0 +\d+ +\d+$/m)
  expect(json('topics', 'describe', 'orders')).toMatchObject({
    topic: 'orders',
    partitions: [
      { partition: 0, earliest: '0' },
      { partition: 1, earliest: '0' },
    ],
    configs: { 'retention.ms': { value: '3600000' } },
  })

  const refused = say('topics', 'delete', 'orders')
  expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('Delete orders with 1,500 records? Say so with --yes') })
  expect(say('topics', 'delete', 'orders', 'nothing', '--yes')).toMatchObject({ code: 66, stderr: expect.stringContaining('"nothing"') })
  expect(json('topics', 'delete', 'orders', '--yes')).toEqual([{ topic: 'orders', deleted: true }])
  expect(say('topics', 'describe', 'orders')).toMatchObject({ code: 66, stderr: expect.stringContaining('There is no topic "orders"') })
})

test('mistakes are told before Kafka is asked', () => {
  expect(say('topics', 'create', 'x', '--partitions', 'many')).toMatchObject({ code: 64, stderr: expect.stringContaining('whole number') })
  expect(say('topics', 'create', 'x', '--config', 'retention')).toMatchObject({ code: 64, stderr: expect.stringContaining('name=value') })
  expect(say('topics', 'describe', 'x').code).toBe(66)
})

test('a group is listed, described with its lag, and deleted', { timeout: 240_000 }, async () => {
  await kafka.admin.createTopics([{ name: 'payments', partitions: 1 }])
  await produce('payments', 1_205)
  const consumer = await joinGroup('billing', 'payments')
  await consumer.commit([{ topic: 'payments', partition: 0, offset: 5n, leaderEpoch: -1, metadata: '' }])
  await consumer.close()

  expect(json('groups', 'list')).toContainEqual({ group: 'billing', state: 'Empty', protocolType: 'consumer' })
  expect(say('groups').stdout).toMatch(/^billing +Empty +consumer$/m)
  expect(say('groups', 'describe', 'billing').stdout).toMatch(
    /^billing · Empty · 0 members · lag 1,200\n.*LAG.*\npayments +0 +5 +1205 +1,200 +- +-$/m,
  )
  expect(json('groups', 'describe', 'billing')).toMatchObject({
    group: 'billing',
    partitions: [{ topic: 'payments', partition: 0, committed: '5', latest: '1205', lag: '1200', memberId: null }],
    lag: '1200',
  })

  expect(say('groups', 'delete', 'billing')).toMatchObject({ code: 64, stderr: expect.stringContaining('--yes') })
  expect(json('groups', 'delete', 'billing', '--yes')).toEqual([{ group: 'billing', deleted: true }])
  expect(say('groups', 'describe', 'billing')).toMatchObject({ code: 66, stderr: expect.stringContaining('There is no group "billing"') })
})

test("a group's members are named, and it is not deleted while it has them", { timeout: 240_000 }, async () => {
  await kafka.admin.createTopics([{ name: 'visits', partitions: 1 }])
  await produce('visits', 10)
  const consumer = await joinGroup('counters', 'visits')
  try {
    expect(say('groups', 'describe', 'counters').stdout).toMatch(/^visits +0 +- +10 +- +topics-test +\S*127\.0\.0\.1$/m)
    expect(say('groups', 'delete', 'counters', '--yes')).toMatchObject({ code: 70, stderr: expect.stringContaining('NON_EMPTY_GROUP') })
  } finally {
    await consumer.close()
  }
})

test("a topic's configs are told with where they come from", async () => {
  await kafka.admin.createTopics([{ name: 'tuned', partitions: 1, configs: { 'retention.ms': '1000' } }])
  const all = say('configs', 'describe', 'tuned').stdout
  expect(all).toMatch(/^retention\.ms +1000 +DYNAMIC_TOPIC_CONFIG$/m)
  expect(all).toMatch(/^cleanup\.policy +delete +DEFAULT_CONFIG$/m)
  expect(json('configs', 'describe', 'tuned', '--own')).toEqual({
    topic: 'tuned',
    configs: { 'retention.ms': { value: '1000', source: 'DYNAMIC_TOPIC_CONFIG', isDefault: false } },
  })
  for (const command of [['configs', 'describe'], ['consume']])
    expect(say(...command, 'nothing')).toMatchObject({ code: 66, stderr: expect.stringContaining('There is no topic "nothing"') })
  expect(say('consume', 'nothing', '--limit', 'all')).toMatchObject({ code: 64, stderr: expect.stringContaining('--limit all') })
})
