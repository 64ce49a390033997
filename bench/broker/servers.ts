import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../test/harness/project.ts'
import { jvm, kafkaScripts } from '../../tools/engines/jvm.ts'
import { startSystem } from '../../tools/engines/start.ts'
import type { System } from '../../tools/engines/system.ts'
import { kafka4 } from '../../tools/engines/systems/index.ts'

/** One of the brokers that are compared. */
export interface Server extends AsyncDisposable {
  readonly name: string
  readonly bootstrapServers: string
  /** Used so far, user and system. */
  cpuSeconds(): number
  /** RSS now and at its highest. */
  rssMegabytes(): { now: number; peak: number }
  stop(): Promise<void>
  kill(): Promise<void>
  /** Starts it again with the same data, and does not wait for it to answer. */
  begin(): Promise<void>
}

/** `millrace serve broker` as users run it, with its `--flush`. */
export async function startMillrace(flush: 'sync' | 'os'): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-broker-'))
  let running = spawnBroker(flush, dataDir, 0)
  const port = await running.port
  return {
    name: flush === 'sync' ? 'millrace' : 'millrace, os',
    bootstrapServers: `127.0.0.1:${port}`,
    cpuSeconds: () => cpuSeconds(running.pid),
    rssMegabytes: () => rssMegabytes(running.pid),
    stop: () => running.end('SIGTERM'),
    kill: () => running.end('SIGKILL'),
    begin: () => {
      running = spawnBroker(flush, dataDir, port)
      return Promise.resolve()
    },
    [Symbol.asyncDispose]: async () => {
      await running.end('SIGKILL')
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** As Kafka's scripts start it: heap of 1 GB, both compilers, G1. It does not sync what it acknowledges. */
const kafka4AsShipped: System = {
  ...kafka4,
  processes: kafka4.processes.map((process) => ({
    ...process,
    command: (place) =>
      jvm(place, {
        mainClass: 'kafka.Kafka',
        args: [join(place.dir, 'kafka.properties')],
        jvmArgs: [`-Dlog4j2.configurationFile=${join(place.dir, 'log4j2.properties')}`],
        heapMb: { from: 1024, to: 1024 },
        tuning: kafkaScripts,
      }),
  })),
}

export async function startKafka4(): Promise<Server> {
  const engine = await startSystem(kafka4AsShipped)
  let beginning: Promise<void> = Promise.resolve()
  return {
    name: 'kafka 4',
    bootstrapServers: engine.address.value,
    cpuSeconds: () => cpuSeconds(engine.pid),
    rssMegabytes: () => rssMegabytes(engine.pid),
    // It answers before it is known to have begun.
    stop: () => beginning.then(() => engine.stop()),
    kill: () => beginning.then(() => engine.kill()),
    begin: () => {
      beginning = engine.restart()
      return Promise.resolve()
    },
    [Symbol.asyncDispose]: async () => {
      await beginning
      await engine[Symbol.asyncDispose]()
    },
  }
}

interface Running {
  readonly pid: number
  readonly port: Promise<number>
  end(signal: NodeJS.Signals): Promise<void>
}

function spawnBroker(flush: 'sync' | 'os', dataDir: string, port: number): Running {
  const command = ['bin/millrace.mjs', 'serve', 'broker', '--port', String(port), '--flush', flush, '--data-dir', dataDir, '--json']
  const profile = process.env.MILLRACE_BENCH_PROFILE
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const child = spawn(process.execPath, [...flags, ...command], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    pid: child.pid ?? -1,
    port: portOf(child),
    end: (signal) => {
      child.kill(signal)
      return exited
    },
  }
}

function portOf(child: ChildProcess): Promise<number> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = /"address":\s*"[^"]+:(\d+)"/.exec(text)
      if (found) resolve(Number(found[1]))
    })
    child.once('exit', () => reject(new Error(`the broker ended: ${text}`)))
  }).then(Number)
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function rssMegabytes(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}
