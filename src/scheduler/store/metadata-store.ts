import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely'
import { Migrator } from 'kysely/migration'
import { MillraceError } from '../../platform/index.ts'
import { migrations } from './migrations.ts'
import type { Tables } from './tables.ts'

export type Store = Kysely<Tables>
export type StoreTransaction = Transaction<Tables>

/** The metadata store as the scheduler sees it: the same tables and statements on SQLite and PostgreSQL. */
export interface MetadataStore {
  /** For people, never with a password (P8): `sqlite:<path>`, `postgres://user@host:port/database (schema …)`. */
  readonly address: string
  /** True when other schedulers may work on it at the same time: rows are locked, attempts have leases. */
  readonly shared: boolean
  /** Runs the action in a transaction, again when it lost against another one: it must do nothing outside of it. */
  transaction<T>(action: (trx: StoreTransaction) => Promise<T>): Promise<T>
  /** `plusMs` from now, in milliseconds since 1970, by the one clock that all schedulers of the store judge leases by. */
  leaseTime(nowMs: number, plusMs: number): RawBuilder<number>
  /** What went wrong, as an error of the catalogue; METADATA_UNAVAILABLE is one that passes. */
  error(error: unknown): MillraceError
  close(): Promise<void>
}

/** Brings the tables up to date. @throws DATA_DIR_NEWER when a newer version has been here */
export async function migrate(db: Store, where: { name: string; schema?: string }): Promise<void> {
  const applied = await appliedMigrations(db, where.schema)
  const unknown = applied.filter((name) => !(name in migrations))
  if (unknown.length > 0) {
    throw new MillraceError(
      'DATA_DIR_NEWER',
      `${where.name} was written by a newer Millrace (${unknown.join(', ')}); start that version, or use another ${where.schema === undefined ? 'data folder' : 'schema'}.`,
    )
  }
  if (applied.length === Object.keys(migrations).length) return
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    ...(where.schema === undefined ? {} : { migrationTableSchema: where.schema }),
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

async function appliedMigrations(db: Store, schema: string | undefined): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  const found = tables.find((table) => table.name === 'kysely_migration' && (schema === undefined || table.schema === schema))
  if (!found) return []
  const table = schema === undefined ? sql.table('kysely_migration') : sql.table(`${schema}.kysely_migration`)
  const { rows } = await sql<{ name: string }>`select name from ${table}`.execute(db)
  return rows.map((row) => row.name)
}
