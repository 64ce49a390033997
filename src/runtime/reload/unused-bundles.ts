import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Json } from '../../core/index.ts'
import type { SchedulerHandle } from '../../scheduler/index.ts'

/** Other processes (`millrace plan`, `task run`) bundle into the same folder, and load what they have bundled at once. */
const youngestMs = 10 * 60_000
/** A run that is still at work is among the latest. */
const looksAt = 1_000

export interface UnusedBundles {
  bundlesDir: string
  /** Definitions in use: the bundles that they name stay. */
  inUse: readonly unknown[]
  scheduler: Pick<SchedulerHandle, 'runs'>
  nowMs: number
}

/**
 * Removes the bundles of earlier definitions. Not while a run is at work: its tasks to come are of the definition that it began with.
 * @returns how many
 */
export async function removeUnusedBundles({ bundlesDir, inUse, scheduler, nowMs }: UnusedBundles): Promise<number> {
  const runs = await scheduler.runs({ limit: looksAt })
  if (runs.some(({ state }) => state === 'queued' || state === 'running')) return 0
  const used = new Set(inUse.flatMap((definitions) => modulesIn(definitions)).map((module) => basename(dirname(module))))
  let removed = 0
  for (const folder of await readdir(bundlesDir).catch(() => [])) {
    if (used.has(folder) || !(await isOld(join(bundlesDir, folder), nowMs))) continue
    await rm(join(bundlesDir, folder), { recursive: true, force: true })
    removed++
  }
  return removed
}

/** Each load writes the module anew, so the folder's time is that of the last one. */
async function isOld(folder: string, nowMs: number): Promise<boolean> {
  const found = await stat(folder).catch(() => null)
  return found !== null && nowMs - found.mtimeMs > youngestMs
}

/** Of all function references in it. */
function modulesIn(definitions: unknown): string[] {
  const modules: string[] = []
  JSON.stringify(definitions, (key, value: Json) => {
    if (key === 'module' && typeof value === 'string') modules.push(value)
    return value
  })
  return modules
}
