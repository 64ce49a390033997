import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  kafkaRecordsSpec,
  openSource,
  rereadableSourceConformance,
  type BadKafkaRecord,
  type KafkaRecordsOptions,
  type PolledSource,
} from '../../src/connectors/index.ts'
import type { Json, SourceFunction } from '../../src/core/index.ts'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { Releasers, systemClock } from '../../src/platform/index.ts'

interface Broker extends AsyncDisposable {
  readonly bootstrapServers: string
}

/** What `kafkaRecords` gives of a topic, on whichever Kafka. */
export function kafkaRecordsSuite(start: () => Promise<Broker>): void {
  const parts = new Releasers()
  let kafka: KafkaClient
  let bootstrapServers = ''
  beforeAll(async () => {
    const broker = await start()
    parts.add('broker', async () => broker[Symbol.asyncDispose]())
    ;({ bootstrapServers } = broker)
    kafka = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'kafka-records' })
    parts.add('kafka', () => kafka.close())
  }, 600_000)
  afterAll(() => parts.close())

  const make = async (topic: string, partitions = 1): Promise<void> => {
    await kafka.admin.createTopics([{ name: topic, partitions }])
    // Real brokers learn of it one after the other.
    await expect.poll(async () => (await kafka.admin.metadata([topic])).topics[0]?.error).toBeNull()
  }
  const produce = async (topic: string, values: readonly unknown[], partition = 0): Promise<void> => {
    await using producer = kafka.producer({ lingerMs: 0 })
    const bytes = (value: unknown) => (value instanceof Uint8Array || value === null ? value : JSON.stringify(value))
    await producer.send(values.map((value, i) => ({ topic, partition, key: `k${i}`, value: bytes(value) })))
  }

  type Some = Partial<KafkaRecordsOptions> & { topic: string }

  const open = (options: Some, log: string[] = []): Promise<PolledSource> => {
    const given = { name: 'records', ...options }
    const { onBadRecord } = options
    const sourceFunctions: Record<string, SourceFunction> = typeof onBadRecord === 'function' ? { onBadRecord } : {}
    const flow = { source: kafkaRecordsSpec(given), sourceFunctions }
    return openSource(
      flow,
      { kafka: { bootstrapServers: [bootstrapServers] }, registry: null, randomUser: { url: '', is: 'local', why: '', seed: '' } },
      { clock: systemClock, random: Math.random, fetch: globalThis.fetch, env: {} },
      {
        log: (line) => log.push(line),
        connectKafka: (endpoint) => connectKafka({ bootstrapServers: endpoint.bootstrapServers, clientId: 'reads' }),
      },
    )
  }

  /** One run; whatever it gave before it failed is committed. */
  const run = async (options: Some, cursor: Json = null, onPage = (): Promise<void> => Promise.resolve()) => {
    const log: string[] = []
    const records: Record<string, unknown>[] = []
    let last = cursor
    let pages = 0
    let error: unknown = null
    try {
      const source = await open(options, log)
      for await (const page of source.read(cursor, new AbortController().signal)) {
        pages++
        records.push(...page.records)
        last = page.cursor
        await onPage()
      }
    } catch (thrown) {
      error = thrown
    }
    return { records, values: records.map((record) => record['value']), cursor: last, log, error, pages }
  }

  test('a run reads what is there at its start, and the next one goes on', async () => {
    await make('there', 2)
    await produce('there', [1, 2, 3], 0)
    await produce('there', [4], 1)
    const first = await run({ topic: 'there', records: 2 }, null, () => produce('there', ['later'], 1))
    expect(first.error).toBeNull()
    expect([first.values, first.pages]).toEqual([[1, 2, 3, 4], 3])
    expect(first.records[0]).toEqual({
      key: 'k0',
      value: 1,
      headers: {},
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      partition: 0,
      offset: 0,
    })
    const second = await run({ topic: 'there' }, first.cursor)
    expect(second.values).toEqual(['later', 'later', 'later'])
  })

  test('only what is committed is read, and an open transaction is not waited for', async () => {
    await make('committed')
    const write = async (id: string, value: number, end: 'commit' | 'abort' | 'open') => {
      const producer = kafka.transactionalProducer({ transactionalId: id })
      await producer.init()
      await producer.begin()
      await producer.send([{ topic: 'committed', key: null, value: JSON.stringify(value) }])
      if (end !== 'open') await producer[end]()
      return producer
    }
    await write('a', 1, 'commit')
    await write('b', 2, 'abort')
    await write('c', 3, 'commit')
    const pending = await write('d', 4, 'open')
    await produce('committed', [5])
    const first = await run({ topic: 'committed' })
    expect([first.values, first.error]).toEqual([[1, 3], null])
    await pending.commit()
    expect((await run({ topic: 'committed' }, first.cursor)).values).toEqual([4, 5])
  })

  test('headers, tombstones, keys and values as bytes, large numbers', async () => {
    await make('shapes')
    await using producer = kafka.producer()
    const headers = [
      { key: 'trace', value: Buffer.from('abc') },
      { key: 'raw', value: Buffer.from([0xff]) },
      { key: 'none', value: null },
    ]
    await producer.send([
      { topic: 'shapes', key: 'a', value: '{"id":9007199254740993}', headers, timestampMs: 0 },
      { topic: 'shapes', key: null, value: null, timestampMs: 1 },
    ])
    const { records } = await run({ topic: 'shapes' })
    expect(records).toEqual([
      {
        key: 'a',
        value: { id: '9007199254740993' },
        headers: { trace: 'abc', raw: '/w==', none: null },
        timestamp: '1970-01-01T00:00:00.000Z',
        partition: 0,
        offset: 0,
      },
      { key: null, value: null, headers: {}, timestamp: '1970-01-01T00:00:00.001Z', partition: 0, offset: 1 },
    ])
    const asBytes = await run({ topic: 'shapes', keys: 'bytes', values: 'bytes' })
    expect(asBytes.records[0]).toMatchObject({ key: 'YQ==', value: Buffer.from('{"id":9007199254740993}').toString('base64') })
    expect((await run({ topic: 'shapes', values: 'text' })).values).toEqual(['{"id":9007199254740993}', null])
  })

  test('a record that cannot be read fails the run with its place, once what is before it is committed', async () => {
    await make('bad')
    await produce('bad', [1, Buffer.from('{'), 3])
    const first = await run({ topic: 'bad' })
    expect(first.values).toEqual([1])
    expect(first.error).toMatchObject({ code: 'RECORD_DECODE', details: { source: 'records', where: 'bad/0 offset 1' } })
    expect((await run({ topic: 'bad' }, first.cursor)).error).toMatchObject({ code: 'RECORD_DECODE' })
    const skipping = await run({ topic: 'bad', onBadRecord: 'skip' }, first.cursor)
    expect([skipping.values, skipping.log.at(-1)]).toEqual([[3], 'records: 1 bad one left out in this run'])
    const repair = ({ problem, ...record }: BadKafkaRecord) => ({ ...record, value: problem === '' ? '' : 'repaired' })
    const repaired = await run({ topic: 'bad', onBadRecord: repair }, first.cursor)
    expect(repaired.records[0]).toMatchObject({ key: Buffer.from('k1').toString('base64'), value: 'repaired', offset: 1 })
  })

  test('a run that begins at the end keeps where that was, though nothing comes', async () => {
    await make('late')
    await produce('late', [1])
    const first = await run({ topic: 'late', from: 'latest' })
    expect([first.values, first.pages]).toEqual([[], 1])
    await produce('late', [2])
    expect((await run({ topic: 'late', from: 'latest' }, first.cursor)).values).toEqual([2])
  })

  test('it follows what comes, for as long as it is told to', async () => {
    await make('followed', 2)
    await produce('followed', [1])
    let more = [2, 3]
    const { values, error } = await run({ topic: 'followed', for: '3s' }, null, async () => {
      const next = more.splice(0, 1)
      if (next.length > 0) await produce('followed', next, 1)
    })
    expect([values, error]).toEqual([[1, 2, 3], null])
  })

  test('a partition that was added is read from its beginning', async () => {
    await make('grown')
    await produce('grown', [1])
    const first = await run({ topic: 'grown', from: 'latest' })
    await kafka.admin.createPartitions([{ name: 'grown', partitions: 2 }])
    await expect.poll(async () => (await kafka.admin.metadata(['grown'])).topics[0]?.partitions.length).toBe(2)
    await produce('grown', [2], 1)
    expect((await run({ topic: 'grown', from: 'latest' }, first.cursor)).values).toEqual([2])
  })

  test('a topic that was made anew, records that are gone, and one that is not there are told', async () => {
    await make('anew')
    await produce('anew', [1, 2])
    const first = await run({ topic: 'anew' })
    await kafka.admin.deleteRecords([{ topic: 'anew', partition: 0, offset: 2n }])
    expect((await run({ topic: 'anew' }, first.cursor)).error).toBeNull()
    await produce('anew', [3, 4])
    await kafka.admin.deleteRecords([{ topic: 'anew', partition: 0, offset: 3n }])
    const gone = await run({ topic: 'anew' }, first.cursor)
    expect(String(gone.error)).toContain(
      'Source records stopped: records of anew/0 from offset 2 on were deleted before it read them; the log begins at 3.',
    )
    await kafka.admin.deleteTopics(['anew'])
    await expect.poll(async () => (await kafka.admin.metadata(['anew'])).topics[0]?.error).not.toBeNull()
    expect(String((await run({ topic: 'anew' })).error)).toContain('topic anew cannot be read: UNKNOWN_TOPIC_OR_PARTITION')
    await make('anew')
    expect(String((await run({ topic: 'anew' }, first.cursor)).error)).toContain('topic anew was deleted and made anew since the last run')
    expect(String((await run({ topic: 'other' }, first.cursor)).error)).toContain('does not fit what it reads now')
  })

  rereadableSourceConformance({ test, assert: { deepEqual: (actual, expected) => expect(actual).toEqual(expected) } }, async () => {
    const topic = 'conformance'
    const { topics } = await kafka.admin.metadata([topic])
    if (topics[0]?.error !== null) {
      await make(topic, 3)
      for (const partition of [0, 1, 2])
        await produce(
          topic,
          Array.from({ length: 20 }, (_, n) => ({ n })),
          partition,
        )
    }
    const source = await open({ topic, records: 6 })
    return { source, keyOf: ({ partition, offset }) => `${String(partition)}/${String(offset)}`, [Symbol.asyncDispose]: async () => {} }
  })
}
