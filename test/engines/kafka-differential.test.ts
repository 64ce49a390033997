import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker, type BrokerHandle } from '../../src/broker/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { messageOf } from '../../src/platform/index.ts'
import { engines, type KafkaEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { kafkaDifferences } from './differences.ts'
import { kafkaActions, type KafkaAction } from './kafka-actions.ts'
import { connectRawKafka, highestVersions, type HighestVersions } from './raw-kafka.ts'

/** Chosen by each broker: only their being there is compared. */
const chosen = new Set(['topicId', 'clusterId', 'memberId', 'leader', 'producerId', 'host', 'port', 'clientHost', 'sessionId'])
/** For people; Kafka changes them between versions. */
const forPeople = new Set(['errorMessage', 'batchIndexErrorMessage', 'documentation', 'throttleTimeMs'])
const noIds = new Set(['', '00000000-0000-0000-0000-000000000000', '-1', '0'])

interface Config {
  readonly name: string
  readonly value: string | null
  readonly configSource: number
}

/** Settings that both brokers may have, as `name=value (source)`; Kafka has more of them. */
function comparableConfigs(configs: readonly Config[]): string[] {
  return configs
    .filter(({ name }) => known.has(name) && !meant.has(`config ${name}`))
    .map(({ name, value, configSource }) => `${name}=${value} (${configSource})`)
    .toSorted()
}

/** The settings that the embedded broker has; found by asking it. */
let known: ReadonlySet<string> = new Set()
const meant = new Set(kafkaDifferences.map((difference) => difference.of))

function comparable(key: string, value: unknown): unknown {
  if (forPeople.has(key) || meant.has(`field ${key}`)) return undefined
  if (key === 'configs' && Array.isArray(value)) return comparableConfigs(value)
  if (chosen.has(key) && (typeof value === 'string' || typeof value === 'number')) return noIds.has(String(value)) ? value : 'chosen'
  return value
}

/** An answer as lines: what differs between two is easy to see. */
function linesOf(answer: unknown): string[] {
  const text = JSON.stringify(
    answer,
    function (this: Record<string, unknown>, key: string, value: unknown) {
      const original = this[key]
      const plain = original instanceof Uint8Array ? `0x${Buffer.from(original).toString('hex')}` : value
      return comparable(key, typeof plain === 'bigint' ? plain.toString() : plain)
    },
    1,
  )
  return text.split('\n').map((line) => line.trim())
}

async function answerOf(action: KafkaAction, server: string, versions: HighestVersions): Promise<string[]> {
  try {
    using kafka = await connectRawKafka(server, versions)
    return linesOf(await action.run(kafka))
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

describeOn(['kafka4'], 'the embedded broker beside Kafka 4', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-differential-'))
  let kafka: KafkaEngine
  let broker: BrokerHandle
  let versions: HighestVersions

  beforeAll(async () => {
    kafka = await engines.kafka4()
    broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], flush: 'os' })
    await Promise.all([warmUp(kafka.bootstrapServers), warmUp(broker.address)])
    versions = await highestVersions(broker.address)
    known = await topicConfigNames(broker.address)
  }, 600_000)
  afterAll(async () => {
    await broker.close()
    await kafka[Symbol.asyncDispose]()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test.each(kafkaActions)('$name', async (action) => {
    const [ours, theirs] = await Promise.all([
      answerOf(action, broker.address, versions),
      answerOf(action, kafka.bootstrapServers, versions),
    ])
    if (meant.has(action.name)) expect(ours).not.toEqual(theirs)
    else expect(ours).toEqual(theirs)
  })

  test('has no difference listed that is none of its actions', () => {
    const all = new Set([...kafkaActions.map(({ name }) => name), ...[...known].map((name) => `config ${name}`)])
    expect([...meant].filter((name) => !all.has(name) && !name.startsWith('field '))).toEqual([])
  })
})
