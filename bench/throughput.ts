import { randomUUID } from 'node:crypto'
import type { EndpointsView, RegistryEndpoint, ValueFormat } from '../src/core/index.ts'
import { avroCodec, jsonCodec, parseAvro, type ValueCodec } from '../src/formats/index.ts'
import { connectKafka } from '../src/kafka-client/index.ts'
import { createRegistryClient } from '../src/registry-client/index.ts'
import { familyOf, usageOf } from '../test/harness/processes.ts'
import { createBenchProject } from './project.ts'

export interface Throughput {
  records: number
  seconds: number
  recordsPerSecond: number
  /** CPU seconds for 100,000 records, by process. */
  cpuPer100k: { role: string; seconds: number }[]
}

/**
 * `records` users (12 columns; 442 bytes as JSON, 279 as Avro) already in the topic, then a start: time and CPU from the stream's first
 * committed batch to lag 0, everything embedded, group fsync on.
 */
export async function benchThroughput(records = 500_000, format: ValueFormat = 'avro'): Promise<Throughput> {
  process.env['MILLRACE_KAFKA_FORMAT'] = format
  const project = createBenchProject("every: '1s', for: '60s'")
  try {
    const restore = project.withoutStream()
    const filling = project.start([])
    await fill((await (await project.api()).endpoints()).endpoints, records, format)
    await filling.stop()
    restore()
    return await measure(project, records)
  } finally {
    project.remove()
  }
}

async function fill(
  { kafka: { bootstrapServers }, registry }: EndpointsView['endpoints'],
  records: number,
  format: ValueFormat,
): Promise<void> {
  await using kafka = await connectKafka({ bootstrapServers, clientId: 'bench.fill' })
  await kafka.admin.createTopics([{ name: 'users_created', partitions: 6 }])
  const codec = format === 'avro' && registry !== null ? await avroWriter(registry) : jsonCodec
  const producer = kafka.producer({ acks: 'all' })
  const chunk = 5_000
  for (let done = 0; done < records; done += chunk) {
    await producer.send(Array.from({ length: Math.min(chunk, records - done) }, (_, i) => userRecord(done + i, codec)))
  }
  await producer.close()
}

/** Waits for the start to register the topic's schema. */
async function avroWriter(endpoint: RegistryEndpoint): Promise<ValueCodec> {
  const registry = createRegistryClient(endpoint)
  for (;;) {
    const latest = await registry.latest('users_created-value')
    if (latest !== null) {
      registry.close()
      const parsed = parseAvro(latest.schema)
      if (!parsed.ok) throw new Error(parsed.problem.message)
      return avroCodec({
        writer: { id: latest.id, type: parsed.type },
        fields: null,
        schemaOf: () => Promise.resolve({ none: 'not read' }),
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function userRecord(n: number, codec: ValueCodec): { topic: string; key: string; value: Uint8Array; timestampMs: number } {
  const id = randomUUID()
  const value = {
    id,
    first_name: `First${n}`,
    last_name: `Last${n}`,
    gender: n % 2 ? 'female' : 'male',
    address: `${n % 9_999} Long Street Name, Some City, Some State, Some Country`,
    post_code: String(10_000 + (n % 89_999)),
    email: `first${n}.last${n}@example.com`,
    username: `user${n}`,
    dob: '1990-01-02T03:04:05.678Z',
    registered_date: '2010-01-02T03:04:05.678Z',
    phone: '(555) 123-4567',
    picture: 'https://randomuser.me/api/portraits/med/men/75.jpg',
  }
  const encoded = codec.encode(value)
  if (!encoded.ok) throw encoded.error
  return { topic: 'users_created', key: id, value: encoded.value, timestampMs: Date.now() }
}

async function measure(project: ReturnType<typeof createBenchProject>, records: number): Promise<Throughput> {
  const started = project.start([])
  try {
    const api = await project.api()
    let first: { atMs: number; written: number; cpu: Map<number, number> } | null = null
    for (;;) {
      const { streams } = await api.status()
      const written = streams[0]?.rowsWritten ?? 0
      if (first === null && written > 0) first = { atMs: performance.now(), written, cpu: cpuNow(started.child.pid ?? -1) }
      if (first !== null && written >= records) return report(started.child.pid ?? -1, first, written)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  } finally {
    await started.stop()
  }
}

function cpuNow(pid: number): Map<number, number> {
  return new Map(familyOf(pid).map((each) => [each.pid, usageOf(each.pid).cpuSeconds]))
}

function report(pid: number, first: { atMs: number; written: number; cpu: Map<number, number> }, written: number): Throughput {
  const seconds = (performance.now() - first.atMs) / 1_000
  const records = written - first.written
  const cpuPer100k = familyOf(pid).map((each) => ({
    role: each.role,
    seconds: ((usageOf(each.pid).cpuSeconds - (first.cpu.get(each.pid) ?? 0)) * 100_000) / records,
  }))
  return { records, seconds, recordsPerSecond: records / seconds, cpuPer100k }
}
