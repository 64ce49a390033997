import * as fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errnoOf, messageOf, MillraceError } from './errors.ts'

/** An open file. Reads and writes are positioned; a short write is completed or thrown, never returned. */
export interface DiskFile {
  readonly path: string
  sizeBytes(): number
  /** Reads up to `length` bytes at `position` into `into` at `at`; returns the count, less only at the end of the file. */
  read(into: Uint8Array, at: number, length: number, position: number): number
  /** Writes all buffers one after another at `position`, synchronously (into the page cache). */
  write(buffers: readonly Uint8Array[], position: number): void
  /** `fdatasync`, off the main thread. After a rejection the file must be taken offline: never tried again (P1). */
  datasync(): Promise<void>
  truncate(lengthBytes: number): void
  close(): void
}

/** The disk, injected, so that tests can tear writes, lose unsynced data, fill it up. Errors are MillraceErrors (`DISK_FULL`, `DISK_FAILED`). */
export interface Disk {
  /** Opens for reading and writing, creating the file when `create` is set; its folder is then synced, unless that is left to the caller. */
  open(path: string, options: { create: boolean; syncFolder?: boolean }): DiskFile
  exists(path: string): boolean
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(path: string): string[]
  /** With the folders above it. Those that got a new one are synced (P1), unless that is left to the caller. */
  makeDir(path: string, options?: { syncFolder: boolean }): void
  remove(path: string): void
  rename(from: string, to: string): void
  readFile(path: string): Uint8Array
  /** Writes a small file so that a crash leaves the old or the new content, never a part: temporary, fsync, rename, fsync of the folder. */
  replaceFile(path: string, content: string | Uint8Array, mode?: number): void
  syncDir(path: string): void
  /** The size of what the folder lies on, and how much of it is left; a disk of tests need not know. */
  space?(path: string): { totalBytes: number; usableBytes: number }
}

/**
 * Makes a folder and those above it that are not there, one by one, and answers the uppermost that it made; undefined: all were there. Node's
 * own recursive mkdir spins for ever where nothing can be made and the system says that it is the parent that is missing, as procfs does.
 * Throws what the system says.
 */
export function makeFolders(path: string, mode: number): string | undefined {
  const missing: string[] = []
  let folder = resolve(path)
  for (; !fs.existsSync(folder); folder = dirname(folder)) missing.push(folder)
  // A file in its place is told as the system tells it.
  if (missing.length === 0 && !fs.statSync(folder).isDirectory()) missing.push(folder)
  for (const each of missing.toReversed()) {
    try {
      fs.mkdirSync(each, { mode })
    } catch (error) {
      // Another process made it meanwhile.
      if (errnoOf(error) !== 'EEXIST' || !(fs.statSync(each, { throwIfNoEntry: false })?.isDirectory() ?? false)) throw error
    }
  }
  return missing.at(-1)
}

export const systemDisk: Disk = {
  open: (path, { create, syncFolder = true }) =>
    guarded(path, () => {
      const isNew = create && !fs.existsSync(path)
      const fd = fs.openSync(path, isNew ? 'wx+' : 'r+', 0o640)
      if (isNew && syncFolder) systemDisk.syncDir(dirname(path))
      return openFile(path, fd)
    }),
  exists: (path) => fs.existsSync(path),
  list: (path) => (fs.existsSync(path) ? fs.readdirSync(path).toSorted() : []),
  makeDir: (path, { syncFolder } = { syncFolder: true }) => {
    guarded(path, () => {
      const first = makeFolders(path, 0o750)
      if (first === undefined || !syncFolder) return
      for (let folder = resolve(path); folder.length >= resolve(first).length; folder = dirname(folder)) systemDisk.syncDir(dirname(folder))
    })
  },
  remove: (path) => guarded(path, () => fs.rmSync(path, { recursive: true, force: true })),
  rename: (from, to) =>
    guarded(to, () => {
      fs.renameSync(from, to)
      systemDisk.syncDir(dirname(to))
    }),
  readFile: (path) => guarded(path, () => fs.readFileSync(path)),
  replaceFile: (path, content, mode = 0o640) =>
    guarded(path, () => {
      const temporary = `${path}.new`
      const fd = fs.openSync(temporary, 'w', mode)
      try {
        fs.writeFileSync(fd, content)
        fs.fsyncSync(fd)
      } finally {
        fs.closeSync(fd)
      }
      fs.renameSync(temporary, path)
      systemDisk.syncDir(dirname(path))
    }),
  space: (path) =>
    guarded(path, () => {
      const { bsize, blocks, bavail } = fs.statfsSync(path)
      return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
    }),
  syncDir: (path) =>
    guarded(path, () => {
      const fd = fs.openSync(path, 'r')
      try {
        fs.fsyncSync(fd)
      } finally {
        fs.closeSync(fd)
      }
    }),
}

function openFile(path: string, fd: number): DiskFile {
  return {
    path,
    sizeBytes: () => guarded(path, () => fs.fstatSync(fd).size),
    read: (into, at, length, position) =>
      guarded(path, () => {
        let done = 0
        while (done < length) {
          const count = fs.readSync(fd, into, at + done, length - done, position + done)
          if (count === 0) break
          done += count
        }
        return done
      }),
    write: (buffers, position) => guarded(path, () => writeAll(fd, buffers, position)),
    datasync: () =>
      new Promise((resolve, reject) => {
        fs.fdatasync(fd, (error) => (error ? reject(diskError(path, error)) : resolve()))
      }),
    truncate: (lengthBytes) => guarded(path, () => fs.ftruncateSync(fd, lengthBytes)),
    close: () => fs.closeSync(fd),
  }
}

function writeAll(fd: number, buffers: readonly Uint8Array[], position: number): void {
  let rest = buffers.filter((buffer) => buffer.byteLength > 0)
  let at = position
  while (rest.length > 0) {
    let written = fs.writevSync(fd, rest, at)
    at += written
    while (rest.length > 0 && written >= (rest[0]?.byteLength ?? 0)) {
      written -= rest[0]?.byteLength ?? 0
      rest = rest.slice(1)
    }
    const first = rest[0]
    if (first && written > 0) rest = [first.subarray(written), ...rest.slice(1)]
  }
}

function guarded<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw diskError(path, error)
  }
}

function diskError(path: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const errno = errnoOf(error)
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new MillraceError('DISK_FULL', `No room left for ${path}: free disk space; writing goes on by itself.`, { cause: error })
  }
  return new MillraceError('DISK_FAILED', `${path}: ${messageOf(error)}`, { cause: error, details: { errno } })
}
