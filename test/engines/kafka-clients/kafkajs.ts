import { CompressionTypes, Kafka, logLevel, Partitioners } from 'kafkajs'
import { eventually } from '../../harness/millrace.ts'

const servers = (address: string): Kafka =>
  new Kafka({ brokers: [address], clientId: 'kafkajs', logLevel: logLevel.NOTHING, retry: { retries: 4, initialRetryTime: 50 } })

type Check = (kafka: Kafka) => Promise<unknown>

interface Seen {
  readonly offset: string
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: string
  readonly headers: Record<string, string>
}

async function read(kafka: Kafka, topic: string, count: number, groupId: string, from?: string): Promise<Seen[]> {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 200, maxWaitTimeInMs: 100, readUncommitted: false })
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const seen: Seen[] = []
    await new Promise<void>((resolve, reject) => {
      const eachMessage = ({
        message: { offset, key, value, timestamp, headers = {} },
      }: {
        message: { offset: string; key: Buffer | null; value: Buffer | null; timestamp: string; headers?: Record<string, unknown> }
      }): Promise<void> => {
        const texts = Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, String(one)]))
        seen.push({ offset, key: key && String(key), value: value && String(value), timestamp, headers: texts })
        if (seen.length >= count) resolve()
        return Promise.resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
      if (from !== undefined) consumer.seek({ topic, partition: 0, offset: from })
    })
    return seen
  } finally {
    await consumer.disconnect()
  }
}

async function create(kafka: Kafka, topic: string, numPartitions = 1): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions }] })
  await admin.disconnect()
}

const checks: Readonly<Record<string, Check>> = {
  'records plain and by gzip, headers, nulls, timestamps, idempotent': async (kafka) => {
    await create(kafka, 'js-fields')
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
      const messages = [
        { key: 'k', value: 'v', headers: { a: 'b' }, timestamp: '1700000000123' },
        { key: null, value: null, timestamp: '1700000000124' },
      ]
      await producer.send({ topic: 'js-fields', compression, acks: -1, messages })
    }
    await producer.disconnect()
    return read(kafka, 'js-fields', 4, 'js-fields')
  },
  'seeking in a group': async (kafka) => {
    await create(kafka, 'js-seek')
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic: 'js-seek', messages: Array.from({ length: 20 }, (_, i) => ({ value: `${i}` })) })
    await producer.disconnect()
    return (await read(kafka, 'js-seek', 5, 'js-seek', '15')).slice(-5).map(({ offset }) => offset)
  },
  'transactions: committed, aborted, offsets': async (kafka) => {
    await create(kafka, 'js-out')
    const producer = kafka.producer({
      transactionalId: 'js',
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    for (const outcome of ['commit', 'abort', 'commit'] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'js-out', messages: [{ value: outcome }] })
      const offset = outcome === 'commit' ? '7' : '9'
      await transaction.sendOffsets({
        consumerGroupId: 'js-offsets',
        topics: [{ topic: 'js-out', partitions: [{ partition: 0, offset }] }],
      })
      await transaction[outcome]()
    }
    await producer.disconnect()
    const admin = kafka.admin()
    await admin.connect()
    const [offsets] = await admin.fetchOffsets({ groupId: 'js-offsets', topics: ['js-out'] })
    await admin.disconnect()
    return [(await read(kafka, 'js-out', 2, 'js-out')).map(({ value }) => value), offsets?.partitions[0]?.offset]
  },
  'admin: topics, partitions, configs, groups, offsets, deletions': async (kafka) => {
    const admin = kafka.admin()
    await admin.connect()
    const topic = 'js-admin'
    const created = await admin.createTopics({
      topics: [{ topic, numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '1000' }] }],
    })
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: topic, configEntries: [{ name: 'max.message.bytes', value: '2000' }] }],
    })
    // What a controller has accepted the brokers of a cluster show a moment later.
    const { resources } = await eventually(
      () =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: 2, name: topic, configNames: ['retention.ms', 'max.message.bytes'] }],
        }),
      ({ resources: [found] }) => found?.configEntries.some(({ configValue }) => configValue === '2000') ?? false,
    )
    const configs = resources[0]?.configEntries.map(({ configName, configValue, configSource }) => [
      configName,
      configValue,
      String(configSource) === '1',
    ])
    await admin.setOffsets({ groupId: 'js-admin', topic, partitions: [{ partition: 1, offset: '0' }] })
    const { groups } = await admin.describeGroups(['js-admin'])
    const listed = (await admin.listGroups()).groups.some(({ groupId }) => groupId === 'js-admin')
    await admin.deleteGroups(['js-admin'])
    const { brokers } = await admin.describeCluster()
    const partitions = await eventually(
      async () => (await admin.fetchTopicOffsets(topic)).length,
      (count) => count === 4,
    )
    const tooLarge = await sendTooLarge(kafka, topic)
    await admin.deleteTopics({ topics: [topic] })
    const missing = await eventually(
      () => admin.fetchTopicMetadata({ topics: [topic] }).then(() => null, nameOf),
      (name) => name !== null,
    )
    await admin.disconnect()
    return [created, configs?.toSorted(), groups[0]?.state, listed, brokers.length, partitions, tooLarge, missing]
  },
}

async function sendTooLarge(kafka: Kafka, topic: string): Promise<unknown> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, retry: { retries: 0 } })
  await producer.connect()
  const failure = await producer.send({ topic, messages: [{ value: 'x'.repeat(3_000) }] }).then(() => null, nameOf)
  await producer.disconnect()
  return failure
}

function nameOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return nameOf(error.cause)
  return error instanceof Error && 'type' in error ? String(error.type) : String(error)
}

export async function runKafkaJs(address: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const [name, check] of Object.entries(checks))
    found[name] = await check(servers(address)).catch((error: unknown) => `failed: ${nameOf(error)}`)
  return found
}
