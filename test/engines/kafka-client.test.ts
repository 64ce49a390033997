import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectKafka, type Batch, type Compression, type GroupConsumer, type KafkaClient } from '../../src/kafka-client/index.ts'
import { engines, type KafkaEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'

const TOPIC = 'client'
const COUNT = 500
const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const text = new TextDecoder()

const keysOf = (batch: Batch): string[] =>
  Array.from({ length: batch.count }, (_, i) => text.decode(batch.bytes.subarray(batch.keyAt[2 * i], batch.keyAt[2 * i + 1])))

describeOn(['kafka4'], 'our Kafka client on Kafka 4', () => judgeClient(engines.kafka4))
describeOn(['kafka3'], 'our Kafka client on Kafka 3.9 with ZooKeeper', () => judgeClient(engines.kafka3))

function judgeClient(start: () => Promise<KafkaEngine>): void {
  let kafka: KafkaEngine
  let client: KafkaClient

  beforeAll(async () => {
    kafka = await start()
    client = await connectKafka({ bootstrapServers: [kafka.bootstrapServers], clientId: 'engines-test' })
    await client.admin.createTopics([{ name: TOPIC, partitions: 3, configs: { 'retention.ms': '-1' } }])
  }, 600_000)
  afterAll(async () => {
    await client.close()
    await kafka[Symbol.asyncDispose]()
  })

  const consume = async (consumer: GroupConsumer, wanted: number): Promise<string[]> => {
    const keys: string[] = []
    while (keys.length < wanted) {
      for (const batch of await consumer.poll()) {
        keys.push(...keysOf(batch))
        const { topic, partition, leaderEpoch, nextOffset } = batch
        await consumer.commit([{ topic, partition, offset: nextOffset, leaderEpoch, metadata: `at ${nextOffset}` }])
      }
    }
    return keys
  }

  test.each(codecs)('writes and reads back %s', async (compression) => {
    const ends = await client.admin.listOffsets(partitions, 'latest')
    await using producer = client.producer({ compression })
    const keys = Array.from({ length: COUNT }, (_, i) => `${compression}-${i}`)
    await producer.send(
      keys.map((key) => ({ topic: TOPIC, key, value: `value of ${key}`, headers: [{ key: 'h', value: Buffer.from(key) }] })),
    )
    const read: string[] = []
    for (const { partition, offset } of ends) {
      await using reader = client.reader({ topic: TOPIC, partitions: [partition], from: { offset } })
      do for (const batch of await reader.poll()) read.push(...keysOf(batch))
      while (!reader.atEnd())
    }
    expect(read.toSorted()).toEqual(keys.toSorted())
  })

  test('a group reads each record once, and goes on where it committed', { timeout: 240_000 }, async () => {
    const options = { groupId: 'readers', topics: [TOPIC], startingOffsets: 'earliest' } as const
    const first = client.consumer(options)
    const keys = await consume(first, codecs.length * COUNT)
    expect(new Set(keys).size).toBe(codecs.length * COUNT)
    await first.close()
    expect(await client.admin.describeGroups(['readers'])).toMatchObject([{ state: 'Empty', members: [] }])
    const committed = await client.admin.committedOffsets('readers')
    expect(committed.every(({ offset, metadata }) => metadata === `at ${offset}`)).toBe(true)
    await using producer = client.producer()
    await producer.send([{ topic: TOPIC, key: 'one more', value: '1' }])
    await using second = client.consumer(options)
    expect(await consume(second, 1)).toEqual(['one more'])
  })

  test('goes on by itself when the broker is killed and started again', { timeout: 240_000 }, async () => {
    await using producer = client.producer({ deliveryTimeoutMs: 90_000 })
    await producer.send([{ topic: TOPIC, key: 'before', value: '1' }])
    await kafka.kill()
    const sent = producer.send(Array.from({ length: 50 }, (_, i) => ({ topic: TOPIC, key: `during-${i}`, value: '1' })))
    await kafka.restart()
    const acknowledged = await sent
    expect(acknowledged).toHaveLength(50)
    const ends = await client.admin.listOffsets(partitions, 'latest')
    const total = ends.reduce((sum, { offset }) => sum + offset, 0n)
    expect(total).toBe(BigInt(codecs.length * COUNT + 1 + 1 + 50))
  })
}

const partitions = [0, 1, 2].map((partition) => ({ topic: TOPIC, partition }))
