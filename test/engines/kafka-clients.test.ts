import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker } from '../../src/broker/index.ts'
import { apiVersions } from '../../src/kafka-wire/index.ts'
import { Releasers } from '../../src/platform/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { kafka44Versions } from '../data/kafka-versions.ts'
import { judgedBy } from '../harness/judges.ts'
import { enginesAvailable, titlesOf } from './available.ts'
import { connectRawKafka } from './raw-kafka.ts'
import { foreignClients } from './kafka-clients/index.ts'

/**
 * Clients that others wrote, each on the embedded broker and on Kafka 4: what they see must be the same, and what `docs/kafka.md` says.
 * `MILLRACE_KAFKA_CLIENTS=kcat,franz-go` runs these alone.
 */
const wanted = process.env['MILLRACE_KAFKA_CLIENTS']?.split(',')
const systems = [
  { name: 'the embedded broker', engines: [], start: startOurs },
  { name: 'Kafka 4', engines: ['kafka4'], start: startTheirs },
] as const

async function startOurs(parts: Releasers): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-clients-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true, force: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  parts.add('broker', () => broker.close())
  return broker.address
}

async function startTheirs(parts: Releasers): Promise<string> {
  const kafka = await engines.kafka4()
  parts.add('Kafka', async () => kafka[Symbol.asyncDispose]())
  return kafka.bootstrapServers
}

function judge(client: (typeof foreignClients)[number], system: (typeof systems)[number], started: () => Promise<string>): void {
  const { name, title, lacking, checks } = client
  if (lacking !== null) console.warn(`left out: ${name}: ${lacking}`)
  const judges = system.engines.length === 0 ? [title] : titlesOf(system.engines)
  const skip = lacking !== null || !enginesAvailable(system.engines) || (wanted !== undefined && !wanted.includes(name))
  let running: Promise<Record<string, unknown>> | null = null
  // The first check that asks runs them all: its time is the program's.
  const found = (): Promise<Record<string, unknown>> => (running ??= started().then(client.run))
  describe(`${name} on ${system.name}`, { skip, timeout: 600_000, ...judgedBy(...judges) }, () => {
    beforeAll(() => client.bring?.(), 1_800_000)
    test.each(Object.entries(checks))('%s', async (check, expected) => {
      expect((await found())[check]).toEqual(expected)
    })
    test('has no check that docs/kafka.md does not name', async () => {
      expect(Object.keys(await found()).toSorted()).toEqual(Object.keys(checks).toSorted())
    })
  })
}

for (const system of systems) {
  const parts = new Releasers()
  let servers: Promise<string> | null = null
  describe(system.name, judgedBy(...titlesOf(system.engines)), () => {
    afterAll(() => parts.close(), 120_000)
    // docs/kafka.md shows them beside ours.
    if (system.engines.length > 0 && wanted === undefined && enginesAvailable(system.engines)) {
      test('answers the requests of test/data/kafka-versions.ts', { timeout: 180_000 }, async () => {
        using kafka = await connectRawKafka(await (servers ??= system.start(parts)))
        const { apiKeys } = await kafka.ask(apiVersions, 3, { clientSoftwareName: 'page', clientSoftwareVersion: '1' })
        const answered = apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion] as const)
        const expected = kafka44Versions.map(([key, , min, max]) => [key, min, max] as const)
        expect(answered.toSorted(([a], [b]) => a - b)).toEqual(expected.toSorted(([a], [b]) => a - b))
      })
    }
    for (const client of foreignClients) judge(client, system, () => (servers ??= system.start(parts)))
  })
}
