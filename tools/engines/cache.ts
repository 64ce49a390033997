import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { processIsAlive } from '../../src/platform/index.ts'

/** Artifacts, folders of running systems and logs live here, outside of the tree. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.MILLRACE_ENGINES_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace-engines')
}

let made = 0

/** A new folder for one start of a system, named after the process that owns it. Those of owners that are gone are removed. */
export function makeRunDir(name: string, cache = cacheDir()): string {
  const runs = join(cache, 'runs')
  mkdirSync(runs, { recursive: true })
  for (const old of readdirSync(runs)) {
    const owner = Number(/\.(\d+)\.\d+$/.exec(old)?.[1] ?? 0)
    if (owner > 0 && !processIsAlive(owner)) rmSync(join(runs, old), { recursive: true, force: true })
  }
  const dir = join(runs, `${name}.${process.pid}.${++made}`)
  mkdirSync(dir)
  return dir
}

const KEPT_LOGS = 30

/** Path of a new log file; the oldest of the same name are removed. */
export function newLogPath(name: string, cache = cacheDir()): string {
  const logs = join(cache, 'logs')
  mkdirSync(logs, { recursive: true })
  const same = readdirSync(logs).filter((file) => file.startsWith(`${name}.`))
  for (const old of same.toSorted().slice(0, Math.max(0, same.length - KEPT_LOGS + 1))) rmSync(join(logs, old), { force: true })
  const at = new Date().toISOString().replaceAll(/[-:]/g, '').replace('.', '')
  return join(logs, `${name}.${at}.${process.pid}.log`)
}
