import { watch, type FSWatcher } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemClock, type Clock } from '../../platform/index.ts'

/** An editor writes a file in several steps, or several files at once: this long after the last one it is looked at. */
const settleMs = 40
/** What nobody writes by hand. */
const skipped = /^(\..*|node_modules|dist|coverage)$/
const sources = /\.([cm]?[jt]sx?|json)$/

export interface WatchedFiles {
  /** Absolute paths of files beyond the project's folder that are part of it. */
  follow(files: readonly string[]): void
  close(): void
}

/**
 * Tells of source files that were written, made, moved or removed below a folder: one watch a folder, since a recursive one
 * would watch every installed package too. Folders that are made later are found.
 */
export function watchFiles(dir: string, onChange: (paths: ReadonlySet<string>) => void, clock: Clock = systemClock): WatchedFiles {
  const watchers = new Map<string, FSWatcher>()
  let changed = new Set<string>()
  let stopTimer: () => void = () => undefined
  let isClosed = false

  const settle = (): void => {
    if (changed.size === 0) return
    const paths = changed
    changed = new Set()
    onChange(paths)
  }
  const onEvent = (folder: string, name: string | null): void => {
    if (name === null || skipped.test(name)) return
    const path = join(folder, name)
    if (!sources.test(name)) {
      // It may be a new folder, with files in it already.
      if (!name.includes('.')) void followFolder(path, true)
      return
    }
    changed.add(path)
    stopTimer()
    stopTimer = clock.after(settleMs, settle)
  }
  const followOne = (folder: string): boolean => {
    if (isClosed || watchers.has(folder)) return false
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => onEvent(folder, name))
      const forget = (): void => {
        watcher.close()
        watchers.delete(folder)
      }
      // It was removed.
      watcher.on('error', forget)
      watchers.set(folder, watcher)
      return true
    } catch {
      return false
    }
  }
  const followFolder = async (folder: string, tell: boolean): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    if (entries.length === 0 && !tell) followOne(folder)
    if (!followOne(folder)) return
    for (const entry of entries) {
      if (skipped.test(entry.name)) continue
      if (entry.isDirectory()) await followFolder(join(folder, entry.name), tell)
      else if (tell) onEvent(folder, entry.name)
    }
  }
  void followFolder(dir, false)
  return {
    follow: (files) => {
      for (const folder of new Set(files.map((file) => dirname(file))))
        if (!folder.startsWith(`${dir}/`) && folder !== dir && basename(folder) !== 'node_modules') followOne(folder)
    },
    close: () => {
      isClosed = true
      stopTimer()
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}
