import { asMillraceError, messageOf, MillraceError } from '../platform/index.ts'
import { formatAddress, type Address } from './address.ts'
import { quoteIdentifier, type CqlValue } from '../cql-wire/index.ts'
import { CqlConnection, mayTryElsewhere } from './connection.ts'
import { DriverQueries, type QueryOptions, type QueryResult } from './driver.ts'
import { serverError } from './errors.ts'
import { relocate, resolveOptions, type CassandraConnectOptions, type ConnectionOptions } from './options.ts'
import { rowsOf, scan, type RowsOptions, type ScanOptions } from './scan.ts'
import { schemaAgrees } from './schema-agreement.ts'
import { plainParameters, select } from './select.ts'
import { readKeyspaces, readTable, readTables, type TableInfo } from './tables.ts'
import { readTopology } from './topology.ts'
import { openWriter, type RowWriter, type WriterOptions } from './writer.ts'

export interface CassandraSession extends AsyncDisposable {
  /** Any statement, by the npm driver (loaded at the first call). Errors: CQL and CQL_RETRIABLE with details `{ cqlCode, cqlError }`, UNREACHABLE, TIMED_OUT. */
  query(cql: string, options?: QueryOptions): Promise<QueryResult>
  /** Rows of a table, without the driver. It reads the whole table: TIMED_OUT or a read time-out when that takes too long. */
  count(keyspace: string, table: string): Promise<number>
  /** A statement that changes the schema, without the driver; resolves when all nodes agree on the new one. */
  changeSchema(cql: string): Promise<void>
  table(keyspace: string, name: string): Promise<TableInfo | null>
  keyspaces(): Promise<string[]>
  tables(keyspace: string): Promise<TableInfo[]>
  /** Waits until all nodes that can be reached have the same schema; false when they do not within the time. */
  schemaAgreement(timeoutMs?: number): Promise<boolean>
  /** All rows of a table, a page at a time, without the driver; each page is asked for when the one before is done with. */
  scan(options: ScanOptions): AsyncGenerator<CqlValue[][]>
  /** Rows of one partition, in their order, without the driver; values as `columns` name them. */
  rows(options: RowsOptions): Promise<CqlValue[][]>
  /** Prepares the insert: NOT_FOUND without the table, TABLE_MISMATCH when the columns differ. */
  writer(options: WriterOptions): Promise<RowWriter>
  close(): Promise<void>
}

/**
 * Connects to the first contact point that answers and checks that the data centre is there. UNREACHABLE (retriable) names all that were
 * tried; AUTHENTICATION_FAILED; CONFIG_INVALID for an unknown data centre.
 */
export async function connectCassandra(options: CassandraConnectOptions): Promise<CassandraSession> {
  const resolved = await resolveOptions(options)
  const control = await openFirst(resolved, options.signal)
  try {
    await readTopology(control, resolved)
  } catch (error) {
    control.close()
    throw error
  }
  return new Session(resolved, control)
}

async function openFirst(options: ConnectionOptions, signal?: AbortSignal): Promise<CqlConnection> {
  const failures: MillraceError[] = []
  for (const address of options.contactPoints) {
    try {
      return await CqlConnection.open(address, options, signal)
    } catch (thrown) {
      const error = asMillraceError(thrown)
      if (!mayTryElsewhere(error)) throw error
      failures.push(error)
    }
  }
  // What must be set first is told as that, not as something that may get well.
  const [first] = failures
  if (first && failures.every((error) => error.code === 'CONFIG_INVALID')) throw first
  throw new MillraceError('UNREACHABLE', `No Cassandra contact point answers. ${failures.map(messageOf).join(' ')}`, {
    details: { tried: options.contactPoints.map(formatAddress).join(', ') },
  })
}

class Session implements CassandraSession {
  #options: ConnectionOptions
  #driver: DriverQueries
  readonly #writers = new Set<RowWriter>()
  #control: Promise<CqlConnection>
  readonly #closing = new AbortController()

  constructor(options: ConnectionOptions, control: CqlConnection) {
    this.#options = options
    this.#driver = new DriverQueries(options)
    this.#control = Promise.resolve(control)
  }

