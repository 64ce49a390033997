import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf, MillraceError, systemClock } from '../../src/platform/index.ts'
import { ensureArtifacts } from './artifacts.ts'
import { makeRunDir, newLogPath } from './cache.ts'
import { releasePorts, takePorts } from './ports.ts'
import { type RunningProcess, runToEnd, startProcess } from './process.ts'
import type { Address, Command, Engine, Place, Process, System } from './system.ts'
import { asOrdinaryUser, giveToOrdinaryUser } from './unprivileged.ts'

const SECRET_BYTES = 24

export interface StartOptions {
  /** Folder of its data and configuration; without one a new folder, removed in the end. */
  readonly dir?: string
  /** True: it goes on when this process ends. */
  readonly outlives?: boolean
  /** Names of processes that are not started with the others: `startProcess` does. */
  readonly later?: readonly string[]
  /** By name of a port: the one that clients are told in its place. A proxy listens there. */
  readonly advertised?: Readonly<Record<string, number>>
}

/** Brings a system's artifacts if need be and starts it; resolves once it answers. */
export async function startSystem(system: System, options: StartOptions = {}): Promise<Engine> {
  const artifactDir = await ensureArtifacts(system)
  const secrets = Object.fromEntries((system.secrets ?? []).map((name) => [name, randomBytes(SECRET_BYTES).toString('hex')]))
  const { dir = makeRunDir(system.name), advertised = {} } = options
  const place: Place = { dir, artifactDir, ports: await takePorts(system.ports), secrets, advertised }
  const engine = new StartedSystem(system, place, options)
  try {
    await engine.begin()
    return engine
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

class StartedSystem implements Engine {
  readonly #system: System
  readonly #place: Place
  readonly #options: StartOptions
  readonly #logs: Map<string, string>
  #running: RunningProcess[] = []

  constructor(system: System, place: Place, options: StartOptions) {
    this.#system = system
    this.#place = place
    this.#options = options
    this.#logs = new Map(system.processes.map(({ name }) => [name, newLogPath(name === system.name ? name : `${system.name}-${name}`)]))
  }

  get name(): string {
    return this.#system.name
  }
  get title(): string {
    return this.#system.title
  }
  get pid(): number {
    return this.#running.at(-1)?.pid ?? -1
  }
  get pids(): readonly number[] {
    return this.#running.map(({ pid }) => pid)
  }
  get ports(): Readonly<Record<string, number>> {
    return this.#place.ports
  }
  get dir(): string {
    return this.#place.dir
  }
  get secrets(): Readonly<Record<string, string>> {
    return this.#place.secrets
  }
  get artifactDir(): string {
    return this.#place.artifactDir
  }
  get address(): Address {
    return this.#system.address(this.#place)
  }
  get settings(): Readonly<Record<string, string>> {
    const { setting, value } = this.address
    return { [setting]: value, ...this.#system.settings?.(this.#place) }
  }
  get logs(): readonly string[] {
    return [...this.#logs.values()]
  }

  async begin(): Promise<void> {
    const { dir } = this.#place
    const { processes } = this.#system
    for (const process of processes) this.#write(process.files(this.#place))
    if (this.#system.refusesRoot) giveToOrdinaryUser(dir)
    await this.#once('prepared', 'preparing', (process) => process.prepare?.(this.#place))
    const { later = [] } = this.#options
    for (const process of processes) if (!later.includes(process.name)) this.#running.push(await this.#start(process))
    await this.#once('set-up', 'setting up', (process) => process.setUp?.(this.#place))
  }

  /** What is done a single time in the life of its folder. */
  async #once(marker: string, what: string, commandOf: (process: Process) => Command | undefined): Promise<void> {
    const path = join(this.#place.dir, marker)
    if (existsSync(path)) return
    for (const process of this.#system.processes) {
      const command = commandOf(process)
      if (command) await runToEnd(this.#allowed(command), `${what} ${process.name}`)
    }
    writeFileSync(path, '')
  }

  async #start(process: Process): Promise<RunningProcess> {
    const logPath = this.#logs.get(process.name) ?? join(this.#place.dir, `${process.name}.log`)
    const port = this.#place.ports[process.ready.port] ?? 0
    const options = {
      logPath,
      cwd: this.#place.dir,
      address: { host: process.ready.host ?? '127.0.0.1', port },
      outlives: this.#options.outlives ?? false,
    }
    const deadlineMs = systemClock.monotonicMs() + process.ready.withinMs
    for (;;) {
      try {
        return await startProcess(process, this.#allowed(process.command(this.#place)), options)
      } catch (error) {
        if (systemClock.monotonicMs() > deadlineMs || !process.startAgainOn?.test(messageOf(error))) throw error
      }
    }
  }

  #allowed(command: Command): Command {
    const { dir, artifactDir } = this.#place
    return this.#system.refusesRoot ? asOrdinaryUser(command, [join(dir, '.'), join(artifactDir, '.')]) : command
  }

  async stop(): Promise<void> {
    for (let process = this.#running.pop(); process; process = this.#running.pop()) {
      await process.stop(this.#system.processes.find(({ name }) => name === process?.name)?.stopSignal ?? 'SIGTERM')
    }
  }

  async kill(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((process) => process.stop('SIGKILL')))
  }

  async endProcess(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = this.#running.filter((process) => process.name === name)
    this.#running = this.#running.filter((process) => process.name !== name)
    await Promise.all(ended.map((process) => process.stop(signal)))
  }

  async startProcess(name: string): Promise<void> {
    const { processes } = this.#system
    const process = processes.find((each) => each.name === name)
    if (!process) throw new MillraceError('NOT_FOUND', `${this.title} has no process "${name}".`)
    if (this.#running.some((running) => running.name === name)) return
    const started = await this.#start(process)
    const rank = (running: RunningProcess): number => processes.findIndex((each) => each.name === running.name)
    this.#running = [...this.#running, started].toSorted((a, b) => rank(a) - rank(b))
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.begin()
  }

  /** Nobody needs its data any more, so it is not asked politely. */
  async [Symbol.asyncDispose](): Promise<void> {
    const signalOf = (name: string): NodeJS.Signals => this.#system.processes.find((each) => each.name === name)?.discardSignal ?? 'SIGKILL'
    await Promise.all(this.#running.splice(0).map((process) => process.stop(signalOf(process.name))))
    rmSync(this.#place.dir, { recursive: true, force: true, maxRetries: 5 })
    releasePorts(this.#place.ports)
  }

  #write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.#place.dir, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text, { mode: 0o600 })
    }
  }
}
