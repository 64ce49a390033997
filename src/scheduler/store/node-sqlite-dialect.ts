import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
} from 'kysely'

const maxCachedStatements = 200

/** Kysely on Node's own SQLite: one connection, calls are synchronous below, statements are prepared once. */
export class NodeSqliteDialect implements Dialect {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  createAdapter(): DialectAdapter {
    return new SqliteAdapter()
  }

  createDriver(): Driver {
    return new NodeSqliteDriver(this.#db)
  }

  createIntrospector(db: Kysely<unknown>): SqliteIntrospector {
    return new SqliteIntrospector(db)
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }
}

class NodeSqliteDriver implements Driver {
  readonly #db: DatabaseSync
  readonly #connection: NodeSqliteConnection
  #tail: Promise<void> = Promise.resolve()
  #free: () => void = () => {}

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#connection = new NodeSqliteConnection(db)
  }

  async init(): Promise<void> {}

  /** One connection: whoever asks while a transaction holds it waits in line. */
  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#tail
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tail = promise
    await before
    this.#free = resolve
    return this.#connection
  }

  async beginTransaction(): Promise<void> {
    this.#db.exec('begin immediate')
  }

  async commitTransaction(): Promise<void> {
    this.#db.exec('commit')
  }

  /** SQLite has rolled back on its own after some errors (a full disk); a second rollback would hide them. */
  async rollbackTransaction(): Promise<void> {
    if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec('rollback')
  }

  async releaseConnection(): Promise<void> {
    this.#free()
  }

  async destroy(): Promise<void> {
    this.#connection.forgetStatements()
    if (this.#db.isOpen) this.#db.close()
  }
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const statement = this.#statement(query.sql)
    const parameters = query.parameters.map(sqlValue)
    if (statement.columns().length > 0) return { rows: statement.all(...parameters) as R[] }
    const { changes, lastInsertRowid } = statement.run(...parameters)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }

  forgetStatements(): void {
    this.#statements.clear()
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#db.prepare(sql)
    const oldest = this.#statements.size >= maxCachedStatements ? this.#statements.keys().next().value : undefined
    if (oldest !== undefined) this.#statements.delete(oldest)
    this.#statements.set(sql, statement)
    return statement
  }
}

function sqlValue(value: unknown): SQLInputValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || value instanceof Uint8Array) return value
  if (typeof value === 'boolean') return value ? 1 : 0
  throw new TypeError(`SQLite takes no ${typeof value} as a parameter`)
}
