import { silentLogger, systemClock, systemDisk, type Clock, type Disk, type Logger } from '../platform/index.ts'
import { isStaleEntry } from './query/index.ts'
import { Catalogue } from './schema/index.ts'
import { compactSortedStore, Engine, tableStart } from './storage/index.ts'

export interface CompactedStore {
  /** Deleted, shadowed or expired: taken out or made smaller. */
  recordsChanged: number
  bytesBefore: number
  bytesAfter: number
}

export interface CompactStoreOptions {
  /** Folder of the store, which must not run. */
  dataDir: string
  disk?: Disk
  clock?: Clock
  log?: Logger
  /** Called with each further count of records that were looked at. */
  onRecords?: (count: number) => void
}

/**
 * Takes out all garbage that may go, then writes the sorted store anew so that the disk gets its room back; that takes as much room as the result
 * has, for a while. A crash leaves the old or the new one.
 * @throws MillraceError DATA_CORRUPT, DATA_DIR_NEWER, DISK_FULL, DISK_FAILED
 */
export async function compactCqlStore(options: CompactStoreOptions): Promise<CompactedStore> {
  const { dataDir, disk = systemDisk, clock = systemClock, log = silentLogger, onRecords = () => {} } = options
  disk.makeDir(dataDir)
  const catalogue = Catalogue.open(disk, dataDir)
  catalogue.upgrade()
  const { engine } = await Engine.open({
    dataDir,
    disk,
    clock,
    log,
    flush: 'sync',
    isLive: (table) => catalogue.isLive(table),
    gcGraceSeconds: (table) => catalogue.gcGraceSeconds(table),
    isStale: (key, stored) => isStaleEntry(catalogue, key, stored),
  })
  let recordsChanged = 0
  try {
    for (const number of catalogue.purging) {
      if (await engine.purge(tableStart(number), tableStart(number + 1))) catalogue.purged(number)
    }
    const swept = await engine.sweep(({ looked }) => onRecords(looked), 0)
    recordsChanged = swept.changed
  } finally {
    await engine.close()
  }
  return { recordsChanged, ...(await compactSortedStore(disk, dataDir)) }
}
