import { readdirSync, readFileSync } from 'node:fs'

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
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
  return [{ role: 'supervisor', pid }, ...children.map((name) => ({ role: roleOf(name), pid: Number(name) }))]
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}

function roleOf(pid: string): string {
  const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  const at = args.findIndex((arg) => /worker\/main\.[tj]s$/.test(arg))
  return at < 0 ? 'other' : (args[at + 1] ?? 'other')
}
