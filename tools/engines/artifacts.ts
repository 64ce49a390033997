import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { MillraceError, messageOf, processIsAlive } from '../../src/platform/index.ts'
import { bring, outputOf, whatItSaid } from './bring.ts'
import { cacheDir, newLogPath } from './cache.ts'
import type { Artifacts, System } from './system.ts'

const MARKER = 'complete.json'

/** What a complete folder holds: written last, so that a folder without it is none. */
interface Marker {
  readonly artifacts: readonly Artifacts[]
  /** Path inside the folder → bytes. */
  readonly files: Readonly<Record<string, number>>
}

/** Folder of artifacts; other versions are another folder, and systems of the same artifacts share one. */
export function artifactDir({ artifacts }: Pick<System, 'artifacts'>, cache = cacheDir()): string {
  const digest = createHash('sha256').update(JSON.stringify(artifacts)).digest('hex').slice(0, 12)
  const first = artifacts.find(({ is }) => is === 'npm') ?? artifacts[0]
  return join(cache, 'artifacts', `${labelOf(first)}-${digest}`)
}

function labelOf(artifacts: Artifacts | undefined): string {
  if (!artifacts) return 'none'
  if (artifacts.is === 'pip' || artifacts.is === 'apt') return artifacts.packages[0]?.replace('==', '-') ?? artifacts.is
  if (artifacts.is === 'npm') return artifacts.packages[0]?.replace(/^@/, '').replaceAll(/[@/]/g, '-') ?? artifacts.is
  const [, artifact = '', version = ''] = (artifacts.is === 'maven' ? (artifacts.coordinates[0] ?? '') : artifacts.coordinate).split(':')
  return `${artifact}-${version}`
}

/** True when every file that the marker names is there with its size. */
export function isComplete(dir: string): boolean {
  try {
    const marker: Marker = JSON.parse(readFileSync(join(dir, MARKER), 'utf8'))
    return Object.entries(marker.files).every(([file, sizeBytes]) => statSync(join(dir, file)).size === sizeBytes)
  } catch {
    return false
  }
}

/** What this process brings just now, by folder: starts at the same time wait for one. */
const underWay = new Map<string, Promise<void>>()

/**
 * Brings the artifacts when they are not there, each by its ordinary client: those check what they download, and go on where they were
 * stopped since each keeps what came in its own cache.
 * @throws MillraceError UNREACHABLE with the client's last lines
 */
export async function ensureArtifacts(system: Pick<System, 'title' | 'artifacts'>, cache = cacheDir()): Promise<string> {
  const dir = artifactDir(system, cache)
  if (isComplete(dir)) return dir
  const bringing = underWay.get(dir) ?? bringAll(system, dir).finally(() => underWay.delete(dir))
  underWay.set(dir, bringing)
  await bringing
  return dir
}

async function bringAll({ title, artifacts }: Pick<System, 'title' | 'artifacts'>, dir: string): Promise<void> {
  const partial = `${dir}.partial-${process.pid}.${++begun}`
  mkdirSync(partial, { recursive: true })
  removeAbandoned(dir)
  try {
    for (const each of artifacts) await bring(each, join(partial, each.into ?? '.'))
    const marker: Marker = { artifacts, files: sizesOf(partial) }
    writeFileSync(join(partial, MARKER), JSON.stringify(marker, null, 1))
    moveInto(dir, partial)
  } catch (error) {
    const log = newLogPath(basename(dir))
    writeFileSync(log, outputOf(error) || messageOf(error))
    throw new MillraceError('UNREACHABLE', `The artifacts of ${title} did not come: ${whatItSaid(error)} All of it: ${log}`, {
      cause: error,
    })
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

/** Another process may have brought the same meanwhile; then its folder is as good, and may be in use. */
function moveInto(dir: string, partial: string): void {
  if (isComplete(dir)) return
  if (existsSync(dir)) rmSync(dir, { recursive: true, force: true })
  try {
    renameSync(partial, dir)
  } catch (error) {
    if (!isComplete(dir)) throw error
  }
}

let begun = 0

/** What a process that is gone had begun to bring. */
function removeAbandoned(dir: string): void {
  for (const name of readdirSync(dirname(dir))) {
    const owner = Number(/\.partial-(\d+)\.\d+$/.exec(name)?.[1] ?? 0)
    if (owner > 0 && !processIsAlive(owner)) rmSync(join(dirname(dir), name), { recursive: true, force: true })
  }
}

function sizesOf(dir: string): Record<string, number> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(paths.map((path) => [relative(dir, path), statSync(path).size]))
}
