import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startBroker, type BrokerHandle } from '../../src/broker/index.ts'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { Releasers } from '../../src/platform/index.ts'
import { engines, type KafkaEngine } from '../../tools/engines/index.ts'
import { bringKafkaTools, runKafkaTool } from '../../tools/engines/kafka-tools.ts'
import { describeOn } from './available.ts'
import { Member } from './group-member.ts'
import { group, seenIn, storedUser, writeHistory } from './kafka-history.ts'
import { readKeys, writeKeys } from './transaction-copier.ts'

const connect = (bootstrapServers: string): Promise<KafkaClient> =>
  connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'folders' })
const temporary = (): string => mkdtempSync(join(tmpdir(), 'millrace-folders-'))
/** Resolves once compaction has left out what has a later version. */
const compacted = (kafka: KafkaClient): Promise<void> =>
  vi.waitFor(async () => expect((await readKeys(kafka, 'latest-of.each'))[0]?.length).toBeLessThan(20), { timeout: 60_000, interval: 500 })

describeOn(['kafka4'], 'our broker on the data folder of a Kafka 4 that was stopped', () => {
  const parts = new Releasers()
  let kafka: KafkaEngine
  let before: unknown
  let original: string

  /** Starts ours on a copy, as everything here does: the folder stays Kafka's. */
  async function startOnCopy(more: { credentials?: [] } = {}): Promise<{ broker: BrokerHandle; dataDir: string }> {
    const dataDir = temporary()
    parts.add('copy', () => rmSync(dataDir, { recursive: true, force: true }))
    cpSync(original, dataDir, { recursive: true })
    const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0, ...more }] })
    parts.add('broker', () => broker.close())
    return { broker, dataDir }
  }

  beforeAll(async () => {
    kafka = await engines.kafka4()
    parts.add('Kafka', async () => kafka[Symbol.asyncDispose]())
    const client = await connect(kafka.bootstrapServers)
    await writeHistory(client, kafka.bootstrapServers)
    await compacted(client)
    before = await seenIn(client)
    await client.close()
    await kafka.stop()
    original = join(kafka.dir, 'data')
  }, 200_000)
  afterAll(() => parts.close())

  test('has the same topics, ids, configs, records and offsets, in both isolations', async () => {
    const { broker } = await startOnCopy()
    await using client = await connect(broker.address)
    expect(await seenIn(client)).toEqual(before)
  })

  test('goes on with them: producers, transactions, groups, and over a restart', async () => {
    const { broker, dataDir } = await startOnCopy()
    const client = await connect(broker.address)
    await using producer = client.transactionalProducer({ transactionalId: 'history' })
    await writeKeys(producer, 'visible', ['new'], 'commit')
    await client.admin.createTopics([{ name: 'made-here', partitions: 1 }])
    const [keys = []] = await readKeys(client, 'visible')
    expect([keys.length, keys.at(-1)]).toEqual([22, 'new'])
    const after = await seenIn(client)
    await client.close()
    await broker.close()
    const again = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
    parts.add('again', () => again.close())
    await using second = await connect(again.address)
    expect(await seenIn(second)).toEqual(after)
  })

  test('lets in whom Kafka knew by SCRAM', async () => {
    const { broker } = await startOnCopy({ credentials: [] })
    const sasl = { mechanism: 'SCRAM-SHA-512', ...storedUser } as const
    await using client = await connectKafka({ bootstrapServers: [broker.address], clientId: 'folders', sasl })
    expect((await client.admin.metadata(['visible'])).topics).toHaveLength(1)
  })

  test('finishes what Kafka had begun to delete and to compact', async () => {
    const dataDir = temporary()
    parts.add('copy', () => rmSync(dataDir, { recursive: true, force: true }))
    cpSync(original, dataDir, { recursive: true })
    const folder = join(dataDir, 'visible-0')
    writeFileSync(join(folder, '00000000000000000000.index.deleted'), 'x')
    writeFileSync(join(folder, '00000000000000000009.log.cleaned'), 'x')
    cpSync(join(folder, '00000000000000000000.log'), join(folder, '00000000000000000000.log.swap'))
    cpSync(folder, join(dataDir, `old-0.${'0123456789abcdef'.repeat(2)}-delete`), { recursive: true })
    const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
    parts.add('broker', () => broker.close())
    await using client = await connect(broker.address)
    expect(await seenIn(client)).toEqual(before)
    const left = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    expect(left.filter((name) => /deleted|cleaned|swap|-delete/.test(name))).toEqual([])
  })

  test('does not take one that was not stopped in order, and says what to do', async () => {
    const dataDir = temporary()
    parts.add('copy', () => rmSync(dataDir, { recursive: true, force: true }))
    cpSync(original, dataDir, { recursive: true, filter: (path) => !path.endsWith('.kafka_cleanshutdown') })
    await expect(startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining('stop it with SIGTERM'),
    })
  })

  test('leaves a folder in which Kafka finds the same again', async () => {
    const { broker, dataDir } = await startOnCopy()
    const client = await connect(broker.address)
    await writeKeys(client.transactionalProducer({ transactionalId: 'history' }), 'visible', ['from millrace'], 'commit')
    const after = await seenIn(client)
    await client.close()
    await broker.close()
    rmSync(original, { recursive: true })
    cpSync(dataDir, original, { recursive: true })
    await kafka.restart()
    await using theirs = await connect(kafka.bootstrapServers)
    expect(await seenIn(theirs)).toEqual(after)
  })
})

