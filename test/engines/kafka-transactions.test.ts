import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { apiVersions } from '../../src/kafka-wire/index.ts'
import { MillraceError } from '../../src/platform/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { findTool } from '../harness/tools.ts'
import { describeOn } from './available.ts'
import { lowerFeature } from './kafka-feature.ts'
import { startKillableBroker, type KillableBroker } from './killable-broker.ts'
import { connectRawKafka } from './raw-kafka.ts'
import { copyTopic, readKeys, rowsOf, writeKeys } from './transaction-copier.ts'

const kcat = findTool('kcat', 'MILLRACE_KCAT')
const WITHIN = { timeout: 240_000 }
const RECORDS = 5_000

describeOn([], 'transactions on our embedded broker', () => judge(startKillableBroker))
describeOn(['kafka4'], 'transactions on Kafka 4 (version 2, KIP-890)', () => judge(engines.kafka4))
describeOn(['kafka4'], 'transactions on Kafka 4 that was told to keep version 1', () =>
  judge(async () => {
    const kafka = await engines.kafka4()
    await lowerFeature(kafka.bootstrapServers, 'transaction.version', 1)
    expect(await transactionVersion(kafka.bootstrapServers)).toBe(1)
    return kafka
  }),
)
describeOn(['kafka3'], 'transactions on Kafka 3.9 with ZooKeeper (version 1)', () => judge(engines.kafka3))

async function transactionVersion(bootstrapServer: string): Promise<number | undefined> {
  using raw = await connectRawKafka(bootstrapServer)
  const { finalizedFeatures } = await raw.ask(apiVersions, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
  return finalizedFeatures.find(({ name }) => name === 'transaction.version')?.maxVersionLevel
}

const keysFrom = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)

