/**
 * The broker beside real Kafka 4, with Kafka's own Java clients, by turns: with its syncs (as users run it), with `flush: 'os'`, and Kafka
 * as its scripts start it, which does not sync. Usage: node bench/broker.ts [rounds] [load] [loads|latency|start|holding ...]
 * `load` (0.3) is in millions of records of 100 bytes, with a third of it of 1 KB, a round; prints figures, a table of the loads and at
 * last one with a row for each aim, asserts nothing. With
 * MILLRACE_BENCH_PROFILE=<folder> our brokers write CPU profiles there when they stop; `without-kafka` leaves Kafka out.
 */
import { connectKafka, type KafkaClient } from '../src/kafka-client/index.ts'
import { bringKafkaTools } from '../tools/engines/kafka-tools.ts'
import { Aims } from './broker/aims.ts'
import { Figures, median } from './broker/figures.ts'
import { firstMetadata, hold, type Held } from './broker/holding.ts'
import { consume, endToEnd, produce, type Load } from './broker/java-clients.ts'
import { startKafka4, startMillrace, type Server } from './broker/servers.ts'

const [roundsText = '2', loadText = '0.3', ...asked] = process.argv.slice(2)
const rounds = Number(roundsText)
const kinds = asked.filter((name) => name !== 'without-kafka')
const wanted = (name: string): boolean => kinds.length === 0 || kinds.includes(name)
const figures = new Figures()
const aims = new Aims()

const small = { records: 1_000_000 * Number(loadText), recordBytes: 100 }
const large = { records: Math.round((1_000_000 * Number(loadText)) / 3), recordBytes: 1000 }
const loads: readonly { what: string; load: Load; consumed: boolean }[] = [
  { what: '100 B, default batches', load: { ...small, batchBytes: null }, consumed: false },
  { what: '100 B, 64 KiB batches', load: { ...small, batchBytes: 65_536 }, consumed: true },
  { what: '1 KB, default batches', load: { ...large, batchBytes: null }, consumed: false },
  { what: '1 KB, 64 KiB batches', load: { ...large, batchBytes: 65_536 }, consumed: true },
]

async function measure(server: Server, what: string, records: number, run: () => Promise<number>): Promise<void> {
  const cpuBefore = server.cpuSeconds()
  const perSecond = await run()
  const cpu = ((server.cpuSeconds() - cpuBefore) / records) * 1e6
  figures.add(what, server.name, { perSecond, cpu })
  console.log(
    `${server.name.padEnd(14)}${what.padEnd(36)}${Math.round(perSecond).toString().padStart(9)}/s, broker ${cpu.toFixed(2)} CPU s`,
  )
}

const kafka = 'kafka 4'
const named = <T extends { name: string }>(all: readonly T[], name: string): T | undefined => all.find((one) => one.name === name)

/** Each load goes into a topic of its own, and leaves with it. */
async function loaded(server: Server, round: number, { what, load, consumed }: (typeof loads)[number]): Promise<void> {
  await using client = await connectKafka({ bootstrapServers: [server.bootstrapServers], clientId: 'bench' })
  const topic = `bench-${round}-${what.replaceAll(/[^a-zA-Z0-9]+/g, '-')}`
  await client.admin.createTopics([{ name: topic, partitions: 1, configs: { 'file.delete.delay.ms': '0' } }])
  await measure(server, `produce ${what}`, load.records, () => produce(server.bootstrapServers, topic, load))
  // Readers see no difference between ours.
  if (consumed && server.name !== 'millrace, os')
    await measure(server, `consume ${load.recordBytes < 1000 ? '100 B' : '1 KB'}`, load.records, () =>
      consume(server.bootstrapServers, topic, load.records),
    )
  await client.admin.deleteTopics([topic])
}

/** By our own client, which starts at once. */
async function fill(client: KafkaClient, topic: string, { records, recordBytes, batchBytes }: Load): Promise<void> {
  const perCall = 1_000
  const batch = Array.from({ length: perCall }, () => ({ topic, key: null, value: Buffer.alloc(recordBytes, 'x') }))
  await using producer = client.producer({ compression: 'none', ...(batchBytes === null ? {} : { batchBytes }) })
  for (let done = 0; done < records; done += 5 * perCall) await Promise.all(Array.from({ length: 5 }, () => producer.send(batch)))
}

/** What a new process compiles is not what is measured. */
async function warmUp({ bootstrapServers }: Server): Promise<void> {
  await using client = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'bench' })
  const topic = 'warm'
  await client.admin.createTopics([{ name: topic, partitions: 1 }])
  for (const batchBytes of [16_384, 65_536]) await fill(client, topic, { records: 300_000, recordBytes: 100, batchBytes })
  await using reader = client.reader({ topic, from: 'earliest' })
  do await reader.poll()
  while (!reader.atEnd())
  await client.admin.deleteTopics([topic])
}

