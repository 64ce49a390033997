import type { Pool, PoolClient } from 'pg'
import {
  CompiledQuery,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
} from 'kysely'
import { sqlStateOf } from './postgres-errors.ts'

/** Told of each statement before it is sent; what it throws is as a connection that was cut. For tests of crashes. */
export type OnStatement = (sql: string) => void

/**
 * Kysely on a pool of `pg`, where Kysely's own driver gives a connection that hangs or was cut back to the pool: here it is
 * destroyed at its first error that is not PostgreSQL's answer, and no rollback waits on it.
 */
export class PostgresPoolDialect implements Dialect {
  readonly #pool: Pool
  readonly #onStatement: OnStatement

  constructor(pool: Pool, onStatement: OnStatement) {
    this.#pool = pool
    this.#onStatement = onStatement
  }

  createAdapter(): DialectAdapter {
    return new PostgresAdapter()
  }

  createDriver(): Driver {
    return new PostgresPoolDriver(this.#pool, this.#onStatement)
  }

  createIntrospector(db: Kysely<unknown>): PostgresIntrospector {
    return new PostgresIntrospector(db)
  }

  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler()
  }
}

class PostgresPoolDriver implements Driver {
  readonly #pool: Pool
  readonly #onStatement: OnStatement

  constructor(pool: Pool, onStatement: OnStatement) {
    this.#pool = pool
    this.#onStatement = onStatement
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new PooledConnection(await this.#pool.connect(), this.#onStatement)
  }

  /** Rows are locked by hand and read again once they are: whatever the server's default is, this is what that needs. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin isolation level read committed read write'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    if (connection instanceof PooledConnection) connection.release()
  }

  async destroy(): Promise<void> {
    await this.#pool.end()
  }
}

class PooledConnection implements DatabaseConnection {
  readonly #client: PoolClient
  readonly #onStatement: OnStatement
  #broken: Error | null = null
  readonly #onError = (error: Error): void => {
    this.#broken ??= error
  }

  constructor(client: PoolClient, onStatement: OnStatement) {
    this.#client = client
    this.#onStatement = onStatement
    // Cut while nothing is asked of it: an event without a listener would end the process.
    client.on('error', this.#onError)
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#broken) throw this.#broken
    try {
      this.#onStatement(query.sql)
      const result = await this.#client.query<never[] & R & object>({ text: query.sql, values: query.parameters.map(storable) })
      return { rows: result.rows, ...(result.rowCount === null ? {} : { numAffectedRows: BigInt(result.rowCount) }) }
    } catch (error) {
      if (sqlStateOf(error) === null) this.#broken ??= error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }

  release(): void {
    this.#client.off('error', this.#onError)
    this.#client.release(this.#broken ?? undefined)
  }
}

/** PostgreSQL's text takes no NUL (it has no escape for one); a reason that holds one must not hold up all other results. */
function storable(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
}
