import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kafkaRecordsSuite } from '../../../test/harness/kafka-records-suite.ts'
import type { Field, KafkaEndpoint } from '../../core/index.ts'
import { avroCodec, avroOfSchema, parseAvro } from '../../formats/index.ts'
import { connectKafka } from '../../kafka-client/index.ts'
import { systemClock } from '../../platform/index.ts'
import { createRegistryClient } from '../../registry-client/index.ts'
import { startKafka, startSchemaRegistry } from '../../testing/index.ts'
import { takePages } from '../conformance/take-pages.ts'
import { openKafkaRecordsBy } from './open.ts'
import { kafkaRecordsSpec, resolveKafkaRecords } from './options.ts'

kafkaRecordsSuite(() => startKafka({ autoCreateTopics: false }))

test('Avro is read by the schemas that its records name; without a registry that is told before anything is read', async () => {
  await using kafka = await startKafka({ topics: [{ name: 'avro' }] })
  await using registry = await startSchemaRegistry()
  const fields: Field[] = [
    { name: 'id', type: { is: 'int64' }, nullable: false },
    { name: 'price', type: { is: 'decimal', precision: 9, scale: 2 }, nullable: true },
  ]
  const schema = avroOfSchema({ name: 'Order', fields })
  const client = createRegistryClient({ url: registry.url })
  const id = await client.register('avro-value', schema)
  client.close()
  const type = parseAvro(schema)
  if (!type.ok) throw new Error('no schema')
  const codec = avroCodec({ writer: { id, type: type.type }, fields, schemaOf: () => Promise.reject(new Error('it is at hand')) })
  const values = [
    { id: 1, price: '12.50' },
    { id: '9007199254740993', price: null },
  ]
  await kafka.produce(
    'avro',
    values.map((value) => ({ value: codec.encode(value) })).flatMap(({ value }) => (value.ok ? [{ value: value.value }] : [])),
  )
  const bootstrapServers = [kafka.bootstrapServers]
  const open = (registryOf: { url: string } | null) =>
    openKafkaRecordsBy('records', resolveKafkaRecords('records', { topic: 'avro', values: 'avro' }), {
      clock: systemClock,
      env: {},
      folder: '/',
      endpoints: { kafka: { bootstrapServers }, registry: registryOf },
      connectKafka: (endpoint) => connectKafka({ bootstrapServers: endpoint.bootstrapServers, clientId: 'reads' }),
      log: () => {},
    })
  const [page] = await takePages(open({ url: registry.url }), null)
  expect(page?.records.map((record) => record['value'])).toEqual(values)
  expect(() => open(null)).toThrow("Source records: values: 'avro' needs a schema registry")
})

const password = { secret: 'env', name: 'KAFKA_PASSWORD' } as const

test.each<[object, string]>([
  [{}, 'topic is required'],
  [{ topic: 'a/b' }, 'topic must be a name of a topic'],
  [{ topic: 'a', values: 'xml' }, "values must be 'json' or 'avro' or 'text' or 'bytes'"],
  [{ topic: 'a', sasl: { mechanism: 'PLAIN', username: 'u', password } }, 'sasl is of another Kafka, whose bootstrapServers are missing'],
  [
    { topic: 'a', bootstrapServers: 'k:9092', sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' } },
    'sasl: password must be secret.env',
  ],
  [{ topic: 'a', registry: 'http://me:pw@registry' }, 'registry must be a URL beginning with http:// or https://, without a user in it'],
  [{ topic: 'a', from: 7 }, "from must be 'earliest' or 'latest'"],
])('options that cannot be are named: %j', (options, problem) => {
  expect(() => resolveKafkaRecords('records', options)).toThrow(problem)
})

test('the source as data holds references to secrets alone', () => {
  const spec = kafkaRecordsSpec({
    name: 'records',
    topic: 'a',
    bootstrapServers: 'one:9092, two:9092',
    tls: { ca: { secret: 'file', path: 'ca.pem' } },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password },
    onBadRecord: () => null,
  })
  expect(spec.options).toEqual({
    topic: 'a',
    bootstrapServers: 'one:9092, two:9092',
    tls: { ca: { secret: 'file', path: 'ca.pem' } },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password },
  })
  expect(resolveKafkaRecords('records', spec.options)).toMatchObject({ bootstrapServers: ['one:9092', 'two:9092'], values: 'json' })
})

test('another Kafka is connected to with its secrets, which are read where the source runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secrets-'))
  writeFileSync(join(folder, 'ca.pem'), 'an authority\n')
  const options = resolveKafkaRecords('records', {
    topic: 'a',
    bootstrapServers: ['other:9093'],
    tls: { ca: { secret: 'file', path: 'ca.pem' } },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password },
  })
  const asked: KafkaEndpoint[] = []
  const open = (env: Record<string, string>) =>
    openKafkaRecordsBy('records', options, {
      clock: systemClock,
      env,
      folder,
      endpoints: { kafka: { bootstrapServers: ['own:9092'] }, registry: null },
      connectKafka: (endpoint) => {
        asked.push(endpoint)
        return Promise.reject(new Error('it is away'))
      },
      log: () => {},
    })
  const source = open({ KAFKA_PASSWORD: 'it is a secret' })
  expect(source.says).toBe('topic a of other:9093')
  await expect(takePages(source, null)).rejects.toThrow('it is away')
  expect(asked).toEqual([
    {
      bootstrapServers: ['other:9093'],
      tls: { ca: 'an authority' },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'it is a secret' },
    },
  ])
  expect(() => open({})).toThrow('Source records: sasl.password needs the environment variable KAFKA_PASSWORD, which is not set.')
  rmSync(folder, { recursive: true })
  expect(() => open({ KAFKA_PASSWORD: 'x' })).toThrow(/tls\.ca needs the file .*ca\.pem, which cannot be read \(ENOENT\)/)
})
