import type { BrokerHandle } from '../broker/index.ts'
import type { KafkaClient } from '../kafka-client/index.ts'
import { isLoopback, MillraceError, startOrRelease, type Part, type ServerTlsOptions } from '../platform/index.ts'
import { ensureCredentials, openDataFolder } from './data-folder.ts'
import { openLogFile } from './log-file.ts'
import { brokerListeners, importKafkaFolder, type BrokerAccess } from './serve-broker.ts'

export interface ServeOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** Name that other machines reach this one by. */
  advertisedHost: string
  /** Held by this process alone, and of the same form as that of `millrace start`. */
  dataDir: string
}

/** One part alone. `address` is `host:port`, the registry's a URL. */
export interface Served extends Part {
  /** All, where it listens at several. */
  readonly addresses: readonly string[]
  /** File of the user and password that were generated for it; null where none were needed. */
  readonly credentialsFile: string | null
  /** Who signs in: the user that was generated or, of the table store, was given; null where nobody need. */
  readonly username: string | null
}

/** Who may use the table store, and how it is spoken to. */
export interface StoreAccess {
  /** In place of the one that is generated beyond loopback; asked for on loopback too then. */
  readonly user?: { readonly username: string; readonly password: string }
  readonly tls?: ServerTlsOptions
}

export type ServedPart =
  /** `importFrom`: the data folder of a Kafka that was stopped, copied first. */
  | { readonly is: 'broker'; readonly access?: BrokerAccess; readonly flush?: 'sync' | 'os'; readonly importFrom?: string }
  | { readonly is: 'cql-store'; readonly access?: StoreAccess }
  /** `kafka` stays the caller's. */
  | { readonly is: 'registry'; readonly kafka: KafkaClient }

/** Starts one part in this process. Errors: DATA_DIR_IN_USE, PORT_BUSY, those of the part. */
export function serve(part: ServedPart, { dataDir, ...where }: ServeOptions): Promise<Served> {
  return startOrRelease(async (releasers) => {
    const folder = openDataFolder(dataDir)
    releasers.add('data folder', () => folder.release())
    const { log, close: closeLog } = openLogFile(folder.logsDir)
    releasers.add('log file', closeLog)
    // P8: nothing listens beyond loopback without credentials.
    let credentialsFile: string | null = null
    let username = part.is === 'cql-store' ? (part.access?.user?.username ?? null) : null
    const account = (): { username: string; password: string } => {
      const { file, ...userAndPassword } = ensureCredentials(folder.path)
      credentialsFile = file
      username = userAndPassword.username
      return userAndPassword
    }
    const started = await startPart(part, { ...where, account, log: log.child(part.is) }, folder).catch((error: unknown) => {
      throw withPortAdvice(error)
    })
    releasers.add(part.is, () => started.close())
    const close = (): Promise<void> => releasers.close()
    const { failed, address } = started
    const addresses = 'listeners' in started ? started.listeners.map(({ host, port }) => `${host}:${port}`) : [address]
    return { address, addresses, failed, credentialsFile, username, close, [Symbol.asyncDispose]: close }
  })
}

interface PartOptions extends Omit<ServeOptions, 'dataDir'> {
  /** The generated user; made when it is first asked for. */
  account: () => { username: string; password: string }
  log: ReturnType<typeof openLogFile>['log']
}

async function startPart(
  part: ServedPart,
  { account, log, ...where }: PartOptions,
  folder: { kafkaDir: string; tablesDir: string },
): Promise<Part | BrokerHandle> {
  switch (part.is) {
    case 'broker': {
      const listeners = brokerListeners(part.access ?? {}, where, account)
      if (part.importFrom !== undefined) importKafkaFolder(part.importFrom, folder.kafkaDir)
      const { startBroker } = await import('../broker/index.ts')
      return startBroker({ dataDir: folder.kafkaDir, listeners, log, ...(part.flush ? { flush: part.flush } : {}) })
    }
    case 'cql-store': {
      const { startCqlStore } = await import('../cql-store/index.ts')
      const { user, tls } = part.access ?? {}
      const credentials = user ? { credentials: user } : credentialsFor(where.host, account)
      return startCqlStore({ dataDir: folder.tablesDir, ...where, ...credentials, ...(tls ? { tls } : {}), log })
    }
    case 'registry': {
      const { startRegistry } = await import('../registry/index.ts')
      return startRegistry({ ...where, ...credentialsFor(where.host, account), log, kafka: part.kafka })
    }
  }
}

function credentialsFor(host: string, account: PartOptions['account']): { credentials?: { username: string; password: string } } {
  return isLoopback(host) ? {} : { credentials: account() }
}

function withPortAdvice(error: unknown): unknown {
  if (!(error instanceof MillraceError) || error.code !== 'PORT_BUSY') return error
  const message = `${error.message} Choose another with --port (0 for any free one).`
  return new MillraceError('PORT_BUSY', message, { cause: error, details: error.details })
}
