import { MillraceError, parseHostPort, silentLogger, systemClock, type Clock, type Logger } from '../platform/index.ts'
import { consistencies } from '../cql-wire/index.ts'

export type WriteConsistency = 'LOCAL_QUORUM' | 'LOCAL_ONE' | 'ONE' | 'QUORUM' | 'ALL'

export interface CassandraConnectOptions {
  /** `host:port`, port 9042 where none is given. Tried in order. */
  contactPoints: readonly string[]
  /** Only its nodes are written to and queried. */
  localDataCenter: string
  credentials?: { username: string; password: string }
  /** Default LOCAL_QUORUM. */
  consistency?: WriteConsistency
  /** How long a connection, a question or a row may wait for its answer; default 12,000. */
  requestTimeoutMs?: number
  log?: Logger
  /** Ends the attempt to connect; a session that stands is ended by `close()`. */
  signal?: AbortSignal
  clock?: Clock
}

export interface Address {
  host: string
  port: number
}

/** The options, complete. */
export interface ConnectionOptions {
  readonly contactPoints: readonly Address[]
  readonly localDataCenter: string
  readonly credentials: { username: string; password: string } | null
  readonly consistency: number
  readonly requestTimeoutMs: number
  readonly log: Logger
  readonly clock: Clock
}

export function resolveOptions(options: CassandraConnectOptions): ConnectionOptions {
  if (options.contactPoints.length === 0) throw new MillraceError('CONFIG_INVALID', 'No Cassandra contact point is given; write host:port.')
  return Object.freeze({
    contactPoints: options.contactPoints.map((point) => parseHostPort(point, 9042)),
    localDataCenter: options.localDataCenter,
    credentials: options.credentials ?? null,
    consistency: consistencies[options.consistency ?? 'LOCAL_QUORUM'],
    requestTimeoutMs: options.requestTimeoutMs ?? 12_000,
    log: options.log ?? silentLogger,
    clock: options.clock ?? systemClock,
  })
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
