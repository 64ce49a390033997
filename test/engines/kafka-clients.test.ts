import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker } from '../../src/broker/index.ts'
import { apiVersions } from '../../src/kafka-wire/index.ts'
import { once, Releasers } from '../../src/platform/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { kafka44Versions } from '../data/kafka-versions.ts'
import { judgedBy } from '../harness/judges.ts'
import { enginesAvailable, titlesOf } from './available.ts'
import { connectRawKafka } from './raw-kafka.ts'
import { foreignClients } from './kafka-clients/index.ts'

/**
 * Clients that others wrote, each on the embedded broker and on Kafka 4, at the same time, since they mostly wait: what they see must be the
 * same, and what `docs/kafka.md` says.
 * `MILLRACE_KAFKA_CLIENTS=kcat,franz-go` runs these alone.
 */
const wanted = process.env['MILLRACE_KAFKA_CLIENTS']?.split(',')
const systems = [toJudgeOn('the embedded broker', [], startOurs), toJudgeOn('Kafka 4', ['kafka4'], startTheirs)]

type Client = (typeof foreignClients)[number]
type System = (typeof systems)[number]
type Found = Readonly<Record<string, unknown>>

function toJudgeOn(name: string, judges: readonly string[], start: (parts: Releasers) => Promise<string>) {
  const parts = new Releasers()
  return { name, engines: judges, servers: once(() => start(parts)), close: () => parts.close() }
}

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

const isLeftOut = (client: Client, system: System): boolean =>
  client.lacking !== null || !enginesAvailable(system.engines) || (wanted !== undefined && !wanted.includes(client.name))

/** Runs a client on each system, and tells what it saw on each. */
function runOnAll(client: Client): ReadonlyMap<System, Promise<Found>> {
  const runs = systems.filter((system) => !isLeftOut(client, system)).map((system) => [system, system.servers().then(client.run)] as const)
  // A failure is told by the tests of its system, which may begin later.
  for (const [, run] of runs) run.catch(() => undefined)
  return new Map(runs)
}

function judge(client: Client, system: System, runs: () => Promise<ReadonlyMap<System, Promise<Found>>>): void {
  const { name, title, checks } = client
  const judges = system.engines.length === 0 ? [title] : titlesOf(system.engines)
  // The first check that asks runs them all: its time is the program's.
  const found = async (): Promise<Found> => (await runs()).get(system) ?? {}
  describe(`${name} on ${system.name}`, { skip: isLeftOut(client, system), timeout: 600_000, ...judgedBy(...judges) }, () => {
    beforeAll(() => client.bring?.(), 1_800_000)
    test.each(Object.entries(checks))('%s', async (check, expected) => {
      expect((await found())[check]).toEqual(expected)
    })
    test('has no check that docs/kafka.md does not name', async () => {
      expect(Object.keys(await found()).toSorted()).toEqual(Object.keys(checks).toSorted())
    })
  })
}

const clients = foreignClients.map((client) => ({ client, runs: once(async () => runOnAll(client)) }))
for (const { name, lacking } of foreignClients) if (lacking !== null) console.warn(`left out: ${name}: ${lacking}`)

for (const system of systems) {
  describe(system.name, judgedBy(...titlesOf(system.engines)), () => {
    afterAll(system.close, 120_000)
    // docs/kafka.md shows them beside ours.
    if (system.engines.length > 0 && wanted === undefined && enginesAvailable(system.engines)) {
      test('answers the requests of test/data/kafka-versions.ts', { timeout: 180_000 }, async () => {
        using kafka = await connectRawKafka(await system.servers())
        const { apiKeys } = await kafka.ask(apiVersions, 3, { clientSoftwareName: 'page', clientSoftwareVersion: '1' })
        const answered = apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion] as const)
        const expected = kafka44Versions.map(([key, , min, max]) => [key, min, max] as const)
        expect(answered.toSorted(([a], [b]) => a - b)).toEqual(expected.toSorted(([a], [b]) => a - b))
      })
    }
    for (const { client, runs } of clients) judge(client, system, runs)
  })
}
