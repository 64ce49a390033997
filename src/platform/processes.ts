import { readFileSync } from 'node:fs'
import { errnoOf } from './errors.ts'

/** True while a process of that id runs; one that has ended and only waits for its parent to notice does not. */
export function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
  return !isZombie(pid)
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    // No /proc on this system, or it ended just now; the next look tells.
    return false
  }
}
