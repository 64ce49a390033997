import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Batch, connectKafka, type KafkaClient, type TopicPartition } from '../../src/kafka-client/index.ts'
import { createLogger, systemClock } from '../../src/platform/index.ts'
import { engines, type KafkaClusterEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'

const RECORDS = 20_000
const CHUNK = 200
const PARTITIONS = 6
const OFFSETS_PARTITIONS = 6
const text = new TextDecoder()
const warnings: string[] = []

const numbersOf = ({ bytes, valueAt, count }: Batch): number[] =>
  Array.from({ length: count }, (_, i) => Number(text.decode(bytes.subarray(valueAt[2 * i], valueAt[2 * i + 1]))))

/** What is missing of 0 … count−1, and what is there more than once. */
function tally(numbers: readonly number[], count: number): { lost: number; doubled: number } {
  const unique = new Set(numbers)
  return { lost: Array.from({ length: count }, (_, i) => i).filter((i) => !unique.has(i)).length, doubled: numbers.length - unique.size }
}

const partitionsOf = (topic: string): TopicPartition[] => Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))

/** Which partition of `__consumer_offsets` keeps a group, and with it which broker: Java's hash of its name. */
function offsetsPartitionOf(groupId: string): number {
  let hash = 0
  for (const unit of groupId) hash = (31 * hash + unit.charCodeAt(0)) | 0
  return (hash & 0x7fffffff) % OFFSETS_PARTITIONS
}

