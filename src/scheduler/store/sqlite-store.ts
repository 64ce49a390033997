import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { messageOf, MillraceError } from '../../platform/index.ts'
import { migrate, type MetadataStore } from './metadata-store.ts'
import { NodeSqliteDialect } from './node-sqlite-dialect.ts'
import type { Tables } from './tables.ts'

/**
 * Opens the metadata store and brings its tables up to date. WAL with `synchronous = normal`: a killed process loses nothing, a power cut
 * may lose the last transactions, never break the file; what they recorded is then run again.
 * Errors: DATA_DIR_NEWER, DATA_CORRUPT, DISK_FULL, DISK_FAILED.
 */
export async function openSqliteStore(path: string): Promise<MetadataStore> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
    const database = new DatabaseSync(path, { timeout: 5_000 })
    try {
      database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on')
      const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) })
      await migrate(db, { name: path })
      return {
        address: `sqlite:${path}`,
        shared: false,
        transaction: (action) => db.transaction().execute(action),
        leaseTime: (nowMs, plusMs) => sql<number>`${nowMs + plusMs}`,
        error: (error) => sqliteError(error, path),
        close: () => db.destroy(),
      }
    } catch (error) {
      if (database.isOpen) database.close()
      throw error
    }
  } catch (error) {
    throw sqliteError(error, path)
  }
}

/** SQLite's result codes (sqlite.org/rescode.html) as the catalogue's errors. */
function sqliteError(error: unknown, path: string): MillraceError {
  if (error instanceof MillraceError) return error
  const result = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null
  if (result === 13)
    return new MillraceError('DISK_FULL', `No room left for ${path}: free disk space; the scheduler goes on by itself.`, { cause: error })
  if (result === 11 || result === 26) {
    return new MillraceError('DATA_CORRUPT', `${path} is no readable SQLite file (${messageOf(error)}); restore it or move it away.`, {
      cause: error,
    })
  }
  if (result === 5) {
    return new MillraceError('DATA_DIR_IN_USE', `${path} is locked by another process.`, { cause: error, retriable: true })
  }
  return new MillraceError('DISK_FAILED', `${path}: ${messageOf(error)}`, { cause: error, details: { sqlite: result } })
}
