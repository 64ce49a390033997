import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql, type Transaction } from 'kysely'
import { Migrator } from 'kysely/migration'
import { messageOf, MillraceError } from '../../platform/index.ts'
import { migrations } from './migrations.ts'
import { NodeSqliteDialect } from './node-sqlite-dialect.ts'
import type { Tables } from './tables.ts'

export type Store = Kysely<Tables>
export type StoreTransaction = Transaction<Tables>

/**
 * Opens the metadata store and brings its tables up to date. WAL with `synchronous = normal`: a killed process loses nothing, a power cut
 * may lose the last transactions, never break the file; what they recorded is then run again.
 * Errors: DATA_DIR_NEWER, DATA_CORRUPT, DISK_FULL, DISK_FAILED.
 */
export async function openStore(path: string): Promise<{ store: Store; db: DatabaseSync }> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
    const db = new DatabaseSync(path, { timeout: 5_000 })
    try {
      db.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on')
      const store = new Kysely<Tables>({ dialect: new NodeSqliteDialect(db) })
      await migrate(store, path)
      return { store, db }
    } catch (error) {
      if (db.isOpen) db.close()
      throw error
    }
  } catch (error) {
    throw storeError(error, path)
  }
}

async function migrate(store: Store, path: string): Promise<void> {
  const applied = await appliedMigrations(store)
  const unknown = applied.filter((name) => !(name in migrations))
  if (unknown.length > 0) {
    throw new MillraceError(
      'DATA_DIR_NEWER',
      `${path} was written by a newer Millrace (${unknown.join(', ')}); start that version, or use another data folder.`,
    )
  }
  if (applied.length === Object.keys(migrations).length) return
  const migrator = new Migrator({ db: store, provider: { getMigrations: () => Promise.resolve(migrations) } })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

async function appliedMigrations(store: Store): Promise<string[]> {
  const tables = await store.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(store)
  return rows.map((row) => row.name)
}

/** SQLite's result codes (sqlite.org/rescode.html) as the catalogue's errors. */
export function storeError(error: unknown, path: string): MillraceError {
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
