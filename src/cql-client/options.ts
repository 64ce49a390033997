import { MillraceError, parseHostPort, silentLogger, systemClock, type Clock, type Logger } from '../platform/index.ts'
import { consistencies } from '../cql-wire/index.ts'

export type WriteConsistency = 'LOCAL_QUORUM' | 'LOCAL_ONE' | 'ONE' | 'QUORUM' | 'ALL'

/** TLS; an empty object is TLS with the authorities that Node knows. Certificates and keys are PEM texts. */
export interface TlsOptions {
  /** The authorities that may have signed the servers' certificates; those that Node knows when left out. */
  ca?: string
  /** The client's own certificate, then those between it and its authority (mTLS). Goes with `key`. */
  cert?: string
  key?: string
  /** Of an encrypted `key`. */
  passphrase?: string
  /** The name that servers' certificates must be for, whatever their address is; sent to them as SNI. */
  serverName?: string
  /** False: a certificate may be for any name, as long as its authority is known. Default true. */
  verifyHostname?: boolean
}

export interface CassandraConnectOptions {
  /** `host:port`, port 9042 where none is given. Tried in order. May be empty with `secureBundle`, and is not looked at then. */
  contactPoints: readonly string[]
  /** Only its nodes are written to and queried. With `secureBundle` the bundle's counts. */
  localDataCenter: string
  credentials?: { username: string; password: string }
  tls?: TlsOptions
  /** Of writes; default LOCAL_QUORUM. */
  consistency?: WriteConsistency
  /** Of reads; default: `consistency`. */
  readConsistency?: WriteConsistency
  /** Path of a secure connect bundle (a zip, as Astra gives): contact points, data centre and certificates then come from it. */
  secureBundle?: string
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
