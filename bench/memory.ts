import { familyOf, usageOf } from '../test/harness/processes.ts'
import { createBenchProject } from './project.ts'

/** PSS in MB of each process while the reference job runs, 15 s after its first row; sampled every half second, the largest sum. */
export async function benchMemory(): Promise<{ role: string; megabytes: number }[]> {
  const project = createBenchProject("every: '1s', for: '60s'")
  const started = project.start()
  try {
    await started.firstMatch(/[1-9]\d* in table/)
    let largest: { role: string; megabytes: number }[] = []
    for (let i = 0; i < 30; i++) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      const now = familyOf(started.child.pid ?? -1).map(({ role, pid }) => ({ role, megabytes: usageOf(pid).pssBytes / 1e6 }))
      if (sum(now) > sum(largest)) largest = now
    }
    return largest
  } finally {
    await started.stop()
    project.remove()
  }
}

function sum(usage: readonly { megabytes: number }[]): number {
  return usage.reduce((total, { megabytes }) => total + megabytes, 0)
}
