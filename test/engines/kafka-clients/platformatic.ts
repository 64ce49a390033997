import {
  Admin,
  Consumer,
  MessagesStreamModes,
  Producer,
  ProduceAcks,
  stringSerializers,
  stringDeserializers,
  type Message,
} from '@platformatic/kafka'
import { eventually } from '../../harness/millrace.ts'

const base = (address: string) => ({ clientId: 'platformatic', bootstrapBrokers: [address] })
type Text = Message<string, string, string, string>

async function read(
  address: string,
  topic: string,
  count: number,
  groupId: string,
  groupProtocol: 'classic' | 'consumer' = 'classic',
): Promise<Text[]> {
  const protocol = groupProtocol === 'consumer' ? { groupProtocol } : { groupProtocol, sessionTimeout: 10_000, heartbeatInterval: 500 }
  const consumer = new Consumer({ ...base(address), ...protocol, groupId, deserializers: stringDeserializers })
  const seen: Text[] = []
  try {
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: 'earliest',
      maxWaitTime: 100,
      autocommit: false,
    })
    for await (const message of stream) {
      seen.push(message)
      if (seen.length === count) {
        await message.commit()
        break
      }
    }
    await stream.close()
  } finally {
    await consumer.close(true)
  }
  return seen
}

async function write(
  address: string,
  topic: string,
  count: number,
  compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd',
  idempotent = false,
): Promise<void> {
  const producer = new Producer({ ...base(address), serializers: stringSerializers, idempotent })
  const at = BigInt(1_700_000_000_000)
  const messages = Array.from({ length: count }, (_, i) => ({
    topic,
    key: `k${i}`,
    value: `${compression} ${i}`,
    headers: { n: `${i}` },
    timestamp: at + BigInt(i),
  }))
  await producer.send({ messages, compression, acks: ProduceAcks.ALL })
  await producer.close()
}

async function create(address: string, topic: string, partitions = 1): Promise<void> {
  const admin = new Admin(base(address))
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  await admin.close()
}

const checks: Readonly<Record<string, (address: string) => Promise<unknown>>> = {
  'records of every codec, headers and timestamps, idempotent': async (address) => {
    await create(address, 'plt-codecs', 2)
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) await write(address, 'plt-codecs', 20, codec, true)
    const seen = await read(address, 'plt-codecs', 100, 'plt-codecs')
    const one = seen.find(({ value }) => value === 'zstd 7')
    return [new Set(seen.map(({ value }) => value)).size, one?.key, one && [...one.headers], String(one?.timestamp)]
  },
  'a group that goes on where it stopped': async (address) => {
    await create(address, 'plt-group')
    await write(address, 'plt-group', 30, 'none')
    const first = await read(address, 'plt-group', 20, 'plt-group')
    const second = await read(address, 'plt-group', 10, 'plt-group')
    return [first.at(-1)?.offset, second[0]?.offset, second.at(-1)?.value].map(String)
  },
  'a group of the next generation (KIP-848)': async (address) => {
    await create(address, 'plt-next')
    await write(address, 'plt-next', 30, 'none')
    return (await read(address, 'plt-next', 30, 'plt-next', 'consumer')).length
  },
  'admin: topics, configs, offsets, groups, log dirs': async (address) => {
    const admin = new Admin(base(address))
    const topic = 'plt-admin'
    const [made] = await admin.createTopics({
      topics: [topic],
      partitions: 2,
      replicas: 1,
      configs: [{ name: 'retention.ms', value: '1000' }],
    })
    await admin.createPartitions({ topics: [{ name: topic, count: 3 }] })
    // What a controller has accepted the brokers of a cluster show a moment later.
    const [config] = await eventually(
      () => admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: topic, configurationKeys: ['retention.ms'] }] }),
      ([found]) => found?.configs[0]?.value === '1000',
    )
    await write(address, topic, 9, 'none')
    await admin.alterConsumerGroupOffsets({
      groupId: 'plt-admin',
      topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 1n }] }],
    })
    const listed = await admin.listGroups()
    const [offsets] = await admin.listConsumerGroupOffsets({ groups: ['plt-admin'] })
    const [dirs] = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0, 1, 2] }] })
    await admin.deleteGroups({ groups: ['plt-admin'] })
    await admin.deleteTopics({ topics: [topic] })
    const left = await eventually(
      async () => (await admin.listTopics()).includes(topic),
      (isLeft) => !isLeft,
    )
    await admin.close()
    const committed = offsets?.topics[0]?.partitions
      .filter(({ committedOffset }) => committedOffset >= 0n)
      .map(({ committedOffset }) => String(committedOffset))
    return [made?.partitions, config?.configs[0]?.value, listed.has('plt-admin'), committed, (dirs?.results.length ?? 0) > 0, left]
  },
}

export async function runPlatformatic(address: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const [name, check] of Object.entries(checks)) {
    const late = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => late.resolve('failed: no end after 90 s'), 90_000)
    found[name] = await Promise.race([check(address).catch((error: unknown) => `failed: ${String(error)}`), late.promise])
    clearTimeout(timer)
  }
  return found
}
