import { MillraceError, type Disk, type DiskFile } from '../../platform/index.ts'

/** A disk that takes so many changes and refuses all that follow, as if the process had been killed there. */
export class FailingDisk implements Disk {
  readonly #disk: Disk
  #left: number
  /** Why it takes no more: killed, or full. */
  refusal: 'DISK_FAILED' | 'DISK_FULL' = 'DISK_FAILED'
  /** It gives nothing back, and syncs nothing. */
  isDeaf = false
  /** … of these files alone. */
  isDeafTo: (path: string) => boolean = () => false

  constructor(disk: Disk, changes: number) {
    this.#disk = disk
    this.#left = changes
  }

  /** From now on it takes so many changes. */
  allow(changes: number): void {
    this.#left = changes
  }

  get isDead(): boolean {
    return this.#left < 0
  }

  #change<T>(change: () => T): T {
    if (this.#left-- <= 0) throw new MillraceError(this.refusal, 'killed')
    return change()
  }

  #hear<T>(path: string, read: () => T): T {
    if (this.isDeaf || this.isDeafTo(path)) throw new MillraceError('DISK_FAILED', 'deaf')
    return read()
  }

  open(path: string, options: { create: boolean; syncFolder?: boolean }): DiskFile {
    const file = this.#change(() => this.#disk.open(path, options))
    return {
      ...file,
      read: (into, at, length, position) => this.#hear(path, () => file.read(into, at, length, position)),
      datasync: async () => this.#hear(path, () => file.datasync()),
      write: (buffers, position) => this.#change(() => file.write(buffers, position)),
      truncate: (lengthBytes) => this.#change(() => file.truncate(lengthBytes)),
    }
  }
  exists(path: string): boolean {
    return this.#disk.exists(path)
  }
  list(path: string): string[] {
    return this.#disk.list(path)
  }
  makeDir(path: string, options?: { syncFolder: boolean }): void {
    this.#change(() => this.#disk.makeDir(path, options))
  }
  remove(path: string): void {
    this.#change(() => this.#disk.remove(path))
  }
  rename(from: string, to: string): void {
    this.#change(() => this.#disk.rename(from, to))
  }
  readFile(path: string): Uint8Array {
    return this.#hear(path, () => this.#disk.readFile(path))
  }
  replaceFile(path: string, content: string | Uint8Array): void {
    this.#change(() => this.#disk.replaceFile(path, content))
  }
  syncDir(path: string): void {
    this.#disk.syncDir(path)
  }
}