describeOn(['kafka4'], "Kafka's own dump tool on our files", () => {
  const parts = new Releasers()
  let dataDir: string

  const filesOf = (folder: string, suffix: string): string[] =>
    readdirSync(join(dataDir, folder))
      .filter((name) => name.endsWith(suffix))
      .map((name) => join(dataDir, folder, name))
  const dump = (files: readonly string[], ...more: string[]): Promise<string> =>
    runKafkaTool('org.apache.kafka.tools.DumpLogSegments', ['--files', files.join(','), ...more])

  beforeAll(async () => {
    await bringKafkaTools()
    dataDir = temporary()
    parts.add('data', () => rmSync(dataDir, { recursive: true, force: true }))
    const broker = await startBroker({
      dataDir,
      listeners: [{ host: '127.0.0.1', port: 0 }],
      config: { 'log.cleaner.backoff.ms': '200', 'group.consumer.heartbeat.interval.ms': '100' },
    })
    parts.add('broker', () => broker.close())
    await using client = await connect(broker.address)
    await writeHistory(client, broker.address)
    await compacted(client)
    await bothProtocols(client)
    await broker.close()
  }, 200_000)
  afterAll(() => parts.close())

  test.each(['codecs-0', 'codecs-1', 'visible-0', 'latest-of.each-0', 'cut-0'])(
    'reads the log and the indexes of %s without a complaint',
    async (folder) => {
      const records = await dump(filesOf(folder, '.log'), '--print-data-log', '--deep-iteration')
      expect(records).toContain('isvalid: true')
      expect(records).not.toMatch(/isvalid: false|corrupt|invalid|exception/i)
      for (const suffix of ['.index', '.timeindex']) {
        const indexes = await dump(filesOf(folder, suffix), '--index-sanity-check')
        expect(indexes).not.toMatch(/mismatch|corrupt|exception|fail/i)
        expect(indexes).toMatch(/passed sanity check|is empty/)
        expect(await dump(filesOf(folder, suffix), '--verify-index-only')).not.toMatch(/mismatch|corrupt|exception/i)
      }
    },
  )

  describe('decodes', () => {
    test('every codec', async () => {
      const text = await dump(filesOf('codecs-0', '.log'))
      for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) expect(text).toContain(`compresscodec: ${codec}`)
    })

    test('the aborted transactions and the producers', async () => {
      expect(await dump(filesOf('visible-0', '.txnindex'))).toMatch(
        /version: 0 producerId: \d+ firstOffset: 21 lastOffset: 41 lastStableOffset: 42/,
      )
      expect(await dump(filesOf('visible-0', '.snapshot'))).toMatch(
        /producerId: \d+ producerEpoch: \d+ coordinatorEpoch: \d+ currentTxnFirstOffset: \w+/,
      )
    })

    test('committed offsets', async () => {
      const text = await dump(filesOf('__consumer_offsets-0', '.log'), '--offsets-decoder', '--print-data-log')
      expect(text).toContain(`"group":"${group}","topic":"codecs","partition":2`)
      expect(text).toMatch(/"offset":7.*"metadata":"note 2"/)
    })

    test('a group with members of both protocols', async () => {
      const text = await dump(filesOf('__consumer_offsets-0', '.log'), '--offsets-decoder', '--print-data-log')
      expect(text).toMatch(/"classicMemberMetadata":\{"sessionTimeoutMs":\d+,"supportedProtocols":\[\{"name":"cooperative-sticky"/)
      expect(text).toMatch(/"groupId":"codecs".*"assignedPartitions":/)
    })

    test('states of transactions', async () => {
      const text = await dump(filesOf('__transaction_state-0', '.log'), '--transaction-log-decoder', '--print-data-log')
      expect(text).toContain('"transactionalId":"history"')
      expect(text).toMatch(/transactionStatus/)
    })
  })
})

/** A classic group that a member of KIP-848 joins, and has its part in. */
async function bothProtocols(kafka: KafkaClient): Promise<void> {
  const first = new Member({ kafka, topic: 'codecs', protocol: { assignor: 'cooperative-sticky' }, read: [] })
  await vi.waitFor(() => expect(first.consumer.assignment()).not.toEqual([]), 30_000)
  const second = new Member({ kafka, topic: 'codecs', protocol: { groupProtocol: 'consumer' }, read: [] })
  await vi.waitFor(() => expect(second.consumer.assignment()).not.toEqual([]), 30_000)
  await second.stop()
  await first.stop()
}