function judge(start: () => Promise<KillableBroker>): void {
  let broker: KillableBroker
  let kafka: KafkaClient
  const connect = (): Promise<KafkaClient> => connectKafka({ bootstrapServers: [broker.bootstrapServers], clientId: 'transactions' })
  const createTopics = (partitions: number, ...names: string[]): Promise<unknown> =>
    kafka.admin.createTopics(names.map((name) => ({ name, partitions })))

  beforeAll(async () => {
    broker = await start()
    kafka = await connect()
  }, 600_000)
  afterAll(async () => {
    await kafka?.close()
    await broker?.[Symbol.asyncDispose]()
  })

  describe('aborted records', () => {
    const committed = [...keysFrom('committed', 50), ...keysFrom('last', 20)]

    beforeAll(async () => {
      await createTopics(1, 'visible')
      await using producer = kafka.transactionalProducer({ transactionalId: 'writer', compression: 'gzip' })
      await writeKeys(producer, 'visible', keysFrom('aborted', 30), 'abort')
      await writeKeys(producer, 'visible', keysFrom('twice', 30), 'abort')
      await writeKeys(producer, 'visible', keysFrom('committed', 50), 'commit')
      await producer.begin()
      await producer.abort()
      await writeKeys(producer, 'visible', keysFrom('last', 20), 'commit')
      await writeKeys(producer, 'visible', keysFrom('tail', 10), 'abort')
    }, WITHIN.timeout)

    test('are hidden from our reader when it reads committed ones only', WITHIN, async () => {
      expect(await readKeys(kafka, 'visible')).toEqual([committed])
      expect((await readKeys(kafka, 'visible', 'read_uncommitted'))[0]).toHaveLength(140)
    })

    test('are hidden from our consumer, which goes on behind them', WITHIN, async () => {
      const options = { groupId: 'watchers', topics: ['visible'], startingOffsets: 'earliest', isolationLevel: 'read_committed' } as const
      await using consumer = kafka.consumer(options)
      const keys: string[] = []
      let position = 0n
      while (keys.length < committed.length) {
        for (const batch of await consumer.poll()) {
          keys.push(...rowsOf(batch).map(({ key }) => key))
          position = batch.nextOffset
        }
      }
      expect(keys).toEqual(committed)
      expect(position).toBeGreaterThanOrEqual(BigInt(committed.length))
    })

    test.skipIf(kcat === null)('are hidden from kcat as well', WITHIN, async () => {
      const args = ['-b', broker.bootstrapServers, '-C', '-t', 'visible', '-e', '-q', '-f', '%k\n', '-X', 'isolation.level=read_committed']
      const { stdout } = await promisify(execFile)(kcat ?? '', args)
      expect(stdout.trim().split('\n')).toEqual(committed)
    })

    // Compressed by gzip, since kafkajs knows no lz4.
    test('are hidden from kafkajs as well', WITHIN, async () => {
      const client = new Kafka({ brokers: [broker.bootstrapServers], clientId: 'kafkajs', logLevel: logLevel.NOTHING })
      const consumer = client.consumer({ groupId: 'kafkajs' })
      await consumer.connect()
      await consumer.subscribe({ topics: ['visible'], fromBeginning: true })
      const keys: string[] = []
      await new Promise<void>((resolve, reject) => {
        const eachMessage = async ({ message }: { message: { key: Buffer | null } }): Promise<void> => {
          keys.push(String(message.key))
          if (keys.length === committed.length) resolve()
        }
        consumer.run({ eachMessage }).catch(reject)
      })
      await consumer.disconnect()
      expect(keys).toEqual(committed)
    })
  })

  test('what is open is not read, and the reader is at its end before it', WITHIN, async () => {
    await createTopics(1, 'open')
    await using producer = kafka.transactionalProducer({ transactionalId: 'slow' })
    await writeKeys(producer, 'open', ['first'], 'commit')
    await producer.begin()
    await producer.send([{ topic: 'open', key: 'second', value: null }])
    expect(await readKeys(kafka, 'open')).toEqual([['first']])
    expect(await readKeys(kafka, 'open', 'read_uncommitted')).toEqual([['first', 'second']])
    await producer.commit()
    expect(await readKeys(kafka, 'open')).toEqual([['first', 'second']])
  })

  test('offsets are there after the commit, and never after an abort', WITHIN, async () => {
    await createTopics(1, 'positions')
    await using producer = kafka.transactionalProducer({ transactionalId: 'positions' })
    const at = (offset: bigint) => [{ topic: 'positions', partition: 0, offset, leaderEpoch: -1, metadata: `at ${offset}` }]
    await producer.begin()
    await producer.sendOffsets(at(7n), { groupId: 'positions' })
    await producer.abort()
    expect(await kafka.admin.committedOffsets('positions', ['positions'])).toEqual([])
    await producer.begin()
    await producer.sendOffsets(at(8n), { groupId: 'positions' })
    await producer.sendOffsets(at(9n), { groupId: 'positions' })
    await producer.commit()
    expect(await kafka.admin.committedOffsets('positions', ['positions'])).toMatchObject([{ offset: 9n, metadata: 'at 9' }])
  })

  test('a member that the group went on without commits nothing', WITHIN, async () => {
    await createTopics(1, 'fenced-member')
    await using producer = kafka.transactionalProducer({ transactionalId: 'fenced-member' })
    await producer.begin()
    const offsets = [{ topic: 'fenced-member', partition: 0, offset: 1n, leaderEpoch: -1, metadata: '' }]
    const stranger = { groupId: 'fenced-member', memberId: 'nobody', generationId: 4 }
    await expect(producer.sendOffsets(offsets, stranger)).rejects.toMatchObject({ code: 'KAFKA' })
    await expect(producer.commit()).rejects.toMatchObject({ code: 'KAFKA' })
    await producer.abort()
    await writeKeys(producer, 'fenced-member', ['after'], 'commit')
    expect(await readKeys(kafka, 'fenced-member')).toEqual([['after']])
  })

  test('a copier that is replaced in the middle is fenced, and each record is copied once', WITHIN, async () => {
    await createTopics(2, 'orders', 'copies')
    await using writer = kafka.producer({ batchBytes: 1_000, compression: 'none' })
    await writer.send(keysFrom('order', 600).map((key, i) => ({ topic: 'orders', partition: i % 2, key, value: 'v'.repeat(50) })))
    const open = Promise.withResolvers<void>()
    const replaced = Promise.withResolvers<void>()
    await using first = await connect()
    const beforeCommit = async (copied: number): Promise<void> => {
      if (copied === 0) return
      open.resolve()
      await replaced.promise
    }
    const job = { from: 'orders', to: 'copies', name: 'copier' }
    const fenced = expect(copyTopic(first, { ...job, beforeCommit }, 600)).rejects.toMatchObject({
      code: 'PRODUCER_FENCED',
      retriable: false,
    })
    await open.promise
    const copied = await copyTopic(kafka, job, 600)
    replaced.resolve()
    await fenced
    expect(copied).toBeLessThan(600)
    expect(await readKeys(kafka, 'copies')).toEqual(await readKeys(kafka, 'orders'))
  })

  test(`${RECORDS} records are copied exactly once, whatever is aborted`, WITHIN, async () => {
    await createTopics(3, 'in', 'out')
    await using writer = kafka.producer({ batchBytes: 1_000, compression: 'none' })
    await writer.send(keysFrom('record', RECORDS).map((key, i) => ({ topic: 'in', partition: i % 3, key, value: 'v'.repeat(20) })))
    const seed = Math.floor(Math.random() * 1_000_000)
    const random = seededRandom(seed)
    let aborts = 0
    const mayFail = (): boolean => random() < 0.3 && ++aborts > 0
    expect(await copyTopic(kafka, { from: 'in', to: 'out', name: 'random', mayFail }, RECORDS)).toBe(RECORDS)
    expect(aborts, `seed ${seed}`).toBeGreaterThan(0)
    expect(await readKeys(kafka, 'out'), `seed ${seed}`).toEqual(await readKeys(kafka, 'in'))
  })
  test('what is copied while the broker is killed in a transaction is copied exactly once', WITHIN, async () => {
    await createTopics(2, 'before-kill', 'after-kill')
    await using writer = kafka.producer({ batchBytes: 1_000, compression: 'none' })
    await writer.send(keysFrom('record', 1_000).map((key, i) => ({ topic: 'before-kill', partition: i % 2, key, value: 'v'.repeat(50) })))
    const killed: Promise<void>[] = []
    const beforeCommit = (copied: number): void => {
      if (copied > 300 && killed.length === 0) killed.push(broker.kill().then(() => broker.restart()))
    }
    const job = { from: 'before-kill', to: 'after-kill', name: 'survivor', beforeCommit }
    // What goes wrong in between is for the next run, which settles the transaction before it reads the offsets.
    for (let isDone = false; !isDone;) {
      isDone = await copyTopic(kafka, job, 1_000).then(
        () => true,
        (error: unknown) => {
          if (error instanceof MillraceError && error.code !== 'INTERNAL') return false
          throw error
        },
      )
    }
    expect(killed).toHaveLength(1)
    await Promise.all(killed)
    expect(await readKeys(kafka, 'after-kill')).toEqual(await readKeys(kafka, 'before-kill'))
  })
}
