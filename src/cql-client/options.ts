import { MillraceError, parseHostPort, silentLogger, systemClock, type Clock, type Logger, type TlsOptions } from '../platform/index.ts'
import { consistencies } from '../cql-wire/index.ts'
import type { Address } from './address.ts'
import { resolveTls, type Tls } from './tls.ts'

export type WriteConsistency = 'LOCAL_QUORUM' | 'LOCAL_ONE' | 'ONE' | 'QUORUM' | 'ALL'

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

/** The options, complete. */
export interface ConnectionOptions {
  readonly contactPoints: readonly Address[]
  readonly localDataCenter: string
  readonly credentials: { username: string; password: string } | null
  readonly tls: Tls | null
  /** Of writes. */
  readonly consistency: number
  readonly readConsistency: number
  /** Of a secure bundle: all nodes are reached through `proxy`. */
  readonly bundle: { readonly path: string; readonly proxy: Address } | null
  readonly requestTimeoutMs: number
  readonly log: Logger
  readonly clock: Clock
}

/** Rejects as `readBundle` and `locateCluster` do, and with CONFIG_INVALID. */
export async function resolveOptions(options: CassandraConnectOptions): Promise<ConnectionOptions> {
  const consistency = consistencies[options.consistency ?? 'LOCAL_QUORUM']
  const common = {
    consistency,
    readConsistency: options.readConsistency === undefined ? consistency : consistencies[options.readConsistency],
    requestTimeoutMs: options.requestTimeoutMs ?? 12_000,
    log: options.log ?? silentLogger,
    clock: options.clock ?? systemClock,
  }
  if (options.secureBundle !== undefined) return Object.freeze({ ...common, ...(await bundled(options, common.requestTimeoutMs)) })
  if (options.contactPoints.length === 0) throw new MillraceError('CONFIG_INVALID', 'No Cassandra contact point is given; write host:port.')
  const contactPoints = options.contactPoints.map((point) => parseHostPort(point, 9042))
  const names = contactPoints.map(({ host }) => host)
  return Object.freeze({
    ...common,
    contactPoints,
    localDataCenter: options.localDataCenter,
    credentials: options.credentials ?? null,
    tls: options.tls ? resolveTls(options.tls, names) : null,
    bundle: null,
  })
}

type Located = Pick<ConnectionOptions, 'contactPoints' | 'localDataCenter' | 'credentials' | 'tls' | 'bundle'>

async function bundled(options: CassandraConnectOptions, timeoutMs: number): Promise<Located> {
  const path = options.secureBundle ?? ''
  if (options.tls) throw new MillraceError('CONFIG_INVALID', 'Cassandra: certificates come from the secure bundle; remove tls.')
  // Loaded for those who have a bundle alone.
  const { locateCluster, readBundle } = await import('./bundle.ts')
  const bundle = await readBundle(path)
  const tls = resolveTls(bundle.tls, [])
  const { proxy, hostIds, localDataCenter } = await locateCluster(bundle, timeoutMs, options.signal)
  const contactPoints = hostIds.map((serverName) => ({ ...proxy, serverName }))
  return { contactPoints, localDataCenter, credentials: options.credentials ?? bundle.credentials, tls, bundle: { path, proxy } }
}

/** The same options with where the bundle's metadata service says that the cluster is now. Rejects as `resolveOptions` does. */
export async function relocate(options: ConnectionOptions, signal: AbortSignal): Promise<ConnectionOptions> {
  if (!options.bundle) return options
  const from: CassandraConnectOptions = { contactPoints: [], localDataCenter: '', secureBundle: options.bundle.path, signal }
  const located = await bundled(options.credentials ? { ...from, credentials: options.credentials } : from, options.requestTimeoutMs)
  return Object.freeze({ ...options, ...located })
}
