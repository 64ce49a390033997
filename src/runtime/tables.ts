import { join } from 'node:path'
import { checkCqlStore, compactCqlStore, type CheckedStore, type CheckStoreOptions, type CompactedStore } from '../cql-store/index.ts'
import { openDataFolder } from './data-folder.ts'

type Listeners = Pick<CheckStoreOptions, 'onProblem' | 'onRecords'>

/** Reads the tables of a data folder, which may be in use. */
export async function checkTables(dataDir: string, listeners: Listeners): Promise<CheckedStore> {
  return checkCqlStore({ dataDir: join(dataDir, 'tables'), ...listeners })
}

/** Gives back the room of what was deleted. @throws MillraceError DATA_DIR_IN_USE while Millrace runs */
export async function compactTables(dataDir: string, onRecords: (count: number) => void): Promise<CompactedStore> {
  const folder = openDataFolder(dataDir)
  try {
    return await compactCqlStore({ dataDir: folder.tablesDir, onRecords })
  } finally {
    folder.release()
  }
}