describeOn(['kafka4Cluster'], 'our Kafka client on three brokers', () => {
  let cluster: KafkaClusterEngine
  let client: KafkaClient

  beforeAll(async () => {
    cluster = await engines.kafka4Cluster()
    const log = createLogger((line) => warnings.push(line), { level: 'warn' })
    client = await connectKafka({ bootstrapServers: cluster.brokers, clientId: 'cluster-test', log })
  }, 600_000)
  afterAll(async () => {
    await client.close()
    await cluster[Symbol.asyncDispose]()
  })

  const createTopic = async (name: string): Promise<void> => {
    const configs = { 'min.insync.replicas': '2' }
    expect(await client.admin.createTopics([{ name, partitions: PARTITIONS, replicationFactor: 3, configs }])).toEqual([
      { name, created: true },
    ])
  }
  const leaderOf = async (topic: string, partition: number): Promise<number> =>
    (await client.admin.metadata([topic])).topics[0]?.partitions[partition]?.leader ?? -1
  const isWhole = async (topic: string): Promise<boolean> => {
    const { partitions = [] } = (await client.admin.metadata([topic])).topics[0] ?? {}
    return partitions.length === PARTITIONS && partitions.every(({ isr, leader }) => isr.length === 3 && leader > 0)
  }
  const untilWhole = (topic: string): Promise<void> => expect.poll(() => isWhole(topic), { timeout: 90_000, interval: 500 }).toBe(true)
  const readAll = async (topic: string): Promise<number[]> => {
    await using reader = client.reader({ topic, from: 'earliest' })
    const numbers: number[] = []
    do for (const batch of await reader.poll()) numbers.push(...numbersOf(batch))
    while (!reader.atEnd())
    return numbers
  }
  const chunk = (topic: string, from: number) =>
    Array.from({ length: CHUNK }, (_, i) => ({ topic, key: String(from + i), value: String(from + i) }))

  test('makes topics with the replication and settings that were asked for', async () => {
    await createTopic('made')
    const [topic] = (await client.admin.metadata(['made'])).topics
    expect(topic?.partitions.map(({ replicas }) => replicas.toSorted((a, b) => a - b))).toEqual(
      Array.from({ length: PARTITIONS }, () => [1, 2, 3]),
    )
    expect((await client.admin.describeConfigs('made'))['min.insync.replicas']).toMatchObject({ value: '2', isDefault: false })
  })

  test('more replicas than brokers are refused at once', async () => {
    const making = client.admin.createTopics([{ name: 'too-many', partitions: 1, replicationFactor: 4 }])
    await expect(making).rejects.toMatchObject({ code: 'KAFKA', retriable: false, details: { errorName: 'INVALID_REPLICATION_FACTOR' } })
  })

  test(
    `${RECORDS} records while a leader is killed and comes back: none lost, none doubled, and a group reads on`,
    { timeout: 240_000 },
    async () => {
      await createTopic('killed')
      await using consumer = client.consumer({ groupId: 'readers', topics: ['killed'], startingOffsets: 'earliest' })
      const read: number[] = []
      const reading = (async () => {
        while (new Set(read).size < RECORDS) {
          for (const batch of await consumer.poll()) {
            read.push(...numbersOf(batch))
            const { topic, partition, nextOffset, leaderEpoch } = batch
            await consumer.commit([{ topic, partition, offset: nextOffset, leaderEpoch, metadata: '' }])
          }
        }
      })()
      await using producer = client.producer()
      let acknowledged = 0
      const sending = (async () => {
        for (let from = 0; from < RECORDS; from += CHUNK * 5) {
          const calls = Array.from({ length: 5 }, (_, i) => producer.send(chunk('killed', from + i * CHUNK)))
          for (const call of await Promise.all(calls)) acknowledged += call.length
        }
      })()
      await expect.poll(() => acknowledged, { timeout: 240_000 }).toBeGreaterThan(RECORDS / 10)
      const victim = (await leaderOf('killed', 0)) - 1
      await cluster.killBroker(victim)
      const killedAtMs = systemClock.monotonicMs()
      const before = acknowledged
      await expect.poll(() => acknowledged, { timeout: 240_000 }).toBeGreaterThan(before + CHUNK * 5)
      const resumedMs = systemClock.monotonicMs() - killedAtMs
      await cluster.startBroker(victim)
      await Promise.all([sending, reading])
      const stored = tally(await readAll('killed'), RECORDS)
      console.log(
        `leader killed: resumed after ${(resumedMs / 1_000).toFixed(1)} s, in ${acknowledged}, ${JSON.stringify(stored)}, read ${read.length}`,
      )
      expect(acknowledged).toBe(RECORDS)
      expect(stored).toEqual({ lost: 0, doubled: 0 })
      expect(tally(read, RECORDS).lost).toBe(0)
      await untilWhole('killed')
    },
  )

  test("a group goes on when its coordinator's broker is killed", { timeout: 180_000 }, async () => {
    await createTopic('coordinated')
    await using producer = client.producer()
    await using consumer = client.consumer({ groupId: 'coordinated', topics: ['coordinated'], startingOffsets: 'earliest' })
    const read: number[] = []
    const step = async (): Promise<void> => {
      for (const batch of await consumer.poll()) {
        read.push(...numbersOf(batch))
        const { topic, partition, nextOffset, leaderEpoch } = batch
        await consumer.commit([{ topic, partition, offset: nextOffset, leaderEpoch, metadata: '' }])
      }
    }
    await producer.send(chunk('coordinated', 0))
    while (read.length < CHUNK) await step()
    const coordinator = (await leaderOf('__consumer_offsets', offsetsPartitionOf('coordinated'))) - 1
    await cluster.killBroker(coordinator)
    const sending = producer.send(chunk('coordinated', CHUNK))
    while (new Set(read).size < 2 * CHUNK) await step()
    await sending
    await cluster.startBroker(coordinator)
    await untilWhole('coordinated')
    const ends = await client.admin.listOffsets(partitionsOf('coordinated'), 'latest')
    expect(ends.reduce((sum, { offset }) => sum + offset, 0n)).toBe(BigInt(2 * CHUNK))
    const committed = await client.admin.committedOffsets('coordinated')
    expect(committed.reduce((sum, { offset }) => sum + offset, 0n)).toBe(BigInt(2 * CHUNK))
  })

  test('with two of three away nothing is acknowledged, and all is when they are back', { timeout: 180_000 }, async () => {
    await createTopic('replicas')
    await using producer = client.producer({ deliveryTimeoutMs: 150_000 })
    await producer.send(chunk('replicas', 0))
    await Promise.all([cluster.killBroker(1), cluster.killBroker(2)])
    let acknowledged = false
    const sending = producer.send(chunk('replicas', CHUNK)).then((done) => {
      acknowledged = true
      return done
    })
    // The controller has noticed: one replica is in sync, and the one broker left refuses what it cannot replicate.
    const alone = async (): Promise<number[]> => {
      const { partitions = [] } = (await client.admin.metadata(['replicas'])).topics[0] ?? {}
      return [...new Set(partitions.map(({ isr }) => isr.length))]
    }
    await expect.poll(alone, { timeout: 60_000, interval: 500 }).toEqual([1])
    expect(acknowledged).toBe(false)
    await Promise.all([cluster.startBroker(1), cluster.startBroker(2)])
    expect(await sending).toHaveLength(CHUNK)
    expect(tally(await readAll('replicas'), 2 * CHUNK)).toEqual({ lost: 0, doubled: 0 })
    await untilWhole('replicas')
  })

  test('a consumer closes in its time while all brokers are away, and says so', { timeout: 180_000 }, async () => {
    await createTopic('away')
    const own = await connectKafka({
      bootstrapServers: cluster.brokers,
      clientId: 'away',
      log: createLogger((line) => warnings.push(line), { level: 'warn' }),
    })
    const consumer = own.consumer({
      groupId: 'away',
      topics: ['away'],
      startingOffsets: 'earliest',
      onRevoked: () => consumer.commit([{ topic: 'away', partition: 0, offset: 0n, leaderEpoch: -1, metadata: '' }]),
    })
    while (consumer.assignment().length === 0) await consumer.poll()
    await Promise.all([0, 1, 2].map((index) => cluster.killBroker(index)))
    const from = systemClock.monotonicMs()
    await consumer.close()
    await own.close()
    // The time of one request is 30 s; the close's own five are what it says below.
    expect(systemClock.monotonicMs() - from).toBeLessThan(25_000)
    expect(warnings.join('')).toContain('The consumer closed after 5000 ms without')
  })
})
