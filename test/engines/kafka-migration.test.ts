import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { consumerGroupDescribe, incrementalAlterConfigs, listGroups } from '../../src/kafka-wire/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { Member, type Protocol } from './group-member.ts'
import { startKillableBroker, type KillableBroker } from './killable-broker.ts'
import { connectRawKafka } from './raw-kafka.ts'

const eager: Protocol = { assignor: 'range' }
const cooperative: Protocol = { assignor: 'cooperative-sticky' }
const byBroker: Protocol = { groupProtocol: 'consumer' }

describeOn([], 'groups that change their protocol, on our embedded broker', () =>
  judge(startKillableBroker, { heartbeatIntervalMs: 200, size: 2 }),
)
// Kafka takes no shorter interval, so that each step lasts as long: a smaller group.
describeOn(['kafka4'], 'groups that change their protocol, on Kafka 4', () =>
  judge(engines.kafka4, { heartbeatIntervalMs: 5_000, size: 1 }),
)

const WITHIN = { timeout: 60_000, interval: 50 }
const partitions = 6

function judge(start: () => Promise<KillableBroker>, { heartbeatIntervalMs, size }: { heartbeatIntervalMs: number; size: number }): void {
  let broker: KillableBroker
  let kafka: KafkaClient

  beforeAll(async () => {
    broker = await start()
    kafka = await connectKafka({ bootstrapServers: [broker.bootstrapServers], clientId: 'migration' })
  }, 600_000)
  afterAll(async () => {
    await kafka.close()
    await broker[Symbol.asyncDispose]()
  })

  /** A topic, and a group of its name. */
  const prepare = async (name: string): Promise<void> => {
    await kafka.admin.createTopics([{ name, partitions }])
    using raw = await connectRawKafka(broker.bootstrapServers)
    const configs = [{ name: 'consumer.heartbeat.interval.ms', configOperation: 0, value: String(heartbeatIntervalMs) }]
    const { responses } = await raw.ask(incrementalAlterConfigs, 1, {
      resources: [{ resourceType: 32, resourceName: name, configs }],
      validateOnly: false,
    })
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([0])
  }
  const kindOf = async (groupId: string): Promise<string | undefined> => {
    using raw = await connectRawKafka(broker.bootstrapServers)
    const { groups } = await raw.ask(listGroups, 5, { statesFilter: [], typesFilter: [] })
    return groups.find((group) => group.groupId === groupId)?.groupType.toLowerCase()
  }
  const described = async (groupId: string) => {
    using raw = await connectRawKafka(broker.bootstrapServers)
    const { groups } = await raw.ask(consumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false })
    return groups.map((group) => ({ ...group, members: group.members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1)) }))
  }
  const shared = (...members: Member[]) =>
    vi.waitFor(() => {
      const held = members.map(({ consumer }) => consumer.assignment().map(({ partition }) => partition))
      expect(held.map(({ length }) => length)).toEqual(members.map(() => partitions / members.length))
      expect(new Set(held.flat()).size).toBe(partitions)
    }, WITHIN)

  test.concurrent.each(Object.entries({ eager, cooperative }))(
    '%s: members are replaced one by one by those of KIP-848, and those by the older ones: each record is read once',
    { timeout: 400_000 },
    async (name, classic) => {
      const topic = `rolls-${name}`
      await prepare(topic)
      const read: string[] = []
      const join = (protocol: Protocol): Member => new Member({ kafka, topic, protocol, read })
      await using producer = kafka.producer()
      let sent = 0
      const producing = setInterval(() => {
        const key = String(sent++)
        void producer.send(
          Array.from({ length: partitions }, (_, partition) => ({ topic, partition, key: `${partition}-${key}`, value: 'v' })),
        )
      }, 20)
      const members: Member[] = []
      try {
        const all = (protocol: Protocol): Protocol[] => Array.from({ length: size }, () => protocol)
        members.push(...all(classic).map(join))
        await shared(...members)
        expect(await kindOf(topic)).toBe('classic')
        for (const protocol of [...all(byBroker), ...all(classic)]) {
          members.push(join(protocol))
          await shared(...members)
          expect(await kindOf(topic)).toBe('consumer')
          await members.shift()?.stop()
          await shared(...members)
        }
        expect(await kindOf(topic)).toBe('classic')
        expect(members.flatMap(({ lost }) => lost)).toEqual([])
      } finally {
        clearInterval(producing)
        await producer.flush()
        await vi.waitFor(() => expect(new Set(read).size).toBe(sent * partitions), WITHIN)
        await Promise.all(members.map((member) => member.stop()))
      }
      expect(read).toHaveLength(sent * partitions)
    },
  )

  test('a group that has begun to change is the same after kill -9, and goes on', { timeout: 400_000 }, async () => {
    const topic = 'killed'
    await prepare(topic)
    await using producer = kafka.producer()
    const read: string[] = []
    const join = (protocol: Protocol): Member => new Member({ kafka, topic, protocol, read })
    const first = join(cooperative)
    await shared(first)
    const second = join(byBroker)
    await shared(first, second)
    const before = await described(topic)
    expect(before[0]?.members.map(({ memberType }) => memberType).toSorted()).toEqual([0, 1])
    await broker.kill()
    await broker.restart()
    await vi.waitFor(async () => expect(await described(topic)).toEqual(before), WITHIN)
    const keys = Array.from({ length: partitions }, (_, partition) => `${partition}-after`)
    await producer.send(keys.map((key, partition) => ({ topic, partition, key, value: 'v' })))
    await vi.waitFor(() => expect(read.toSorted()).toEqual(keys), WITHIN)
    await second.stop()
    await shared(first)
    expect(await kindOf(topic)).toBe('classic')
    await first.stop()
  })
}
