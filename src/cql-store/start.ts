import { isIP } from 'node:net'
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
import { isStaleEntry } from './query/index.ts'
import { Catalogue } from './schema/index.ts'
import { PasswordAuthenticator, type Credentials } from './server/authenticator.ts'
import { Executor } from './server/executor.ts'
import { defaultLimits, type Limits } from './server/limits.ts'
import type { StatementInterceptor } from './server/interception.ts'
import { serveClients } from './server/listener.ts'
import { Statements } from './server/statements.ts'
import { Engine } from './storage/index.ts'
import { systemTables, TraceLog } from './system/index.ts'

export interface CqlStoreOptions {
  /** Folder of this store alone; made when missing. */
  dataDir: string
  host: string
  /** 0 = any free one. */
  port: number
  /** What drivers are told to connect to (an IP address); without it `host`. */
  advertisedHost?: string
  /** Of the one user; a salted hash of them is kept. Required off loopback (P8), at the first start at least. */
  credentials?: Credentials
  /** Clients speak TLS then, and no other way. */
  tls?: ServerTlsOptions
  /** What clients may hold; the defaults suit a machine that the store shares. */
  limits?: Partial<Limits>
  /** `sync` (default): answer after fdatasync; `os`: after the write into the page cache. */
  flush?: 'sync' | 'os'
  log?: Logger
  disk?: Disk
  clock?: Clock
  /** Decides about each request before it is carried out: errors, delays and lost connections for tests of clients. Not for the store on a thread. */
  intercept?: StatementInterceptor
}

export interface CqlStoreHandle extends Part {
  readonly host: string
  readonly port: number
  /** What the start found: tables, mutations replayed from the commit log, bytes of a torn end that were cut off. */
  readonly recovered: { tables: number; mutations: number; cutBytes: number }
}

/**
 * Starts the table store in this thread.
 * @throws MillraceError CREDENTIALS_REQUIRED, PORT_BUSY, DATA_DIR_NEWER, DATA_CORRUPT, DISK_FAILED
 */
export async function startCqlStore(options: CqlStoreOptions, context: { signal?: AbortSignal } = {}): Promise<CqlStoreHandle> {
  const { dataDir, host, port, flush = 'sync', log = silentLogger, disk = systemDisk, clock = systemClock } = options
  context.signal?.throwIfAborted()
  disk.makeDir(dataDir)
  const isAsking = options.credentials !== undefined || !isLoopback(host)
  const authenticator = isAsking ? PasswordAuthenticator.open(disk, dataDir, options.credentials ?? null) : null
  // P8: nothing listens beyond loopback without credentials.
  if (isAsking && !authenticator) {
    throw new MillraceError(
      'CREDENTIALS_REQUIRED',
      `The table store listens on ${host}, which others can reach: set a user name and a password, or listen on 127.0.0.1.`,
      { details: { host } },
    )
  }
  const catalogue = Catalogue.open(disk, dataDir)
  catalogue.upgrade()
  const { engine, mutations, cutBytes } = await Engine.open({
    dataDir,
    disk,
    clock,
    log,
    flush,
    isLive: (table) => catalogue.isLive(table),
    gcGraceSeconds: (table) => catalogue.gcGraceSeconds(table),
    isStale: (key, stored) => isStaleEntry(catalogue, key, stored),
  })
  if (cutBytes > 0) log.warn('the commit log ended in a torn group, which no client was ever answered for: it was cut off', { cutBytes })
  const traces = new TraceLog()
  let listening = port
  const system = systemTables({ catalogue, engine, address: addressOf(options.advertisedHost ?? host), port: () => listening, traces })
  const executor = new Executor({ statements: new Statements(catalogue, system), catalogue, engine, system, clock, log })
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  engine.onFailed = (error) => failed.reject(error)
  const limits: Limits = { ...defaultLimits, ...options.limits }
  const where = { host, port, ...(options.tls ? { tls: options.tls } : {}) }
  const server = await serveClients(where, {
    executor,
    authenticator,
    traces,
    limits,
    intercept: options.intercept ?? null,
    clock,
    log,
  }).catch(async (error: unknown) => {
    executor.stop()
    await engine.close()
    throw error
  })
  listening = server.port
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => {
    closing ??= (async () => {
      executor.stop()
      await server.close()
      await engine.close()
      await executor.purged
    })()
    return closing
  }
  return {
    host,
    port: server.port,
    address: `${host}:${server.port}`,
    recovered: { tables: catalogue.tableCount, mutations, cutBytes },
    failed: failed.promise,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Drivers are told an IP address; a name cannot stand in `inet`. */
function addressOf(host: string): string {
  if (isIP(host)) return host
  return '127.0.0.1'
}
