import { open, type Database, type RootDatabase } from 'lmdb'
import { asMillraceError, type Disk } from '../../platform/index.ts'
import type { LogPosition } from './commit-log.ts'

/** Records one turn of the event loop applies before others get theirs. */
const applyChunk = 128
/** Records after which their commit is waited for: LMDB keeps as much memory as its greatest transaction had pages, a page for nearly each record. */
const transactionRecords = 1_024

const positionKey = Buffer.from([0, 0, 0, 0, 1])

export interface StoredRecord {
  key: Buffer
  record: Buffer
}

/** LMDB as the sorted store behind the commit log. It may lag behind, but never runs back: what it has flushed stays. */
export class SortedStore {
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #db: Database<Buffer, Buffer>

  private constructor(root: RootDatabase<Buffer, Buffer>) {
    this.#root = root
    this.#db = root
  }

  static open(path: string): SortedStore {
    return new SortedStore(
      open<Buffer, Buffer>({
        path,
        encoding: 'binary',
        keyEncoding: 'binary',
        cache: false,
        noSubdir: false,
        maxReaders: 16,
        overlappingSync: true,
        // Milliseconds: puts of many turns share a transaction, and so its copies of branch pages and its sync.
        commitDelay: 25,
        noMemInit: true,
      }),
    )
  }

  /** For reading alone, also beside a process that writes to it. */
  static openToRead(path: string): SortedStore {
    return new SortedStore(
      open<Buffer, Buffer>({ path, encoding: 'binary', keyEncoding: 'binary', cache: false, noSubdir: false, readOnly: true }),
    )
  }

  /** Writes a copy without free pages into a folder. */
  async copyTo(folder: string): Promise<void> {
    await this.#root.backup(folder, true)
  }

  get(key: Buffer): Buffer | undefined {
    return this.#db.getBinary(key)
  }

  /** At most `limit` records from `start` (included) to `end` (not included); in reverse, the last ones, backwards. */
  range(start: Buffer, end: Buffer, reverse: boolean, limit: number): StoredRecord[] {
    const found: StoredRecord[] = []
    const options = reverse
      ? { start: end, end: start, reverse: true, exclusiveStart: true, inclusiveEnd: true, limit, snapshot: false }
      : { start, end, limit, snapshot: false }
    for (const { key, value } of this.#db.getRange(options)) found.push({ key, record: value })
    return found
  }

  keys(start: Buffer, end: Buffer, limit: number): Buffer[] {
    return [...this.#db.getKeys({ start, end, limit, snapshot: false })]
  }

  /** Where in the commit log replay must begin. */
  appliedPosition(): LogPosition | null {
    const bytes = this.#db.getBinary(positionKey)
    return bytes ? { file: Number(bytes.readBigUInt64BE(0)), offset: Number(bytes.readBigUInt64BE(8)) } : null
  }

  /**
   * Applies records in order (`change` gives the new content, null removes it), then the position they reach; resolves when all is on
   * disk. Applying some of them twice is harmless, so nothing needs to happen in one transaction.
   */
  async apply(
    keys: Iterable<string>,
    change: (key: Buffer, old: Buffer | undefined) => Buffer | null | undefined,
    position: LogPosition | null,
  ): Promise<void> {
    const commits = new Set<Promise<boolean>>()
    let count = 0
    for (const name of keys) {
      const key = Buffer.from(name, 'latin1')
      const next = change(key, this.#db.getBinaryFast(key))
      if (next !== undefined) commits.add(next === null ? this.#db.remove(key) : this.#db.put(key, next))
      if (++count % transactionRecords === 0) await settled(commits)
      else if (count % applyChunk === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    if (position) {
      const bytes = Buffer.alloc(16)
      bytes.writeBigUInt64BE(BigInt(position.file), 0)
      bytes.writeBigUInt64BE(BigInt(position.offset), 8)
      commits.add(this.#db.put(positionKey, bytes))
    }
    await settled(commits)
    await this.#root.flushed
    this.#db.resetReadTxn()
  }

  async close(): Promise<void> {
    await this.#root.close()
  }
}

/** Puts a copy without free pages in the store's place; nobody may have it open. */
export async function compactSortedStore(disk: Disk, dataDir: string): Promise<{ bytesBefore: number; bytesAfter: number }> {
  const [path, copy] = [`${dataDir}/lmdb/data.mdb`, `${dataDir}/lmdb-copy`]
  disk.remove(copy)
  disk.makeDir(copy)
  const store = SortedStore.openToRead(`${dataDir}/lmdb`)
  try {
    await store.copyTo(copy)
  } catch (error) {
    disk.remove(copy)
    throw asMillraceError(error, 'DISK_FULL', 'The compacted copy cannot be written: ')
  } finally {
    await store.close()
  }
  const bytesBefore = await sizeOf(disk, path, false)
  const bytesAfter = await sizeOf(disk, `${copy}/data.mdb`, true)
  disk.rename(`${copy}/data.mdb`, path)
  disk.remove(`${dataDir}/lmdb/lock.mdb`)
  disk.remove(copy)
  return { bytesBefore, bytesAfter }
}

async function sizeOf(disk: Disk, path: string, synced: boolean): Promise<number> {
  const file = disk.open(path, { create: false })
  try {
    if (synced) await file.datasync()
    return file.sizeBytes()
  } finally {
    file.close()
  }
}

async function settled(commits: Set<Promise<boolean>>): Promise<void> {
  const waiting = [...commits]
  commits.clear()
  await Promise.all(waiting)
}