  /** The control connection, opened anew when it has ended. */
  async #connection(): Promise<CqlConnection> {
    this.#throwIfClosed()
    const current = this.#control
    const connection = await current.catch(() => null)
    if (connection?.isOpen) return connection
    if (this.#control === current) this.#control = this.#reopen()
    const opened = await this.#control
    if (this.#closing.signal.aborted) opened.close()
    this.#throwIfClosed()
    return opened
  }

  /** Nodes behind a proxy are known by ids, and may all be others by now: then it is asked for them again. */
  async #reopen(): Promise<CqlConnection> {
    const { signal } = this.#closing
    try {
      return await openFirst(this.#options, signal)
    } catch (error) {
      if (!this.#options.bundle || signal.aborted) throw error
      this.#options = await relocate(this.#options, signal)
      // The npm driver asks where the cluster is at its start alone.
      const stale = this.#driver
      this.#driver = new DriverQueries(this.#options)
      void stale.close().catch(() => {})
      return openFirst(this.#options, signal)
    }
  }

  /** A question that changes nothing: asked once more when the connection ends under it. */
  async #ask<T>(question: (connection: CqlConnection) => Promise<T>): Promise<T> {
    const connection = await this.#connection()
    try {
      return await question(connection)
    } catch (error) {
      if (connection.isOpen) throw error
      return question(await this.#connection())
    }
  }

  #throwIfClosed(): void {
    this.#closing.signal.throwIfAborted()
  }

  async query(cql: string, options?: QueryOptions): Promise<QueryResult> {
    this.#throwIfClosed()
    return this.#driver.query(cql, options)
  }

  async count(keyspace: string, table: string): Promise<number> {
    const name = `${quoteIdentifier(keyspace)}.${quoteIdentifier(table)}`
    const [row] = await this.#ask((connection) => select(connection, `SELECT count(*) FROM ${name}`, [], this.#options.readConsistency))
    return Number(row?.count ?? 0)
  }

  scan(options: ScanOptions): AsyncGenerator<CqlValue[][]> {
    return scan(options, this.#options.readConsistency, (question) => this.#ask(question))
  }

  rows(options: RowsOptions): Promise<CqlValue[][]> {
    return rowsOf(options, this.#options.readConsistency, (question) => this.#ask(question))
  }

  async changeSchema(cql: string): Promise<void> {
    const connection = await this.#connection()
    const answer = await connection.request({ opcode: 'QUERY', query: cql, parameters: plainParameters })
    if (answer.opcode === 'ERROR') throw serverError(answer)
    if (!(await this.schemaAgreement())) {
      throw new MillraceError('TIMED_OUT', `The schema was changed, but not all nodes have it after ${this.#options.requestTimeoutMs} ms.`)
    }
  }

  async table(keyspace: string, name: string): Promise<TableInfo | null> {
    return this.#ask((connection) => readTable(connection, keyspace, name))
  }

  async keyspaces(): Promise<string[]> {
    return this.#ask(readKeyspaces)
  }

  async tables(keyspace: string): Promise<TableInfo[]> {
    return this.#ask((connection) => readTables(connection, keyspace))
  }

  async schemaAgreement(timeoutMs = this.#options.requestTimeoutMs): Promise<boolean> {
    const { clock } = this.#options
    const deadline = clock.monotonicMs() + timeoutMs
    for (;;) {
      if (await this.#ask((connection) => schemaAgrees(connection, this.#options))) return true
      if (clock.monotonicMs() >= deadline) return false
      await clock.sleep(200)
    }
  }

  async writer(options: WriterOptions): Promise<RowWriter> {
    const connection = await this.#connection()
    const contacts: Address[] = [connection.address, ...this.#options.contactPoints.filter((point) => point !== connection.address)]
    const writer = await openWriter(options, this.#options, contacts, {
      closed: (closed) => this.#writers.delete(closed),
      reach: async () => ({ connection: await this.#connection(), options: this.#options }),
    })
    this.#writers.add(writer)
    if (this.#closing.signal.aborted) await writer.close()
    this.#throwIfClosed()
    return writer
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(new MillraceError('CLOSED', 'The Cassandra session was closed.'))
    await Promise.all([...this.#writers].map((writer) => writer.close()))
    await this.#driver.close()
    const control = await this.#control.catch(() => null)
    control?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
