import type { Client } from 'cassandra-driver'
import { asMillraceError, MillraceError, type ErrorCode } from '../platform/index.ts'
import { errors } from '../cql-wire/index.ts'
import { driverTypeName } from './driver-types.ts'
import { errorName, isTransient } from './errors.ts'
import { formatAddress, type ConnectionOptions } from './options.ts'
import { plainValue } from './plain.ts'

export interface QueryOptions {
  /** By position; plain values are converted to the types of the statement, which is prepared for it. */
  params?: readonly unknown[]
  keyspace?: string
  /** Rows of a page; default 1000. */
  pageSize?: number
  /** Of the page before. */
  pagingState?: string
}

export interface QueryResult {
  columns: { name: string; type: string }[]
  /** Plain JSON values (see `plainValue`). */
  rows: Record<string, unknown>[]
  /** For the next page, null on the last. */
  pagingState: string | null
}

/** Ad-hoc queries by the npm driver: loaded at the first one only, since that costs tens of milliseconds and megabytes. */
export class DriverQueries {
  readonly #options: ConnectionOptions
  #driver: Promise<Client> | null = null

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  async query(cql: string, options: QueryOptions = {}): Promise<QueryResult> {
    const client = await this.#load()
    try {
      const result = await client.execute(cql, [...(options.params ?? [])], {
        prepare: (options.params?.length ?? 0) > 0,
        fetchSize: options.pageSize ?? 1000,
        ...(options.keyspace === undefined ? {} : { keyspace: options.keyspace }),
        ...(options.pagingState === undefined ? {} : { pageState: options.pagingState }),
      })
      const columns = (result.columns ?? []).map((column) => ({ name: column.name, type: driverTypeName(column.type) }))
      const rows = (result.rows ?? []).map((row) => Object.fromEntries(columns.map(({ name }) => [name, plainValue(row.get(name))])))
      return { columns, rows, pagingState: result.pageState ?? null }
    } catch (error) {
      throw driverError(error)
    }
  }

  async close(): Promise<void> {
    const driver = this.#driver
    this.#driver = null
    const loaded = await driver?.catch(() => null)
    await loaded?.shutdown()
  }

  #load(): Promise<Client> {
    this.#driver ??= this.#open().catch((error: unknown) => {
      this.#driver = null
      throw driverError(error)
    })
    return this.#driver
  }

  async #open(): Promise<Client> {
    const { default: driver } = await import('cassandra-driver')
    const { contactPoints, localDataCenter, credentials, requestTimeoutMs, consistency } = this.#options
    const client = new driver.Client({
      contactPoints: contactPoints.map(formatAddress),
      localDataCenter,
      ...(credentials ? { credentials } : {}),
      queryOptions: { consistency },
      socketOptions: { connectTimeout: requestTimeoutMs, readTimeout: requestTimeoutMs },
      protocolOptions: { maxVersion: 4 },
      encoding: { map: Map, set: Set },
    })
    client.on('log', (level, source, message) => {
      if (level === 'warning' || level === 'error') this.#options.log.warn(`cassandra-driver ${source}: ${message}`)
    })
    try {
      await client.connect()
    } catch (error) {
      await client.shutdown().catch(() => {})
      throw error
    }
    return client
  }
}

/** What the driver threw: its codes are those of the protocol; NoHostAvailableError carries one error for each host. */
function driverError(thrown: unknown): MillraceError {
  if (!(thrown instanceof Error)) return asMillraceError(thrown)
  if (thrown.name === 'NoHostAvailableError' && 'innerErrors' in thrown) {
    const inner: [string, unknown][] = Object.entries(thrown.innerErrors ?? {})
    const first = inner[0]?.[1]
    if (first instanceof Error && 'code' in first && typeof first.code === 'number') return driverError(first)
    if (first instanceof Error && first.name === 'AuthenticationError') return driverError(first)
    const tried = inner.map(([host, error]) => `${host}: ${error instanceof Error ? error.message : String(error)}`).join('; ')
    return new MillraceError('UNREACHABLE', `No Cassandra node could be queried (${tried || thrown.message}).`, { cause: thrown })
  }
  if (thrown.name === 'AuthenticationError') return new MillraceError('AUTHENTICATION_FAILED', thrown.message, { cause: thrown })
  if (thrown.name === 'OperationTimedOutError') return new MillraceError('TIMED_OUT', thrown.message, { cause: thrown })
  if (!('code' in thrown) || typeof thrown.code !== 'number') return asMillraceError(thrown, 'CQL')
  return new MillraceError(codeOf(thrown.code), `${errorName(thrown.code)}: ${thrown.message}`, {
    cause: thrown,
    details: { cqlCode: thrown.code, cqlError: errorName(thrown.code) },
  })
}

function codeOf(code: number): ErrorCode {
  if (code === errors.BAD_CREDENTIALS || code === errors.UNAUTHORIZED) return 'AUTHENTICATION_FAILED'
  if (code === errors.ALREADY_EXISTS) return 'ALREADY_EXISTS'
  return isTransient(code) ? 'CQL_RETRIABLE' : 'CQL'
}
