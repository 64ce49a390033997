import { dirname } from 'node:path'
import { MillraceError, type Disk, type DiskFile } from '../../platform/index.ts'

interface Content {
  bytes: Buffer
  /** What a power cut would leave. */
  synced: Buffer
  /** Whether its folder was synced since it was made: else a power cut leaves nothing of it. */
  isListed: boolean
}

/**
 * A disk in memory for tests: it can lose what was not synced, tear a write, fill up, and refuse to sync. Folders exist
 * when something lies in them.
 */
export class MemoryDisk implements Disk {
  readonly #files = new Map<string, Content>()
  /** Bytes that may still be written before the disk is full; a write that exceeds them is cut short and fails. */
  roomBytes = Infinity
  failSyncs = false
  syncs = 0
  /** Holds syncs back until it is resolved. */
  holdSyncs: Promise<void> = Promise.resolve()

  open(path: string, { create, syncFolder = true }: { create: boolean; syncFolder?: boolean }): DiskFile {
    if (!this.#files.has(path)) {
      if (!create) throw new MillraceError('DISK_FAILED', `${path}: no such file`)
      this.#files.set(path, { bytes: Buffer.alloc(0), synced: Buffer.alloc(0), isListed: false })
      if (syncFolder) this.syncDir(dirname(path))
    }
    const content = this.content(path)
    return {
      path,
      sizeBytes: () => content.bytes.length,
      read: (into, at, length, position) => content.bytes.copy(into, at, position, Math.min(position + length, content.bytes.length)),
      write: (buffers, position) => this.#write(path, content, Buffer.concat(buffers), position),
      datasync: async () => {
        this.syncs++
        const until = content.bytes
        await this.holdSyncs
        if (this.failSyncs) throw new MillraceError('DISK_FAILED', `${path}: EIO`)
        content.synced = Buffer.from(until)
      },
      truncate: (lengthBytes) => {
        content.bytes = Buffer.concat([
          content.bytes.subarray(0, lengthBytes),
          Buffer.alloc(Math.max(0, lengthBytes - content.bytes.length)),
        ])
      },
      close: () => {},
    }
  }

  #write(path: string, content: Content, bytes: Buffer, position: number): void {
    const kept = bytes.subarray(0, Math.min(bytes.length, this.roomBytes))
    this.roomBytes -= kept.length
    const hole = Buffer.alloc(Math.max(0, position - content.bytes.length))
    content.bytes = Buffer.concat([content.bytes.subarray(0, position), hole, kept, content.bytes.subarray(position + kept.length)])
    if (kept.length < bytes.length) throw new MillraceError('DISK_FULL', `No room left for ${path}`)
  }

  content(path: string): Content {
    const content = this.#files.get(path)
    if (!content) throw new MillraceError('DISK_FAILED', `${path}: no such file`)
    return content
  }

  /** A power cut: of each file only what was synced is left, and of `torn` so many bytes more. */
  cutPower(torn: { path: string; extraBytes: number } | null = null): void {
    this.#loseUnlisted()
    for (const [path, content] of this.#files) {
      const extra = torn?.path === path ? torn.extraBytes : 0
      content.bytes = Buffer.concat([content.synced, content.bytes.subarray(content.synced.length, content.synced.length + extra)])
    }
  }

  /** A power cut that tears what was not synced: of each file's bytes beyond the synced ones `keep` says what is left. */
  tear(keep: (unsynced: Buffer) => Uint8Array): void {
    this.#loseUnlisted()
    for (const content of this.#files.values()) {
      const unsynced = content.bytes.subarray(content.synced.length)
      content.bytes = Buffer.concat([content.synced, unsynced.length > 0 ? keep(unsynced) : unsynced])
    }
  }

  #loseUnlisted(): void {
    for (const [path, { isListed }] of this.#files) if (!isListed) this.#files.delete(path)
  }

  /** Another disk with the same on it. */
  copy(): MemoryDisk {
    const other = new MemoryDisk()
    for (const [path, { bytes, synced, isListed }] of this.#files)
      other.#files.set(path, { bytes: Buffer.from(bytes), synced: Buffer.from(synced), isListed })
    return other
  }

  /** Changes one byte on the disk. */
  damage(path: string, position: number): void {
    const { bytes } = this.content(path)
    bytes[position] = (bytes[position] ?? 0) ^ 0xff
  }

  exists(path: string): boolean {
    return this.#files.has(path) || this.list(path).length > 0
  }
  list(path: string): string[] {
    const below = [...this.#files.keys()]
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => name.slice(path.length + 1).split('/')[0] ?? '')
    return [...new Set(below)].toSorted()
  }
  makeDir(): void {}
  remove(path: string): void {
    for (const name of this.#files.keys()) if (name === path || name.startsWith(`${path}/`)) this.#files.delete(name)
  }
  rename(from: string, to: string): void {
    this.#files.set(to, this.content(from))
    this.#files.delete(from)
    this.syncDir(dirname(to))
  }
  readFile(path: string): Uint8Array {
    return Buffer.from(this.content(path).bytes)
  }
  replaceFile(path: string, content: string | Uint8Array): void {
    const bytes = Buffer.from(content)
    if (bytes.length > this.roomBytes) throw new MillraceError('DISK_FULL', `No room left for ${path}`)
    this.roomBytes -= bytes.length
    this.#files.set(path, { bytes, synced: Buffer.from(bytes), isListed: true })
    this.syncDir(dirname(path))
  }
  syncDir(path: string): void {
    for (const [name, content] of this.#files) if (dirname(name) === path) content.isListed = true
  }
}
