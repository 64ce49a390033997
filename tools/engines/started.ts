import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError, processIsAlive } from '../../src/platform/index.ts'
import { cacheDir } from './cache.ts'
import { stopByPid } from './process.ts'
import { startSystem } from './start.ts'
import type { Address, Engine, System } from './system.ts'
import { systems } from './systems/index.ts'

/** A system that a person started and that outlives the command which did. */
export interface Started {
  readonly name: string
  readonly title: string
  readonly pids: readonly number[]
  /** Without its secrets (P8). */
  readonly address: Address
  /** A file in its folder, for its owner's eyes only: all settings with their secrets, to be read by a shell. Null when it has none. */
  readonly secretsPath: string | null
  readonly logs: readonly string[]
}

const startedDir = (): string => join(cacheDir(), 'started')
const folderOf = (name: string): string => join(startedDir(), name)
const recordOf = (name: string): string => join(startedDir(), `${name}.json`)

/** Starts it and leaves it running. @throws MillraceError ALREADY_EXISTS when it runs */
export async function startForPerson(system: System): Promise<Started> {
  if (started(system.name)) throw new MillraceError('ALREADY_EXISTS', `${system.title} runs already; stop it first.`)
  const dir = folderOf(system.name)
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const engine = await startSystem(system, { dir, outlives: true })
  const { name, title, pids, logs } = engine
  const record: Started = { name, title, pids, logs, address: withoutSecrets(engine), secretsPath: writeSecrets(engine, dir) }
  writeFileSync(recordOf(name), JSON.stringify(record, null, 1))
  return record
}

function withoutSecrets({ address: { setting, value }, secrets }: Engine): Address {
  return { setting, value: Object.values(secrets).reduce((shown, secret) => shown.replaceAll(secret, '***'), value) }
}

function writeSecrets({ settings, secrets }: Engine, dir: string): string | null {
  const path = join(dir, 'secrets.env')
  const lines = Object.entries(secrets).map(([name, secret]) => `# ${name}: ${secret}`)
  if (lines.length === 0) return null
  const exports = Object.entries(settings).map(([name, value]) => `export ${name}='${value}'`)
  writeFileSync(path, `${[...lines, ...exports].join('\n')}\n`, { mode: 0o600 })
  return path
}

/** Stops it in order and removes its data. @throws MillraceError NOT_RUNNING */
export async function stopForPerson(system: System): Promise<void> {
  const running = started(system.name)
  if (!running) throw new MillraceError('NOT_RUNNING', `${system.title} does not run.`)
  const inOrder = system.processes.map((process, index) => ({ signal: process.stopSignal, pid: running.pids[index] ?? -1 }))
  for (const { pid, signal } of inOrder.toReversed()) if (isOurs(pid, system.name)) await stopByPid(pid, signal)
  rmSync(recordOf(system.name), { force: true })
  rmSync(folderOf(system.name), { recursive: true, force: true, maxRetries: 5 })
}

export function allStarted(): Started[] {
  return [...systems.keys()].map(started).filter((each) => each !== null)
}

function started(name: string): Started | null {
  if (!existsSync(recordOf(name))) return null
  const record: Started = JSON.parse(readFileSync(recordOf(name), 'utf8'))
  return record.pids.some((pid) => isOurs(pid, name)) ? record : null
}

/** Process ids are used again: ours names its folder in its command line. */
function isOurs(pid: number, name: string): boolean {
  if (!processIsAlive(pid)) return false
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folderOf(name))
  } catch {
    // No /proc on this system: its being alive must do.
    return true
  }
}
