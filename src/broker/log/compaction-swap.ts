import { MillraceError, type Disk } from '../../platform/index.ts'
import { segmentName } from './segment.ts'

/** Which segments the compacted one takes the place of. */
interface Swap {
  readonly base: number
  readonly replaces: readonly number[]
  /** Index files that the compacted one has. */
  readonly indexes: readonly string[]
}

const indexSuffixes = ['.index', '.timeindex', '.txnindex'] as const

/** Where a compacted segment is written; whatever lies there after a crash is thrown away, unless the swap had begun. */
export function workFolder(dir: string): string {
  return `${dir}/compacting`
}

const manifest = (dir: string): string => `${dir}/compaction.json`

/** The point of no return: from here on the compacted segment counts, whatever happens. All its files are synced. */
export function startSwap(disk: Disk, dir: string, base: number, replaces: readonly number[]): void {
  const indexes = indexSuffixes.filter((suffix) => disk.exists(`${workFolder(dir)}/${segmentName(base)}${suffix}`))
  const swap: Swap = { base, replaces, indexes }
  disk.replaceFile(manifest(dir), JSON.stringify(swap))
}

/** Whether a swap was begun and not finished: what lies in the work folder is the only copy, then. */
export function swapBegun(disk: Disk, dir: string): boolean {
  return disk.exists(manifest(dir))
}

/** Puts the compacted segment in its place; also at start, when a crash came between. May be done twice. @throws MillraceError DATA_CORRUPT */
export function finishSwap(disk: Disk, dir: string): void {
  const folder = workFolder(dir)
  if (disk.exists(manifest(dir))) {
    const { base, replaces, indexes } = readSwap(disk, manifest(dir))
    for (const old of replaces) {
      if (old === base) continue
      for (const suffix of ['.log', ...indexSuffixes, '.snapshot']) disk.remove(`${dir}/${segmentName(old)}${suffix}`)
    }
    const stem = segmentName(base)
    for (const suffix of indexSuffixes) if (!indexes.includes(suffix)) disk.remove(`${dir}/${stem}${suffix}`)
    for (const suffix of ['.log', ...indexes]) {
      // What is not there any more was moved before a crash.
      if (disk.exists(`${folder}/${stem}${suffix}`)) disk.rename(`${folder}/${stem}${suffix}`, `${dir}/${stem}${suffix}`)
    }
    disk.remove(manifest(dir))
  }
  disk.remove(folder)
}

function readSwap(disk: Disk, path: string): Swap {
  try {
    const found: unknown = JSON.parse(new TextDecoder().decode(disk.readFile(path)))
    if (isSwap(found)) return found
  } catch (error) {
    throw damaged(path, error)
  }
  throw damaged(path, null)
}

function damaged(path: string, cause: unknown): MillraceError {
  return new MillraceError('DATA_CORRUPT', `${path} is damaged: restore it from a copy.`, { cause })
}

function isSwap(found: unknown): found is Swap {
  if (typeof found !== 'object' || found === null || !('base' in found) || !('replaces' in found) || !('indexes' in found)) return false
  const { base, replaces, indexes } = found
  const isBase = (one: unknown): boolean => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0
  const isIndex = (one: unknown): boolean => indexSuffixes.some((suffix) => suffix === one)
  return isBase(base) && Array.isArray(replaces) && replaces.every(isBase) && Array.isArray(indexes) && indexes.every(isIndex)
}
