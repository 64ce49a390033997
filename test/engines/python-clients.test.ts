import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startBroker } from '../../src/broker/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { Releasers } from '../../src/platform/index.ts'
import { startRegistry } from '../../src/registry/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { exchanged, exchangeValues } from './our-values.ts'
import { bringPythonClients, describePython, runPython } from './python.ts'

interface Judged {
  servers: string
  /** Starts what the suites of Kafka alone can do without. */
  registryUrl: () => Promise<string>
}

async function startOurs(parts: Releasers): Promise<Judged> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-python-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true, force: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  parts.add('broker', () => broker.close())
  const servers = `127.0.0.1:${broker.listeners[0]?.port}`
  const kafka = await connectKafka({ bootstrapServers: [servers], clientId: 'python-clients-test' })
  parts.add('client', () => kafka.close())
  const registry = await startRegistry({ host: '127.0.0.1', port: 0, kafka })
  parts.add('registry', () => registry.close())
  return { servers, registryUrl: async () => registry.address }
}

async function startTheirs(parts: Releasers): Promise<Judged> {
  const kafka = await engines.kafka4()
  parts.add('Kafka', async () => kafka[Symbol.asyncDispose]())
  const registryUrl = async (): Promise<string> => {
    const registry = await engines.apicurio()
    parts.add('Apicurio', async () => registry[Symbol.asyncDispose]())
    return registry.url
  }
  return { servers: kafka.bootstrapServers, registryUrl }
}

const avroThroughARegistry = {
  unsent: 0,
  versions: [1, 2],
  refused: 409,
  compatible: true,
  ages: 4950,
  countries: ['NZ', 'None'],
  subjects: ['users-value'],
}

const roundTrip = {
  acknowledged: 1_000,
  readAsSent: true,
  bytesByCodec: { None: 19_900, gzip: 19_900, snappy: 19_900, lz4: 19_900, zstd: 19_900 },
  afterSeek: 10,
  assigned: 3,
  goesOnAt: [100, 100, 100],
  committed: [
    [0, 100, 'half'],
    [1, 100, 'half'],
    [2, 100, 'half'],
  ],
  ends: [335, 335, 330],
  before: { 'retention.ms': '3600000', 'cleanup.policy': 'delete', 'max.message.bytes': '1048588' },
  after: { 'retention.ms': '7200000', 'cleanup.policy': 'delete', 'max.message.bytes': '2000000' },
  group: ['Empty', 'consumer', 0],
  listed: true,
}

const systems = [
  { kafka: 'the embedded broker', registry: 'the embedded registry', names: [], start: startOurs },
  { kafka: 'Kafka 4', registry: 'Apicurio', names: ['kafka4', 'apicurio'], start: startTheirs },
]

for (const { kafka, registry, names, start } of systems) {
  const parts = new Releasers()
  let judged: Promise<Judged> | null = null
  const started = async (): Promise<Judged> => {
    await bringPythonClients()
    return (judged ??= start(parts))
  }
  afterAll(() => parts.close())

  describePython('confluent-kafka', names, `Avro through a registry, its schema changed, on ${kafka} and ${registry}`, () => {
    let url = ''
    beforeAll(async () => {
      url = await (await started()).registryUrl()
    }, 240_000)
    it('is written and read', async () => {
      const { servers } = await started()
      expect(await runPython('confluent-avro.py', servers, url, 'users')).toEqual(avroThroughARegistry)
    })
  })

  describePython('confluent-kafka', names, `values of our sources and streams, on ${kafka} and ${registry}`, () => {
    let url = ''
    beforeAll(async () => {
      url = await (await started()).registryUrl()
    }, 240_000)
    it('are read there, and theirs here', async () => {
      const { servers } = await started()
      expect(await exchangeValues(servers, url, 'our_values')).toEqual(exchanged)
    })
  })

  describePython('kafka-python', names.slice(0, 1), `records of every codec, a group, seeks, commits and configs, on ${kafka}`, () => {
    beforeAll(async () => void (await started()), 240_000)
    it('are as they should be', async () => {
      const { servers } = await started()
      expect(await runPython('kafka-python-round-trip.py', servers, 'round-trip')).toEqual(roundTrip)
    })
  })
}
