import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  consumerGroupHeartbeat,
  createTopics,
  describeConfigs,
  encodeBatch,
  errorCodes,
  incrementalAlterConfigs,
  listConfigResources,
  produce,
} from '../../kafka-wire/index.ts'
import { startBroker, type BrokerHandle } from '../index.ts'
import { connectTo, type Asking } from '../testing/ask.ts'

let dataDir = ''
let broker: BrokerHandle
let client: Asking

async function start(): Promise<void> {
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], config: { 'message.max.bytes': '500' } })
  client = await connectTo(broker.address)
}
async function stop(): Promise<void> {
  client[Symbol.dispose]()
  await broker.close()
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
  await start()
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await client.ask(createTopics, 7, { topics: [topic], timeoutMs: 1_000, validateOnly: false })
})
afterEach(async () => {
  await stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const types = { topic: 2, broker: 4, group: 32 } as const

const set = (resourceType: number, resourceName: string, name: string, value: string | null) =>
  client.ask(incrementalAlterConfigs, 1, {
    resources: [{ resourceType, resourceName, configs: [{ name, configOperation: value === null ? 1 : 0, value }] }],
    validateOnly: false,
  })

async function shown(resourceType: number, resourceName: string, name: string): Promise<string> {
  const { results } = await client.ask(describeConfigs, 4, { resources: [{ resourceType, resourceName, configurationKeys: [name] }] })
  return results.flatMap(({ configs }) => configs.map(({ value, configSource }) => `${value} (${configSource})`)).join()
}

async function produced(bytes: number): Promise<number | undefined> {
  const records = encodeBatch({ records: [{ key: null, value: Buffer.alloc(bytes), timestampMs: Date.now() }], compression: 'none' })
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
  const { responses } = await client.ask(produce, 9, { acks: -1, timeoutMs: 1_000, topicData })
  return responses[0]?.partitionResponses[0]?.errorCode
}

test('a setting of the broker counts for its topics at once, in the order of where it was set, and after a restart', async () => {
  expect(await produced(1_000)).toBe(errorCodes.MESSAGE_TOO_LARGE)
  expect(await shown(types.broker, '1', 'message.max.bytes')).toBe('500 (4)')
  await set(types.broker, '', 'message.max.bytes', '2000')
  expect(await produced(1_000)).toBe(errorCodes.NONE)
  expect(await shown(types.topic, 't', 'max.message.bytes')).toBe('2000 (3)')
  await set(types.broker, '1', 'message.max.bytes', '600')
  expect(await produced(1_000)).toBe(errorCodes.MESSAGE_TOO_LARGE)
  await stop()
  await start()
  expect(await shown(types.topic, 't', 'max.message.bytes')).toBe('600 (2)')
  expect(await produced(1_000)).toBe(errorCodes.MESSAGE_TOO_LARGE)
  await set(types.broker, '1', 'message.max.bytes', null)
  await set(types.broker, '', 'message.max.bytes', null)
  expect(await shown(types.topic, 't', 'max.message.bytes')).toBe('500 (4)')
})

test('what only counts at the start is refused while the broker runs', async () => {
  const { responses } = await set(types.broker, '1', 'queued.max.requests', '7')
  expect(responses[0]?.errorCode).toBe(errorCodes.INVALID_REQUEST)
})

test('a setting of a group counts at the next heartbeat and is kept', async () => {
  const beat = (memberEpoch: number) =>
    client.ask(consumerGroupHeartbeat, 0, {
      groupId: 'g',
      memberId: 'm',
      memberEpoch,
      ...(memberEpoch === 0 ? { rebalanceTimeoutMs: 1_000, subscribedTopicNames: ['t'], topicPartitions: [] } : {}),
    })
  const joined = await beat(0)
  expect(joined.heartbeatIntervalMs).toBe(5_000)
  await set(types.group, 'g', 'consumer.heartbeat.interval.ms', '1234')
  expect((await beat(joined.memberEpoch)).heartbeatIntervalMs).toBe(1_234)
  await stop()
  await start()
  expect(await shown(types.group, 'g', 'consumer.heartbeat.interval.ms')).toBe('1234 (8)')
  const { configResources } = await client.ask(listConfigResources, 1, { resourceTypes: [types.group] })
  expect(configResources).toEqual([{ resourceName: 'g', resourceType: types.group }])
})
