import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureArtifacts } from '../../../tools/engines/artifacts.ts'
import { releasePorts, takePorts } from '../../../tools/engines/ports.ts'
import { startProcess, type RunningProcess } from '../../../tools/engines/process.ts'
import { missing, missingArtifacts } from '../../../tools/engines/requirements.ts'
import type { Process } from '../../../tools/engines/system.ts'
import { kafka3 } from '../../../tools/engines/systems/index.ts'

const coordinates = ['connect-runtime', 'connect-file'].map((name) => `org.apache.kafka:${name}:4.3.0`)
const libraries = {
  title: 'Kafka Connect',
  artifacts: [{ is: 'maven', coordinates: [...coordinates, 'org.slf4j:slf4j-nop:1.7.36'] }],
} as const
const main = 'org.apache.kafka.connect.cli.ConnectDistributed'
const WITHIN_MS = 120_000

export const kafkaConnectTitle = `Kafka Connect ${coordinates[0]?.split(':')[2]}`

/** What is lacking to run it, and how to get it; null: nothing. */
export const missingKafkaConnect = (): string | null => missing(kafka3.name) ?? missingArtifacts(libraries)

const linesUpTo = (last: number, first = 1): string => Array.from({ length: last - first + 1 }, (_, at) => `line ${first + at}\n`).join('')

/** A distributed worker that moves lines of a file into a topic, exactly once, and out of it into other files. Its checks with what it saw. */
export async function runKafkaConnect(servers: string): Promise<Record<string, unknown>> {
  const jars = join(await ensureArtifacts(libraries), '*')
  const dir = mkdtempSync(join(tmpdir(), 'millrace-connect-'))
  const ports = await takePorts(['rest'])
  const worker = new Worker(jars, dir, servers, ports['rest'] ?? 0)
  try {
    writeFileSync(join(dir, 'in.txt'), linesUpTo(3000))
    await worker.start()
    await worker.create('source', { 'connector.class': 'FileStreamSource', file: join(dir, 'in.txt'), topic: 'connect-lines' })
    const moved = await worker.sink('first', linesUpTo(3000))
    await worker.kill()
    appendFileSync(join(dir, 'in.txt'), linesUpTo(4000, 3001))
    await worker.start()
    const goneOn = await worker.sink('second', linesUpTo(4000))
    const offsets = await worker.resetOffsets('second')
    const again = await worker.holds('second', linesUpTo(4000).repeat(2))
    return {
      'lines of a file by a topic into a file, exactly once': moved,
      'a worker that is killed and started goes on, exactly once': goneOn,
      'offsets of a sink: shown, and reset while it is stopped': [offsets, again],
      'its connectors and their tasks run': await worker.states(),
    }
  } finally {
    await worker.kill()
    releasePorts(ports)
    rmSync(dir, { recursive: true, force: true })
  }
}

class Worker {
  readonly #jars: string
  readonly #dir: string
  readonly #servers: string
  readonly #port: number
  #running: RunningProcess | null = null

  constructor(jars: string, dir: string, servers: string, port: number) {
    this.#jars = jars
    this.#dir = dir
    this.#servers = servers
    this.#port = port
  }

  async start(): Promise<void> {
    const file = join(this.#dir, 'worker.properties')
    writeFileSync(file, propertiesOf(this.#servers, this.#port))
    const command = { file: 'java', args: ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx512m', '-cp', this.#jars, main, file] }
    const address = { host: '127.0.0.1', port: this.#port }
    const request = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const worker: Process = {
      name: 'Kafka Connect',
      files: () => ({}),
      command: () => command,
      ready: { port: 'rest', request, withinMs: WITHIN_MS },
      stopSignal: 'SIGTERM',
    }
    this.#running = await startProcess(worker, command, { logPath: join(this.#dir, 'log'), cwd: this.#dir, address, outlives: false })
    await within(async () => Array.isArray(await this.#ask('connectors')))
  }

  async kill(): Promise<void> {
    await this.#running?.stop('SIGKILL')
  }

  async create(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    // Refused while the workers rebalance.
    await within(async () => 'name' in Object(await this.#ask(`connectors/${name}/config`, 'PUT', { 'tasks.max': '1', ...config })))
  }

  /** Reads what was committed of the topic into a file of its own; true once that holds these lines and no other. */
  async sink(name: string, lines: string): Promise<boolean> {
    const file = join(this.#dir, `${name}.txt`)
    const config = {
      'connector.class': 'FileStreamSink',
      topics: 'connect-lines',
      file,
      'consumer.override.isolation.level': 'read_committed',
    }
    await this.create(name, config)
    return this.holds(name, lines)
  }

  async holds(name: string, lines: string): Promise<boolean> {
    const file = join(this.#dir, `${name}.txt`)
    return within(async () => existsSync(file) && readFileSync(file, 'utf8') === lines)
  }

  /** @returns the offset that it had come to */
  async resetOffsets(name: string): Promise<boolean> {
    await this.#ask(`connectors/${name}/stop`, 'PUT')
    const shown = await within(async () => JSON.stringify(await this.#ask(`connectors/${name}/offsets`)).includes('kafka_offset'))
    const isReset = await within(async () =>
      /reset successfully/.test(JSON.stringify(await this.#ask(`connectors/${name}/offsets`, 'DELETE'))),
    )
    await this.#ask(`connectors/${name}/resume`, 'PUT')
    return shown && isReset
  }

  async states(): Promise<string[]> {
    const words = (await this.#text('connectors?expand=status')).matchAll(/"state":"(\w+)"/g)
    return [...words].map(([, state]) => state ?? '')
  }

  async #ask(path: string, method = 'GET', body?: unknown): Promise<unknown> {
    const text = await this.#text(path, method, body)
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text
  }

  async #text(path: string, method = 'GET', body?: unknown): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    return answer.text()
  }
}

/** True once it is so; false when it is not for too long. */
async function within(isSo: () => Promise<boolean>): Promise<boolean> {
  for (const endMs = performance.now() + WITHIN_MS; performance.now() < endMs;) {
    if (await isSo().catch(() => false)) return true
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return false
}

function propertiesOf(servers: string, port: number): string {
  const internal = ['offset', 'config', 'status'].flatMap((name) => [
    `${name}.storage.topic=connect-${name}s`,
    `${name}.storage.replication.factor=1`,
  ])
  return [
    `bootstrap.servers=${servers}`,
    'group.id=connect',
    `listeners=HTTP://127.0.0.1:${port}`,
    'key.converter=org.apache.kafka.connect.storage.StringConverter',
    'value.converter=org.apache.kafka.connect.storage.StringConverter',
    'exactly.once.source.support=enabled',
    'offset.flush.interval.ms=1000',
    'session.timeout.ms=6000',
    'heartbeat.interval.ms=2000',
    'scheduled.rebalance.max.delay.ms=0',
    ...internal,
  ].join('\n')
}
