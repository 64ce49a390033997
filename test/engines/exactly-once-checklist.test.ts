import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { addPartitionsToTxn, endTxn, fetch, initProducerId, offsetFetch, txnOffsetCommit } from '../../src/kafka-wire/index.ts'
import { systemClock } from '../../src/platform/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { startKillableBroker } from './killable-broker.ts'
import { RequestsSent } from './requests-sent.ts'
import { readKeys, writeKeys } from './transaction-copier.ts'

/** The seven faults of another client (reference/kafka.md): each is looked for in what ours sends to a real broker, and in what comes of it. */
describeOn([], 'what exactly-once asks of a client, on our embedded broker', () => judge(startKillableBroker))
describeOn(['kafka4'], 'what exactly-once asks of a client, on Kafka 4', () => judge(engines.kafka4))
describeOn(['kafka3'], 'what exactly-once asks of a client, on Kafka 3.9 with ZooKeeper', () => judge(engines.kafka3))

const REQUEST_TIMEOUT_MS = 2_000
const MIB = 1024 * 1024

function judge(start: () => Promise<AsyncDisposable & { readonly bootstrapServers: string }>): void {
  let broker: AsyncDisposable & { readonly bootstrapServers: string }
  let kafka: KafkaClient
  let sent: RequestsSent

  let address: { bootstrapServers: string[]; clientId: string }

  beforeAll(async () => {
    sent = new RequestsSent()
    broker = await start()
    address = { bootstrapServers: [broker.bootstrapServers], clientId: 'checklist' }
    // The cluster's own topics take long to be made.
    await using early = await connectKafka(address)
    await writeKeys(await topicAndProducer(early, 'early'), 'early', ['a'], 'commit')
    await early.admin.committedOffsets('early')
    kafka = await connectKafka(address)
  }, 600_000)
  afterAll(async () => {
    sent[Symbol.dispose]()
    await kafka.close()
    await broker[Symbol.asyncDispose]()
  })

  const topicAndProducer = async (
    client: KafkaClient,
    name: string,
    partitions = 1,
  ): Promise<ReturnType<KafkaClient['transactionalProducer']>> => {
    await client.admin.createTopics([{ name, partitions }])
    return client.transactionalProducer({ transactionalId: name })
  }

  test('1. a producer begins with (−1, −1), and the one after it fences it', async () => {
    sent.clear()
    await using first = await topicAndProducer(kafka, 'one')
    await writeKeys(first, 'one', ['a'], 'commit')
    await using second = kafka.transactionalProducer({ transactionalId: 'one' })
    await second.init()
    // A coordinator that is busy is asked again, by the same request.
    const begun = sent.of(initProducerId).map(({ body }) => `${body.producerId}, ${body.producerEpoch}`)
    expect(begun.length).toBeGreaterThanOrEqual(2)
    expect(new Set(begun)).toEqual(new Set(['-1, -1']))
    await expect(writeKeys(first, 'one', ['zombie'], 'commit')).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
    await writeKeys(second, 'one', ['b'], 'commit')
    expect(await readKeys(kafka, 'one')).toEqual([['a', 'b']])
  })

  test('2. of several aborts in one fetch none leaks, and no commit between them is dropped', async () => {
    await using producer = await topicAndProducer(kafka, 'two')
    for (const [key, outcome] of [
      ['aborted 1', 'abort'],
      ['aborted 2', 'abort'],
      ['kept 1', 'commit'],
      ['aborted 3', 'abort'],
      ['kept 2', 'commit'],
    ] as const) {
      await writeKeys(producer, 'two', [key], outcome)
    }
    await producer.begin()
    await producer.abort()
    await writeKeys(producer, 'two', ['kept 3'], 'commit')
    expect(await readKeys(kafka, 'two')).toEqual([['kept 1', 'kept 2', 'kept 3']])
  })

  test('3. committed offsets are asked for as stable, and waited for while a transaction holds others', async () => {
    sent.clear()
    await using producer = await topicAndProducer(kafka, 'three')
    const at = (offset: bigint) => [{ topic: 'three', partition: 0, offset, leaderEpoch: -1, metadata: '' }]
    await producer.begin()
    await producer.sendOffsets(at(1n), { groupId: 'three' })
    await producer.commit()
    await producer.begin()
    await producer.sendOffsets(at(2n), { groupId: 'three' })
    const asked = kafka.admin.committedOffsets('three', ['three'])
    await producer.commit()
    expect(await asked).toMatchObject([{ offset: 2n }])
    const fetches = sent.of(offsetFetch)
    expect(fetches.length).toBeGreaterThan(0)
    expect(fetches.every(({ body }) => body.requireStable)).toBe(true)
  })

  test('4. a transaction has its own time, not that of a request', async () => {
    await (await topicAndProducer(kafka, 'four')).close()
    sent.clear()
    await using hasty = await connectKafka({ ...address, requestTimeoutMs: REQUEST_TIMEOUT_MS })
    await using producer = await topicAndProducer(hasty, 'four')
    await producer.begin()
    await producer.send([{ topic: 'four', key: 'slow', value: 'v' }])
    await systemClock.sleep(REQUEST_TIMEOUT_MS + 500)
    await producer.commit()
    expect(new Set(sent.of(initProducerId).map(({ body }) => body.transactionTimeoutMs))).toEqual(new Set([60_000]))
    expect(await readKeys(kafka, 'four')).toEqual([['slow']])
  })

  test('5. all offsets of a call go in one request', async () => {
    sent.clear()
    await using producer = await topicAndProducer(kafka, 'five', 100)
    await producer.begin()
    const offsets = Array.from({ length: 100 }, (_, partition) => ({ topic: 'five', partition, offset: 1n, leaderEpoch: -1, metadata: '' }))
    await producer.sendOffsets(offsets, { groupId: 'five' })
    await producer.commit()
    // While the coordinator of a first commit is busy, the same request is sent again.
    const requests = sent.of(txnOffsetCommit)
    expect(requests.every(({ body }) => body.topics.length === 1 && body.topics[0]?.partitions.length === 100)).toBe(true)
    expect(await kafka.admin.committedOffsets('five', ['five'])).toHaveLength(100)
  })

  test('6. partitions are added by a version that clients may use, or not at all', async () => {
    sent.clear()
    await using producer = await topicAndProducer(kafka, 'six', 3)
    await writeKeys(producer, 'six', ['a', 'b'], 'commit')
    expect(sent.of(addPartitionsToTxn).every(({ version }) => version <= 3)).toBe(true)
    // Version 5 of EndTxn means transactions of version 2 (KIP-890): the write adds its partition.
    const isVersion2 = sent.of(endTxn).every(({ version }) => version >= 5)
    expect(sent.of(addPartitionsToTxn).length > 0).toBe(!isVersion2)
  })

  test('7. a fetch asks for 1 MiB', async () => {
    await using producer = await topicAndProducer(kafka, 'seven')
    await writeKeys(producer, 'seven', ['a'], 'commit')
    sent.clear()
    await readKeys(kafka, 'seven')
    const [first] = sent.of(fetch)
    expect(first?.body).toMatchObject({ maxBytes: MIB, isolationLevel: 1, topics: [{ partitions: [{ partitionMaxBytes: MIB }] }] })
  })
}
