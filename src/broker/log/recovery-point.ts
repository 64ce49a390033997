import type { Disk } from '../../platform/index.ts'
import { segmentName } from './segment.ts'

/** So much written since the recovery point makes a checkpoint due: what a start after a crash reads at most. */
const dueBytes = 64 << 20

/** Up to where a log need not be scanned at the next start; beside it lies what the producers were there (`.snapshot`). */
export class RecoveryPoint {
  readonly #disk: Disk
  readonly #dir: string
  #offset: number
  #stale: string | null = null
  #kept: number
  /** Bytes appended since. */
  #written = 0

  constructor(disk: Disk, dir: string, offset: number) {
    this.#disk = disk
    this.#dir = dir
    this.#offset = this.#kept = offset
  }

  get offset(): number {
    return this.#offset
  }
  /** What a start would find: the point as it is on the disk. */
  get kept(): number {
    return this.#kept
  }
  get written(): number {
    return this.#written
  }

  /** Counts what is appended; true when so much came that the point should move. */
  wrote(bytes: number): boolean {
    this.#written += bytes
    if (this.#written < dueBytes) return false
    this.#written = 0
    return true
  }

  /** Everything below `offset` is synced and its indexes are on the disk. `isBase` tells where segments begin: their snapshots stay. */
  move(offset: number, snapshot: Buffer, isBase: (offset: number) => boolean): void {
    this.#disk.replaceFile(snapshotPath(this.#dir, offset), snapshot)
    if (this.#offset !== offset && !isBase(this.#offset)) this.#stale = snapshotPath(this.#dir, this.#offset)
    this.#offset = offset
    this.#written = 0
  }

  /** The point is on the disk: the producers of the one before are not needed any more. */
  keep(): void {
    this.#kept = this.#offset
    if (this.#stale !== null) this.#disk.remove(this.#stale)
    this.#stale = null
  }
}

export function snapshotPath(dir: string, offset: number): string {
  return `${dir}/${segmentName(offset)}.snapshot`
}
