import { systemClock } from '../../src/platform/index.ts'
import type { Fault, Proxy } from '../harness/proxy.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { systemNames, type Server, type System, type SystemName } from './systems.ts'

export interface Stage {
  readonly system: System
  /** Before the API that the source polls. */
  readonly api: Proxy
  /** How long a fault lasts. */
  readonly faultMs: number
  readonly seed: number
}

export interface Scenario {
  readonly name: string
  readonly systems: readonly SystemName[]
  /** Makes the fault and ends it: everything is there again when it resolves. */
  run(stage: Stage): Promise<void>
}

/** The tutorial's Spark job dies when Cassandra is away for so long. */
const AWAY_MS = 34_000
const FULL_FAULT_MS = 30_000

/** What has nothing to do with Kafka is not tried again on the older one. */
const oneKafka: readonly SystemName[] = ['embedded', 'kafka4']

async function away(server: Server, how: 'stop' | 'kill', ms: number): Promise<void> {
  await server[how]()
  await systemClock.sleep(ms)
  await server.start()
}

async function hold(proxy: Proxy, fault: Fault, ms: number): Promise<void> {
  await proxy.set(fault)
  await systemClock.sleep(ms)
  await proxy.set({ is: 'pass' })
}

const slow: Fault = { is: 'delay', upMs: 100, downMs: 100, jitterMs: 200 }
const network: readonly { name: string; fault: Fault }[] = [
  { name: 'cut and refused', fault: { is: 'refuse' } },
  { name: 'delayed', fault: slow },
  { name: 'half-open', fault: { is: 'half-open' } },
  { name: 'half-open, answers lost', fault: { is: 'half-open', silent: 'down' } },
  { name: 'half-open, connections dead for good', fault: { is: 'half-open', afterwards: 'dead' } },
]

export const scenarios: readonly Scenario[] = [
  { name: 'broker restarted', systems: systemNames, run: ({ system }) => away(system.kafka.server, 'stop', 0) },
  { name: 'broker killed, away 5 s', systems: systemNames, run: ({ system }) => away(system.kafka.server, 'kill', 5_000) },
  {
    name: 'Cassandra killed, away 34 s',
    systems: ['kafka4'],
    run: async ({ system, faultMs }) => {
      if (system.cassandra.server) await away(system.cassandra.server, 'kill', Math.round((AWAY_MS * faultMs) / FULL_FAULT_MS))
    },
  },
  ...network.map(({ name, fault }): Scenario => ({
    name: `Kafka ${name}`,
    systems: systemNames,
    run: ({ system, faultMs, seed }) => hold(system.kafka.proxy, seeded(fault, seed), faultMs),
  })),
  ...network.map(({ name, fault }): Scenario => ({
    name: `Cassandra ${name}`,
    systems: oneKafka,
    run: ({ system, faultMs, seed }) => hold(system.cassandra.proxy, seeded(fault, seed), faultMs),
  })),
  { name: 'API away', systems: oneKafka, run: ({ api, faultMs }) => hold(api, { is: 'refuse' }, faultMs) },
  { name: 'API slow', systems: oneKafka, run: ({ api, faultMs }) => hold(api, { is: 'limit', bytesPerSecond: 100_000 }, faultMs) },
  { name: 'API half-open', systems: oneKafka, run: ({ api, faultMs }) => hold(api, { is: 'half-open', afterwards: 'dead' }, faultMs) },
  { name: 'everything at once', systems: systemNames, run: everything },
]

function seeded(fault: Fault, seed: number): Fault {
  return fault.is === 'delay' ? { ...fault, seed } : fault
}

/** Each proxy in a fault of its own, one after another, and each server killed once: which and when the seed says. */
async function everything({ system, api, faultMs, seed }: Stage): Promise<void> {
  const servers = [system.kafka.server, system.cassandra.server].filter((server) => server !== null)
  await Promise.all([
    ...[system.kafka.proxy, system.cassandra.proxy, api].map((proxy, at) => harass(proxy, seededRandom(seed * 31 + at), faultMs)),
    ...servers.map(async (server, at) => {
      const random = seededRandom(seed * 37 + at)
      await systemClock.sleep(random() * faultMs * 0.5)
      await away(server, random() < 0.5 ? 'stop' : 'kill', random() * faultMs * 0.3)
    }),
  ])
}

const harassments: readonly Fault[] = [
  { is: 'pass' },
  { is: 'refuse' },
  slow,
  { is: 'half-open' },
  { is: 'half-open', silent: 'up', afterwards: 'cut' },
  { is: 'half-open', silent: 'down', afterwards: 'dead' },
  { is: 'drop-after', bytes: 50_000 },
  { is: 'limit', bytesPerSecond: 200_000 },
]

async function harass(proxy: Proxy, random: () => number, ms: number): Promise<void> {
  const endMs = performance.now() + ms
  for (let leftMs = ms; leftMs > 0; leftMs = endMs - performance.now()) {
    const fault = harassments[Math.floor(random() * harassments.length)] ?? slow
    await hold(proxy, seeded(fault, Math.floor(random() * 1_000)), Math.min(leftMs, 500 + random() * 5_000))
    if (random() < 0.3) proxy.cut()
  }
}
