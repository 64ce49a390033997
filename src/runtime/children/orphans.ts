import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, systemClock, systemDisk, type Logger } from '../../platform/index.ts'
import type { Guard } from './guard.ts'

/**
 * The children of this data folder, kept in a file: should a supervisor die so suddenly that a child outlives it, the
 * next start ends that child before it opens a port, so that nothing an orphan still writes is taken for new (P7).
 */
export interface ChildRegister {
  readonly owner: string
  add(pid: number): void
  remove(pid: number): void
}

export function openChildRegister(dataDir: string, guard: Guard): ChildRegister {
  const file = join(dataDir, 'children.json')
  const pids = new Set<number>()
  const save = (): void => systemDisk.replaceFile(file, JSON.stringify([...pids]) + '\n')
  save()
  return {
    owner: dataDir,
    add: (pid) => {
      pids.add(pid)
      guard.add(pid)
      save()
    },
    remove: (pid) => {
      pids.delete(pid)
      guard.remove(pid)
      save()
    },
  }
}

/** Ends what an earlier supervisor of this data folder left running. Call while holding the folder's lock. */
export async function endOrphans(dataDir: string, log: Logger): Promise<number> {
  const orphans = recorded(join(dataDir, 'children.json')).filter((pid) => isOurs(pid, dataDir))
  for (const pid of orphans) {
    log.warn('ending a child process that outlived its supervisor', { pid })
    endProcess(pid)
  }
  const deadline = systemClock.monotonicMs() + 5_000
  while (orphans.some((pid) => isOurs(pid, dataDir)) && systemClock.monotonicMs() < deadline) await systemClock.sleep(20)
  return orphans.length
}

function recorded(file: string): number[] {
  if (!existsSync(file)) return []
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(content) ? content.filter((pid) => typeof pid === 'number') : []
  } catch {
    return []
  }
}

/** Only a process that carries our mark for this folder in its environment; pids are used again by the system. */
function isOurs(pid: number, dataDir: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`MILLRACE_OWNER=${dataDir}`)
  } catch {
    return false
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}
