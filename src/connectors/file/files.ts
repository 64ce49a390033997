import { createHash } from 'node:crypto'
import { glob, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { errnoOf, MillraceError } from '../../platform/index.ts'
import type { ReadableFile } from './line-reader.ts'

/** How far a file was read. What is known of it besides its path tells it apart from another one that stands there later. */
export interface FilePlace {
  path: string
  ino: string
  /** Of the first byte that was not read. */
  offset: number
  /** Of the line that begins there, from 1. */
  line: number
  /** Of its first bytes, `count:digest`: an inode's number may be another file's later, and a file may be cut and written anew. */
  head: string
}

/** A file with what is to be read of it. */
export interface FileToRead extends FilePlace {
  size: number
}

export interface Look {
  files: FileToRead[]
  /** What happened to files since the last look, to be told. */
  told: string[]
}

const headBytes = 1024
/** The cursor names each. */
const mostFiles = 1_000

/**
 * The files of a path or glob, with where each was left: those that were renamed first (what was written last before a rotation stands in
 * them), then by name. A file that is no longer among them is looked for in its folder, by its inode. One that was cut, or whose
 * beginning is another, is read from its beginning.
 */
export async function lookAtFiles(source: string, folder: string, pattern: string, known: readonly FilePlace[]): Promise<Look> {
  const found = await statAll(folder, await pathsOf(folder, pattern))
  if (found.length > mostFiles) {
    const message = `Source ${source}: ${pattern} names ${found.length} files; at most ${mostFiles} can be followed: narrow path, or split it into several sources.`
    throw new MillraceError('SOURCE_FAILED', message, { retriable: false, details: { source } })
  }
  const told: string[] = []
  const renamed: FileToRead[] = []
  const inPlace = new Map<string, FileToRead>()
  for (const place of known) {
    const now = sameInode(found, place) ?? (await siblingOf(folder, place))
    if (now === null) {
      told.push(`${place.path} is gone; it was read to byte ${place.offset}`)
      continue
    }
    const file = await placeIn(folder, place, now, told)
    if (file === null) continue
    if (now.path === place.path && found.includes(now)) inPlace.set(now.path, file)
    else renamed.push(file)
  }
  const isRenamed = (path: string): boolean => renamed.some((file) => file.path === path)
  const named = found.filter(({ path }) => !isRenamed(path)).map((file) => inPlace.get(file.path) ?? { ...file, ...atBeginning })
  return { files: [...renamed, ...named], told }
}

const atBeginning = { offset: 0, line: 1, head: '0:' }

/** Rather where it was: a link has its file's number. */
function sameInode(found: readonly Found[], { path, ino }: FilePlace): Found | null {
  const same = found.filter((file) => file.ino === ino)
  return same.find((file) => file.path === path) ?? same[0] ?? null
}

/** Null: another file with the number of a former one, which is among those found. */
async function placeIn(folder: string, place: FilePlace, now: Found, told: string[]): Promise<FileToRead | null> {
  const isSame = now.size >= place.offset && (await headOf(resolve(folder, now.path), countOf(place.head))) === place.head
  if (isSame) return { ...place, path: now.path, size: now.size }
  if (now.path !== place.path) {
    told.push(`${place.path} is gone; it was read to byte ${place.offset}`)
    return null
  }
  const what = now.size < place.offset ? `was cut to ${now.size} bytes` : 'begins with other bytes'
  told.push(
    `${place.path} ${what} since it was read to byte ${place.offset}: it is read from its beginning; what was not read before that is lost`,
  )
  return { ...now, ...atBeginning }
}

interface Found {
  path: string
  ino: string
  size: number
}

async function pathsOf(folder: string, pattern: string): Promise<string[]> {
  if (!/[*?[\]{}!]/.test(pattern)) return [pattern]
  const paths: string[] = []
  for await (const path of glob(pattern, { cwd: folder })) paths.push(path)
  return paths.toSorted()
}

/** Those that are files, each once, whatever links there are to it; one that went away since it was listed is none. */
async function statAll(folder: string, paths: readonly string[]): Promise<Found[]> {
  const found = new Map<string, Found>()
  for (const path of paths) {
    try {
      const stats = await stat(resolve(folder, path), { bigint: true })
      const identity = `${stats.dev}:${stats.ino}`
      if (stats.isFile() && !found.has(identity)) found.set(identity, { path, ino: String(stats.ino), size: Number(stats.size) })
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }
  return [...found.values()]
}

/** A file that was renamed out of the pattern, `app.log` to `app.log.1`, say. */
async function siblingOf(folder: string, { path, ino }: FilePlace): Promise<Found | null> {
  const beside = dirname(path)
  const entries = await readdir(resolve(folder, beside), { withFileTypes: true }).catch(() => [])
  // Rotation keeps the name's beginning: not every file of a large folder is asked for its number.
  const stem = basename(path).split('.')[0] ?? ''
  const paths = entries.filter((entry) => entry.isFile() && entry.name.startsWith(stem)).map(({ name }) => join(beside, name))
  const siblings = await statAll(folder, paths)
  return siblings.find((sibling) => sibling.ino === ino) ?? null
}

function countOf(head: string): number {
  return Number(head.split(':')[0] ?? 0)
}

async function headOf(path: string, count: number): Promise<string> {
  const handle = await open(path)
  try {
    return await headOfFile(handle, count)
  } finally {
    await handle.close()
  }
}

/** Of the bytes before `upTo`, as far as it takes to tell files apart. */
export async function headOfFile(handle: ReadableFile, upTo: number): Promise<string> {
  const count = Math.min(upTo, headBytes)
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(count), 0, count, 0)
  return `${count}:${count === 0 ? '' : createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex').slice(0, 16)}`
}
