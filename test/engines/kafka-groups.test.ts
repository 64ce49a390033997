import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { Member, numbersOf, type Protocol } from './group-member.ts'
import { startKillableBroker } from './killable-broker.ts'

const cooperative: Protocol = { assignor: 'cooperative-sticky' }
const byBroker: Protocol = { groupProtocol: 'consumer' }

describeOn([], 'groups that rebalance in part, on our embedded broker', () =>
  judge(startKillableBroker, { cooperative, 'KIP-848': byBroker }),
)
describeOn(['kafka4'], 'groups that rebalance in part, on Kafka 4', () => judge(engines.kafka4, { cooperative, 'KIP-848': byBroker }))
describeOn(['kafka3'], 'groups that rebalance in part, on Kafka 3.9 with ZooKeeper', () => judge(engines.kafka3, { cooperative }))

const WITHIN = { timeout: 60_000, interval: 50 }

function judge(start: () => Promise<AsyncDisposable & { readonly bootstrapServers: string }>, protocols: Record<string, Protocol>): void {
  let broker: AsyncDisposable & { readonly bootstrapServers: string }
  let kafka: KafkaClient

  beforeAll(async () => {
    broker = await start()
    kafka = await connectKafka({ bootstrapServers: [broker.bootstrapServers], clientId: 'groups' })
  }, 600_000)
  afterAll(async () => {
    await kafka.close()
    await broker[Symbol.asyncDispose]()
  })

  test.each(Object.entries(protocols))(
    '%s: who stays reads on what it keeps; each record is read once',
    { timeout: 240_000 },
    async (name, protocol) => {
      const topic = `moves-${name}`
      await kafka.admin.createTopics([{ name: topic, partitions: 6 }])
      const group = { kafka, topic, protocol, read: [] as string[] }
      await using producer = kafka.producer()
      let sent = 0
      const send = async (): Promise<void> => {
        const records = Array.from({ length: 6 }, (_, partition) => ({ topic, partition, key: `${partition}-${sent}`, value: 'v' }))
        sent++
        await producer.send(records)
      }
      const producing = setInterval(() => void send(), 20)
      const first = new Member(group)
      try {
        await vi.waitFor(() => expect(first.consumer.assignment()).toHaveLength(6), WITHIN)
        const readBefore = group.read.length
        const second = new Member(group)
        await vi.waitFor(() => expect([first.consumer.assignment().length, second.consumer.assignment().length]).toEqual([3, 3]), WITHIN)
        expect(first.revoked).toHaveLength(3)
        expect(first.lost).toEqual([])
        expect(group.read.length).toBeGreaterThan(readBefore)
        const kept = numbersOf(first.consumer.assignment())
        expect(first.assigned.filter((each) => kept.includes(each))).toHaveLength(3)
        await second.stop()
        await vi.waitFor(() => expect(first.consumer.assignment()).toHaveLength(6), WITHIN)
        expect(first.assigned).toHaveLength(9)
      } finally {
        clearInterval(producing)
        await producer.flush()
        await vi.waitFor(() => expect(new Set(group.read).size).toBe(sent * 6), WITHIN)
        await first.stop()
      }
      expect(group.read).toHaveLength(sent * 6)
    },
  )

  test.each(Object.entries(protocols))('%s: partitions that a topic gets later are read', { timeout: 240_000 }, async (name, protocol) => {
    const topic = `grows-${name}`
    await kafka.admin.createTopics([{ name: topic, partitions: 1 }])
    const member = new Member({ kafka, topic, protocol, read: [] })
    await vi.waitFor(() => expect(member.consumer.assignment()).toHaveLength(1), WITHIN)
    await kafka.admin.createPartitions([{ name: topic, partitions: 3 }])
    await vi.waitFor(() => expect(member.consumer.assignment()).toHaveLength(3), WITHIN)
    expect(member.revoked).toEqual([])
    await member.stop()
  })

  test.each(Object.entries(protocols))(
    '%s: offsets in a transaction are fenced by the membership',
    { timeout: 240_000 },
    async (name, protocol) => {
      const topic = `fenced-${name}`
      await kafka.admin.createTopics([{ name: topic, partitions: 1 }])
      const member = new Member({ kafka, topic, protocol, read: [] })
      await vi.waitFor(() => expect(member.consumer.assignment()).toHaveLength(1), WITHIN)
      const metadata = member.consumer.groupMetadata()
      await using producer = kafka.transactionalProducer({ transactionalId: topic })
      const offsets = [{ topic, partition: 0, offset: 0n, leaderEpoch: 0, metadata: 'm' }]
      await producer.begin()
      await producer.sendOffsets(offsets, metadata)
      await producer.commit()
      expect(await kafka.admin.committedOffsets(topic, [topic])).toMatchObject([{ offset: 0n, metadata: 'm' }])
      await member.stop()
      await producer.begin()
      await expect(producer.sendOffsets(offsets, metadata)).rejects.toMatchObject({ code: 'KAFKA' })
      await producer.abort()
    },
  )
}
