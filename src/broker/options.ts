import {
  isLoopback,
  MillraceError,
  silentLogger,
  systemClock,
  systemDisk,
  type Clock,
  type Disk,
  type Logger,
  type Part,
  type ServerTlsOptions,
} from '../platform/index.ts'
import type { RequestInterceptor } from './network/interception.ts'
import type { Account } from './security/accounts.ts'
import { resolveBrokerConfig, type BrokerConfig } from './topics/broker-configs.ts'

/** One address to listen on. Clients are told `advertisedHost:advertisedPort` in Metadata (default: where it listens). */
export interface Listener {
  host: string
  /** 0 picks a free port. */
  port: number
  advertisedHost?: string
  advertisedPort?: number
  /**
   * SASL is demanded on this listener when given: PLAIN or SCRAM with these accounts, SCRAM also with the credentials that
   * AlterUserScramCredentials stored (with an empty list only with those). Required when `host` is not a loopback address (P8),
   * unless `tls.clientCa` demands a certificate of every client.
   */
  credentials?: Account | readonly Account[]
  /** TLS is spoken on this listener; with `clientCa` every client needs a certificate (mTLS). */
  tls?: ServerTlsOptions
}

export interface BrokerOptions {
  dataDir: string
  listeners: Listener[]
  /** Only used when the data folder is new; afterwards the stored one counts. */
  clusterId?: string
  /** `sync`: acks=all waits for fdatasync and readers see only synced records (P1). `os`: the page cache is enough. */
  flush?: 'sync' | 'os'
  /** Whether Metadata may create a missing topic, as Kafka's `auto.create.topics.enable`; default true. */
  autoCreateTopics?: boolean
  /** Partitions of a topic created without saying how many; default 1. */
  defaultPartitions?: number
  log?: Logger
  disk?: Disk
  clock?: Clock
  /** Broker settings by Kafka's names, e.g. `group.initial.rebalance.delay.ms` (0 here), `log.segment.bytes`. */
  config?: Record<string, string>
  /** Decides about each request before it is carried out: errors, delays and lost connections for tests of clients. Not for the broker on a thread. */
  intercept?: RequestInterceptor
}

export interface BrokerHandle extends Part {
  /** Where it listens, in the order of the options, with the ports that were picked. */
  readonly listeners: readonly { host: string; port: number }[]
  /** What the start found: user topics, records in them, bytes cut from torn tails. */
  readonly recovered: Recovered
}

export interface Recovered {
  topics: number
  records: number
  cutBytes: number
}

/** The accounts of a listener that demands SASL, else null. */
export function accountsOf({ credentials }: Listener): readonly Account[] | null {
  if (credentials === undefined) return null
  return 'username' in credentials ? [credentials] : credentials
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly dataDir: string
  readonly listeners: readonly Listener[]
  readonly clusterId: string | null
  readonly flush: 'sync' | 'os'
  readonly log: Logger
  readonly disk: Disk
  readonly clock: Clock
  readonly config: BrokerConfig
  readonly intercept: RequestInterceptor | null
}

/** @throws MillraceError CREDENTIALS_REQUIRED (P8), CONFIG_INVALID */
export function resolveOptions(options: BrokerOptions): ResolvedOptions {
  if (options.listeners.length === 0) throw new MillraceError('CONFIG_INVALID', 'The broker needs at least one listener.')
  for (const listener of options.listeners) {
    // P8: nothing listens beyond loopback without credentials.
    const accounts = accountsOf(listener)
    const incomplete = accounts?.some(({ username, password }) => username === '' || password === '') ?? false
    if (incomplete || (!isLoopback(listener.host) && accounts === null && listener.tls?.clientCa === undefined)) {
      throw new MillraceError(
        'CREDENTIALS_REQUIRED',
        `The broker does not listen on ${listener.host} without a user name and password: give the listener credentials, or use 127.0.0.1.`,
        { details: { host: listener.host } },
      )
    }
  }
  const overrides: Record<string, string> = { ...options.config }
  if (options.autoCreateTopics !== undefined) overrides['auto.create.topics.enable'] = String(options.autoCreateTopics)
  if (options.defaultPartitions !== undefined) overrides['num.partitions'] = String(options.defaultPartitions)
  return Object.freeze({
    dataDir: options.dataDir,
    listeners: options.listeners,
    clusterId: options.clusterId ?? null,
    flush: options.flush ?? 'sync',
    log: options.log ?? silentLogger,
    disk: options.disk ?? systemDisk,
    clock: options.clock ?? systemClock,
    config: resolveBrokerConfig(overrides),
    intercept: options.intercept ?? null,
  })
}
