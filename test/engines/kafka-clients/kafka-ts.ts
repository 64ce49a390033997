import { API, createKafkaClient, type Message } from 'kafka-ts'
import { parseHostPort } from '../../../src/platform/index.ts'

type Client = ReturnType<typeof createKafkaClient>
type Read = Required<Message>

interface Reading {
  readonly groupProtocol?: 'classic' | 'consumer'
  readonly groupInstanceId?: string
}

/** Reads until so many came; what is committed then is where the next one of the group goes on. */
async function read(client: Client, topic: string, count: number, groupId: string, options: Reading = {}): Promise<Read[]> {
  const seen: Read[] = []
  const all = Promise.withResolvers<void>()
  const consumer = await client.startConsumer({
    ...options,
    groupId,
    topics: [topic],
    maxWaitMs: 100,
    fromBeginning: true,
    onBatch: (batch) => {
      seen.push(...batch)
      if (seen.length >= count) all.resolve()
    },
  })
  await all.promise
  await consumer.close()
  return seen
}

async function create(client: Client, name: string, numPartitions: number): Promise<void> {
  const cluster = client.createCluster()
  await cluster.connect()
  const { controllerId } = await cluster.sendRequest(API.METADATA, {
    allowTopicAutoCreation: false,
    includeTopicAuthorizedOperations: false,
    topics: [],
  })
  const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }]
  await cluster.sendRequestToNode(controllerId)(API.CREATE_TOPICS, { validateOnly: false, timeoutMs: 10_000, topics })
  // Kafka answers before every client is told of the topic.
  for (let isKnown = false; !isKnown;) {
    const wanted = { allowTopicAutoCreation: false, includeTopicAuthorizedOperations: false, topics: [{ id: null, name }] }
    isKnown = await cluster.sendRequest(API.METADATA, wanted).then(
      ({ topics: [found] }) => found?.partitions.length === numPartitions,
      () => false,
    )
  }
  await cluster.disconnect()
}

const messages = (topic: string, count: number): Message[] =>
  Array.from({ length: count }, (_, i) => ({
    topic,
    key: `k${i}`,
    value: `v${i}`,
    headers: { n: `${i}` },
    timestamp: 1_700_000_000_000n + BigInt(i),
  }))

async function inGroup(client: Client, topic: string, options: Reading): Promise<unknown> {
  await create(client, topic, 3)
  const producer = client.createProducer({})
  await producer.send(messages(topic, 60))
  const first = await read(client, topic, 60, topic, options)
  await producer.send(messages(topic, 30))
  const second = await read(client, topic, 30, topic, options)
  await producer.close()
  const [one] = first.filter(({ key }) => key === 'k7')
  return [first.length, second.length, one?.value, one?.headers, String(one?.timestamp)]
}

const checks: Readonly<Record<string, (client: Client) => Promise<unknown>>> = {
  'a classic group that goes on where it stopped; headers and timestamps': (client) =>
    inGroup(client, 'kts-classic', { groupProtocol: 'classic' }),
  'a group of the next generation (KIP-848)': (client) => inGroup(client, 'kts-next', { groupProtocol: 'consumer' }),
  'a static member': (client) => inGroup(client, 'kts-static', { groupProtocol: 'classic', groupInstanceId: 'one' }),
  'null keys and values': async (client) => {
    await create(client, 'kts-null', 1)
    const producer = client.createProducer({})
    await producer.send([{ topic: 'kts-null', key: null, value: null }])
    await producer.close()
    const [one] = await read(client, 'kts-null', 1, 'kts-null')
    return [one?.key, one?.value, String(one?.offset)]
  },
}

export async function runKafkaTs(address: string): Promise<Record<string, unknown>> {
  const { host, port } = parseHostPort(address, 9092)
  const client = createKafkaClient({ clientId: 'kafka-ts', bootstrapServers: [{ host, port }] })
  const found: Record<string, unknown> = {}
  for (const [name, check] of Object.entries(checks)) {
    const late = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => late.resolve('failed: no end after 90 s'), 90_000)
    found[name] = await Promise.race([check(client).catch((error: unknown) => `failed: ${String(error)}`), late.promise])
    clearTimeout(timer)
  }
  return found
}
