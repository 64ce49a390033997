import type { Client, ClientOptions } from 'cassandra-driver'
import { asMillraceError, errnoOf, MillraceError } from '../platform/index.ts'
import { consistencies } from '../cql-wire/index.ts'
import { driverTypeName } from './driver-types.ts'
import { serverError } from './errors.ts'
import { formatAddress } from './address.ts'
import { connectTimeoutMs } from './connection.ts'
import type { ConnectionOptions, WriteConsistency } from './options.ts'
import { plainValue } from './plain.ts'
import { tlsFailure } from './tls.ts'

export interface QueryOptions {
  /** By position; plain values are converted to the types of the statement, which is prepared for it. */
  params?: readonly unknown[]
  keyspace?: string
  /** Rows of a page; default 1000. */
  pageSize?: number
  /** Of the page before. */
  pagingState?: string
  /** Default: the session's, that of writes for statements that write. */
  consistency?: WriteConsistency
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
  /** Connected, as opposed to on its way. */
  #isUp = false
  readonly #closed = Promise.withResolvers<never>()

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#closed.promise.catch(() => {})
  }

  async query(cql: string, options: QueryOptions = {}): Promise<QueryResult> {
    const client = await Promise.race([this.#load(), this.#closed.promise])
    try {
      const result = await client.execute(cql, [...(options.params ?? [])], {
        prepare: (options.params?.length ?? 0) > 0,
        fetchSize: options.pageSize ?? 1000,
        ...(writes(cql) ? { consistency: this.#options.consistency } : {}),
        ...(options.consistency === undefined ? {} : { consistency: consistencies[options.consistency] }),
        ...(options.keyspace === undefined ? {} : { keyspace: options.keyspace }),
        ...(options.pagingState === undefined ? {} : { pageState: options.pagingState }),
      })
      const columns = (result.columns ?? []).map((column) => ({ name: column.name, type: driverTypeName(column.type) }))
      const rows = (result.rows ?? []).map((row) => Object.fromEntries(columns.map(({ name }) => [name, plainValue(row.get(name))])))
      return { columns, rows, pagingState: result.pageState ?? null }
    } catch (error) {
      throw driverError(error, this.#options)
    }
  }

  /**
   * A driver that is still connecting is not waited for: it cannot be told to stop, and ends by itself once it has connected or given up.
   * Queries that wait for it reject with CLOSED.
   */
  async close(): Promise<void> {
    const ended = this.#driver?.then(
      (client) => client.shutdown(),
      () => {},
    )
    this.#driver = null
    this.#closed.reject(new MillraceError('CLOSED', 'The Cassandra session was closed.'))
    if (this.#isUp) await ended
    else ended?.catch(() => {})
  }

  #load(): Promise<Client> {
    this.#driver ??= this.#open().catch((error: unknown) => {
      this.#driver = null
      throw driverError(error, this.#options)
    })
    return this.#driver
  }

  async #open(): Promise<Client> {
    const { default: driver } = await import('cassandra-driver')
    const { credentials, requestTimeoutMs, readConsistency } = this.#options
    const client = new driver.Client({
      ...this.#whereabouts(),
      ...(credentials ? { authProvider: new driver.auth.DsePlainTextAuthProvider(credentials.username, credentials.password) } : {}),
      queryOptions: { consistency: readConsistency },
      socketOptions: { connectTimeout: Math.min(requestTimeoutMs, connectTimeoutMs), readTimeout: requestTimeoutMs },
      protocolOptions: { maxVersion: 4 },
      encoding: { map: Map, set: Set },
    })
    client.on('log', (level, source, message) => {
      if (level === 'warning' || level === 'error') this.#options.log.warn(`cassandra-driver ${source}: ${message}`)
    })
    try {
      await client.connect()
      this.#isUp = true
    } catch (error) {
      await client.shutdown().catch(() => {})
      throw error
    }
    return client
  }

  /** The driver verifies no certificate unless it is told to. */
  #whereabouts(): Partial<ClientOptions> {
    const { contactPoints, localDataCenter, tls, bundle } = this.#options
    if (bundle) return { cloud: { secureConnectBundle: bundle.path } }
    const sslOptions = tls && {
      secureContext: tls.context,
      rejectUnauthorized: true,
      checkServerIdentity: tls.checkIdentity,
      ...(tls.serverName === null ? {} : { servername: tls.serverName }),
    }
    return { contactPoints: contactPoints.map(formatAddress), localDataCenter, ...(sslOptions ? { sslOptions } : {}) }
  }
}

const comment = /\s+|--[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\//y
const writing = /(?:insert|update|delete|begin|truncate)\b/iy

/** True for statements that write, which have a consistency of their own. */
function writes(cql: string): boolean {
  comment.lastIndex = 0
  let at = 0
  while (comment.test(cql)) at = comment.lastIndex
  writing.lastIndex = at
  return writing.test(cql)
}

/** What the driver threw: its codes are those of the protocol; NoHostAvailableError carries one error for each host. */
function driverError(thrown: unknown, options: ConnectionOptions): MillraceError {
  if (!(thrown instanceof Error)) return asMillraceError(thrown)
  if (thrown.name === 'NoHostAvailableError' && 'innerErrors' in thrown) {
    const inner: [string, unknown][] = Object.entries(thrown.innerErrors ?? {})
    const first = inner[0]?.[1]
    if (first instanceof Error && 'code' in first && typeof first.code === 'number') return driverError(first, options)
    if (first instanceof Error && first.name === 'AuthenticationError') return driverError(first, options)
    const address = options.bundle?.proxy ?? options.contactPoints[0]
    const failure = first instanceof Error && options.tls && address && tlsFailure(address, first, options.tls.hasClientCertificate)
    if (failure) return failure
    const tried = inner.map(([host, error]) => `${host}: ${error instanceof Error ? error.message : String(error)}`).join('; ')
    return new MillraceError('UNREACHABLE', `No Cassandra node could be queried (${tried || thrown.message}).`, { cause: thrown })
  }
  if (thrown.name === 'AuthenticationError') {
    const who = options.credentials ? `Cassandra refused user ${options.credentials.username}: ` : ''
    return new MillraceError('AUTHENTICATION_FAILED', `${who}${thrown.message}`, { cause: thrown })
  }
  if (thrown.name === 'OperationTimedOutError') return new MillraceError('TIMED_OUT', thrown.message, { cause: thrown })
  if (/^E[A-Z]+$/.test(errnoOf(thrown) ?? '')) return asMillraceError(thrown, 'UNREACHABLE', 'No Cassandra node could be queried: ')
  if (!('code' in thrown) || typeof thrown.code !== 'number') return asMillraceError(thrown, 'CQL')
  return serverError({ code: thrown.code, message: thrown.message }, '', thrown)
}
