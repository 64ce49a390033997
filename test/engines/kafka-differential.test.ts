import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker, type BrokerHandle } from '../../src/broker/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { messageOf } from '../../src/platform/index.ts'
import { engines, type KafkaEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { kafkaDifferences, type Difference } from './differences.ts'
import { kafkaActions, type KafkaAction } from './kafka-actions/index.ts'
import { connectRawKafka, highestVersions, type HighestVersions } from './raw-kafka.ts'

/** Chosen by each broker: only their being there is compared. */
const chosen = new Set([
  'topicId',
  'clusterId',
  'memberId',
  'leader',
  'producerId',
  'host',
  'port',
  'clientHost',
  'sessionId',
  'logDir',
  'totalBytes',
  'usableBytes',
])
/** For people; Kafka changes them between versions. */
const forPeople = new Set(['errorMessage', 'batchIndexErrorMessage', 'documentation', 'throttleTimeMs'])
const noIds = new Set(['', '00000000-0000-0000-0000-000000000000', '-1', '0'])

interface Config {
  readonly name: string
  readonly value: string | null
  readonly configSource: number
}

type SystemName = NonNullable<Difference['on']>

/** What is compared: the settings that the embedded broker has, and all that is not listed as different. */
interface Comparison {
  readonly known: ReadonlySet<string>
  readonly meant: ReadonlySet<string>
}

/** Settings that both brokers may have, as `name=value (source)`; Kafka has more of them. */
function comparableConfigs(configs: readonly Config[], { known, meant }: Comparison): string[] {
  return configs
    .filter(({ name }) => known.has(name) && !meant.has(`config ${name}`))
    .map(({ name, value, configSource }) => `${name}=${value} (${configSource})`)
    .toSorted()
}

/** Kafka lists partitions in any order. */
function isOfPartitions(value: unknown): value is { partitionIndex: number }[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one: unknown) => typeof one === 'object' && one !== null && 'partitionIndex' in one)
  )
}

function comparable(key: string, value: unknown, comparison: Comparison): unknown {
  if (forPeople.has(key) || comparison.meant.has(`field ${key}`)) return undefined
  if (isOfPartitions(value)) return value.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
  if (key === 'configs' && Array.isArray(value)) return comparableConfigs(value, comparison)
  if (chosen.has(key) && (typeof value === 'string' || typeof value === 'number')) return noIds.has(String(value)) ? value : 'chosen'
  return value
}

/** An answer as lines: what differs between two is easy to see. */
function linesOf(answer: unknown, comparison: Comparison): string[] {
  const text = JSON.stringify(
    answer,
    function (this: Record<string, unknown>, key: string, value: unknown) {
      const original = this[key]
      const plain = original instanceof Uint8Array ? `0x${Buffer.from(original).toString('hex')}` : value
      return comparable(key, typeof plain === 'bigint' ? plain.toString() : plain, comparison)
    },
    1,
  )
  return text.split('\n').map((line) => line.trim())
}

async function answerOf(action: KafkaAction, server: string, versions: HighestVersions, comparison: Comparison): Promise<string[]> {
  try {
    using kafka = await connectRawKafka(server, versions)
    using other = await connectRawKafka(server, versions)
    return linesOf(await action.run(kafka, other), comparison)
  } catch (error) {
    return [messageOf(error)]
  }
}

/** Until it has made its own topics and given out producer ids, Kafka answers that the coordinator is not available. */
async function warmUp(server: string): Promise<void> {
  await using kafka = await connectKafka({ bootstrapServers: [server], clientId: 'differential' })
  await kafka.admin.createTopics([{ name: 'settings', partitions: 1 }])
  await using producer = kafka.producer()
  await producer.send([{ topic: 'settings', key: null, value: 'warm' }])
  await kafka.admin.committedOffsets('settings')
}

async function topicConfigNames(server: string): Promise<Set<string>> {
  await using kafka = await connectKafka({ bootstrapServers: [server], clientId: 'differential' })
  return new Set(Object.keys(await kafka.admin.describeConfigs('settings')))
}

/** The highest version of each request that both have. */
async function sharedVersions(ours: string, theirs: string): Promise<HighestVersions> {
  const [one, other] = await Promise.all([highestVersions(ours), highestVersions(theirs)])
  return new Map([...one].map(([key, highest]) => [key, Math.min(highest, other.get(key) ?? highest)]))
}

function compareWith(system: SystemName, start: () => Promise<KafkaEngine>): void {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-differential-'))
  const meant = new Set(kafkaDifferences.filter(({ on }) => on === undefined || on === system).map(({ of }) => of))
  let comparison: Comparison = { known: new Set(), meant }
  let kafka: KafkaEngine
  let broker: BrokerHandle
  let versions: HighestVersions

  beforeAll(async () => {
    kafka = await start()
    broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], flush: 'os' })
    await Promise.all([warmUp(kafka.bootstrapServers), warmUp(broker.address)])
    versions = await sharedVersions(broker.address, kafka.bootstrapServers)
    comparison = { known: await topicConfigNames(broker.address), meant }
  }, 600_000)
  afterAll(async () => {
    await broker.close()
    await kafka[Symbol.asyncDispose]()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test.each(kafkaActions.filter(({ on }) => on === undefined || on === system))('$name', async (action) => {
    const [ours, theirs] = await Promise.all([
      answerOf(action, broker.address, versions, comparison),
      answerOf(action, kafka.bootstrapServers, versions, comparison),
    ])
    if (meant.has(action.name)) expect(ours).not.toEqual(theirs)
    else expect(ours).toEqual(theirs)
  })

  test('has no difference listed that is none of its actions', () => {
    const all = new Set([...kafkaActions.map(({ name }) => name), ...[...comparison.known].map((name) => `config ${name}`)])
    expect([...meant].filter((name) => !all.has(name) && !name.startsWith('field '))).toEqual([])
  })
}

describeOn(['kafka4'], 'the embedded broker beside Kafka 4', () => compareWith('Kafka 4', engines.kafka4))
describeOn(['kafka3'], 'the embedded broker beside Kafka 3.9', () => compareWith('Kafka 3.9', engines.kafka3))
