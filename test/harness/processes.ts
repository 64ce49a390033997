import { readFileSync } from 'node:fs'
import { childrenOf, roleOf } from './millrace.ts'

/** What a process has used so far. CPU seconds, user and system; PSS in bytes (memory shared with others counted in part). */
export interface Usage {
  cpuSeconds: number
  pssBytes: number
}

const ticksPerSecond = 100

export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond, pssBytes: Number(pss?.[1] ?? 0) * 1_024 }
}

/** The process and its children, by role. */
export function familyOf(pid: number): { role: string; pid: number }[] {
  return [{ role: 'supervisor', pid }, ...childrenOf(pid).map((child) => ({ role: roleOf(child) ?? 'other', pid: child }))]
}
