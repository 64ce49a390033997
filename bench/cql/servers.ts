import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:net'
import { root } from '../../test/harness/project.ts'
import { familyOf, usageOf } from '../../test/harness/processes.ts'
import { engines } from '../../tools/engines/index.ts'

/** One of the servers that are compared. */
export interface Server extends AsyncDisposable {
  readonly name: string
  readonly contactPoint: string
  /** Used so far by all its processes, user and system. */
  cpuSeconds(): number
  /** RSS of all its processes without the map of LMDB's file, which is the page cache's. */
  rssMegabytes(): number
  /** Stops it and starts it with the same data; seconds from the command until its port answers. */
  restart(): Promise<number>
}

export async function startStore(): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-cql-'))
  let running = await spawnStore(dataDir, 0)
  const { port } = running
  return {
    name: 'millrace',
    contactPoint: `127.0.0.1:${port}`,
    cpuSeconds: () => cpuOf(running.pid),
    rssMegabytes: () => rssOf(running.pid),
    restart: async () => {
      await running.stop()
      const startedMs = performance.now()
      running = await spawnStore(dataDir, port)
      return (performance.now() - startedMs) / 1000
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Cassandra 5 that answers a write once it is on the disk, as ours does. */
export async function startCassandra5(): Promise<Server> {
  const engine = await engines.cassandra5()
  return {
    name: 'cassandra 5',
    contactPoint: engine.contactPoint,
    cpuSeconds: () => cpuOf(engine.pid),
    rssMegabytes: () => rssOf(engine.pid),
    restart: async () => {
      const startedMs = performance.now()
      await engine.restart()
      return (performance.now() - startedMs) / 1000
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}

async function spawnStore(dataDir: string, port: number): Promise<{ pid: number; port: number; stop: () => Promise<void> }> {
  const args = [join(root, 'bin/millrace.mjs'), 'serve', 'cql-store', '--port', String(port), '--data-dir', dataDir, '--json']
  const profile = process.env.MILLRACE_BENCH_PROFILE
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const child = spawn(process.execPath, [...flags, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let text = ''
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = /"address":\s*"([^"]+)"/.exec(text)
      if (found?.[1]) resolve(found[1])
    })
    child.once('exit', () => reject(new Error(`the store ended: ${text}`)))
  })
  await answers(Number(address.split(':')[1]))
  return {
    pid: child.pid ?? -1,
    port: Number(address.split(':')[1]),
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function answers(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.destroy()
}

function cpuOf(pid: number): number {
  return familyOf(pid).reduce((sum, each) => sum + usageOf(each.pid).cpuSeconds, 0)
}

function rssOf(pid: number): number {
  let kilobytes = 0
  for (const each of familyOf(pid)) {
    let counted = true
    for (const line of readFileSync(`/proc/${each.pid}/smaps`, 'utf8').split('\n')) {
      if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) counted = !line.endsWith('data.mdb')
      else if (counted && line.startsWith('Rss:')) kilobytes += Number(line.split(/\s+/)[1])
    }
  }
  return kilobytes / 1024
}
