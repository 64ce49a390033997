/**
 * The Kafka client beside @platformatic/kafka and kafkajs, by turns, each in a worker thread of a process of its own, on one broker.
 * Usage: node bench/kafka-client.ts [rounds] [records]. Prints CPU seconds of the client's process for a million records of 100 bytes, and
 * by how much the thread made its process larger; asserts nothing.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { connectKafka } from '../src/kafka-client/index.ts'
import { median } from './broker/figures.ts'
import { startMillrace } from './broker/servers.ts'
import type { Client, Work } from './kafka-client/client.ts'

const names = ['millrace', 'platformatic', 'kafkajs'] as const
type Name = (typeof names)[number]
const self = fileURLToPath(import.meta.url)

interface Result {
  readonly produceCpu: number
  readonly consumeCpu: number
  readonly perSecond: { readonly produce: number; readonly consume: number }
  /** Of the process at its largest, without what it was before the thread began. */
  readonly megabytes: number
}

/** Only what is measured is loaded. */
async function loaded(name: Name): Promise<Client> {
  switch (name) {
    case 'millrace':
      return (await import('./kafka-client/millrace.ts')).client
    case 'platformatic':
      return (await import('./kafka-client/platformatic.ts')).client
    case 'kafkajs':
      return (await import('./kafka-client/kafkajs.ts')).client
  }
}

/** In a worker thread: the first tenth is not counted. */
async function work(name: Name, whole: Work): Promise<Omit<Result, 'megabytes'>> {
  const client = await loaded(name)
  const warm = Math.round(whole.records / 10)
  await client.produce({ ...whole, records: warm })
  const produced = await counted(whole.records - warm, () => client.produce({ ...whole, records: whole.records - warm }))
  let seen = 0
  let begin: Counter | null = null
  let consumed = { cpu: 0, perSecond: 0 }
  await client.consume(whole, (count) => {
    seen += count
    if (begin === null && seen >= warm) begin = startCounter(seen)
    if (begin !== null && seen >= whole.records) consumed = readCounter(begin, seen)
  })
  return {
    produceCpu: produced.cpu,
    consumeCpu: consumed.cpu,
    perSecond: { produce: produced.perSecond, consume: consumed.perSecond },
  }
}

interface Counter {
  readonly seen: number
  readonly cpu: NodeJS.CpuUsage
  readonly startedMs: number
}
const startCounter = (seen: number): Counter => ({ seen, cpu: process.cpuUsage(), startedMs: performance.now() })

/** CPU seconds for a million records; records a second. */
function readCounter({ seen, cpu, startedMs }: Counter, now: number): { cpu: number; perSecond: number } {
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / (now - seen), perSecond: (now - seen) / ((performance.now() - startedMs) / 1000) }
}

async function counted(records: number, run: () => Promise<void>): Promise<{ cpu: number; perSecond: number }> {
  const counter = startCounter(0)
  await run()
  return readCounter(counter, records)
}

/** In a process of its own. */
async function inThread(name: Name, task: Work): Promise<Result> {
  const rssBefore = process.memoryUsage.rss()
  let largest = rssBefore
  const sampling = setInterval(() => (largest = Math.max(largest, process.memoryUsage.rss())), 20)
  const worker = new Worker(self, { workerData: { name, task } })
  const result = await new Promise<Omit<Result, 'megabytes'>>((resolve, reject) => worker.once('message', resolve).once('error', reject))
  clearInterval(sampling)
  await worker.terminate()
  return { ...result, megabytes: (largest - rssBefore) / 1048576 }
}

async function inProcess(name: Name, task: Work): Promise<Result> {
  const { stdout } = await promisify(execFile)(process.execPath, [self, 'as', name, JSON.stringify(task)])
  return JSON.parse(stdout)
}

async function main(rounds: number, records: number): Promise<void> {
  await using server = await startMillrace('os')
  await using kafka = await connectKafka({ bootstrapServers: [server.bootstrapServers], clientId: 'bench' })
  const results = new Map<Name, Result[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, found] of results) {
      const topic = `${name}-${round}`
      await kafka.admin.createTopics([{ name: topic, partitions: 1, configs: { 'file.delete.delay.ms': '0' } }])
      found.push(await inProcess(name, { bootstrapServers: server.bootstrapServers, topic, records }))
      console.log(name, JSON.stringify(found.at(-1)))
      await kafka.admin.deleteTopics([topic])
    }
  }
  console.log('\n| client | produce: CPU s per million (least), records/s | consume | MB of the thread |\n|---|---|---|---|')
  for (const [name, found] of results) {
    const cell = (cpu: (result: Result) => number, of: 'produce' | 'consume'): string => {
      const cpus = found.map(cpu)
      return `${median(cpus).toFixed(2)} (${Math.min(...cpus).toFixed(2)}), ${Math.round(median(found.map(({ perSecond }) => perSecond[of])) / 1000)}k`
    }
    const megabytes = median(found.map((result) => result.megabytes)).toFixed(0)
    const [produce, consume] = [cell(({ produceCpu }) => produceCpu, 'produce'), cell(({ consumeCpu }) => consumeCpu, 'consume')]
    console.log(`| ${name} | ${produce} | ${consume} | ${megabytes} |`)
  }
}

const isName = (text: string | undefined): text is Name => names.some((name) => name === text)
const [first, second, third = ''] = process.argv.slice(2)
if (!isMainThread) {
  const { name, task }: { name: Name; task: Work } = workerData
  parentPort?.postMessage(await work(name, task))
} else if (first === 'as' && isName(second)) console.log(JSON.stringify(await inThread(second, JSON.parse(third))))
else await main(Number(first ?? 3), Number(second ?? 500_000))