async function allLoads(servers: readonly Server[]): Promise<void> {
  for (const server of servers) await warmUp(server)
  for (let round = 0; round < rounds; round++) for (const load of loads) for (const server of servers) await loaded(server, round, load)
  console.log(`\n${figures.rows(kafka).join('\n')}\n`)
  for (const { what, load } of loads) aims.load(figures, `produce ${what}`, load.recordBytes < 1000 ? 0.5 : 0.65)
  for (const server of servers) {
    const { peak } = server.rssMegabytes()
    console.log(`${server.name}: RSS ${peak.toFixed(0)} MB at its highest`)
    if (server.name !== kafka) aims.most(`memory under load (${server.name})`, 120, 'MB', peak, named(servers, kafka)?.rssMegabytes().peak)
  }
}

async function latency(servers: readonly Server[]): Promise<void> {
  const found = new Map<Server, { p50: number; p99: number }[]>()
  for (let round = 0; round < rounds; round++)
    for (const server of servers)
      found.set(server, [...(found.get(server) ?? []), await endToEnd(server.bootstrapServers, `latency-${round}`, 3_000)])
  for (const [{ name }, all] of found) {
    const p99s = all.map(({ p99 }) => p99)
    console.log(`${name}: end to end p50 ${median(all.map(({ p50 }) => p50))} ms, p99 ${median(p99s)} ms (${p99s.join(', ')})`)
  }
  const p99 = (server: Server | undefined): number | undefined => server && median((found.get(server) ?? []).map((one) => one.p99))
  aims.most('end to end p99, acks=all', 10, 'ms', p99(servers[0]) ?? NaN, p99(named(servers, kafka)))
}

/** On an empty folder, and on a log of a gigabyte: after an orderly stop, and after kill -9. */
async function starts(server: Server): Promise<{ name: string; empty: number; full: number; killed: number }> {
  await server.stop()
  const empty = await firstMetadata(server)
  {
    await using client = await connectKafka({ bootstrapServers: [server.bootstrapServers], clientId: 'bench' })
    await client.admin.createTopics([{ name: 'gigabyte', partitions: 1 }])
    await fill(client, 'gigabyte', { records: 1_000_000, recordBytes: 1000, batchBytes: 65_536 })
  }
  await server.stop()
  const full = await firstMetadata(server)
  await server.kill()
  const killed = await firstMetadata(server)
  console.log(
    `${server.name}: first Metadata ${empty.toFixed(2)} s without records, ${full.toFixed(2)} s on 1 GB, after kill -9 ${killed.toFixed(2)} s`,
  )
  return { name: server.name, empty, full, killed }
}

async function allStarts(servers: readonly Server[]): Promise<void> {
  const found = []
  for (const server of servers) found.push(await starts(server))
  const [ours, theirs] = [found[0], named(found, kafka)]
  if (!ours) return
  aims.most('first Metadata without records', 0.25, 's', ours.empty, theirs?.empty, 2)
  aims.most('first Metadata on 1 GB', 1, 's', ours.full, theirs?.full, 2)
  aims.most('first Metadata on 1 GB after kill -9', 1, 's', ours.killed, theirs?.killed, 2)
}

async function holding(servers: readonly Server[]): Promise<void> {
  const found = []
  for (const server of servers) {
    const held = await hold(server, 1000, 1000)
    const { createSeconds, megabytes, idleCpu } = held
    const [before = 0, topics = 0, connections = 0] = megabytes
    console.log(
      `${server.name}: ${before.toFixed(0)} MB, with 1,000 topics × 3 partitions ${topics.toFixed(0)} MB (500 in one request ` +
        `${createSeconds.together.toFixed(1)} s, 500 in one each ${createSeconds.single.toFixed(1)} s), ` +
        `with 1,000 idle connections ${connections.toFixed(0)} MB, ${(idleCpu * 100).toFixed(1)} % of a core`,
    )
    found.push({ name: server.name, ...held, createdIn: createSeconds.together + createSeconds.single })
  }
  const [ours, theirs] = [found[0], named(found, kafka)]
  if (!ours) return
  aims.most('1,000 topics × 3 partitions created in', 20, 's', ours.createdIn, theirs?.createdIn, 1)
  const text = ({ megabytes, idleCpu }: Pick<Held, 'megabytes' | 'idleCpu'>): string =>
    `${(megabytes[2] ?? NaN).toFixed(0)} MB, ${(idleCpu * 100).toFixed(1)} % of a core`
  aims.held('them and 1,000 idle connections', text(ours), theirs ? text(theirs) : '')
}

/** Each with new servers: what one kind left behind is not the next one's. */
async function withServers(use: (servers: readonly Server[]) => Promise<void>, flushes: readonly ('sync' | 'os')[]): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const servers: Server[] = []
  for (const flush of flushes) servers.push(stack.use(await startMillrace(flush)))
  if (!asked.includes('without-kafka')) servers.push(stack.use(await startKafka4()))
  await use(servers)
  if (process.env.MILLRACE_BENCH_PROFILE !== undefined) for (const server of servers) await server.stop()
}

await bringKafkaTools()
if (wanted('loads')) await withServers(allLoads, ['sync', 'os'])
if (wanted('latency')) await withServers(latency, ['sync'])
if (wanted('start')) await withServers(allStarts, ['sync'])
if (wanted('holding')) await withServers(holding, ['sync'])
console.log(`\n${aims.rows().join('\n')}`)
