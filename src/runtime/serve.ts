import type { KafkaClient } from '../kafka-client/index.ts'
import { isLoopback, MillraceError, Releasers, type Part } from '../platform/index.ts'
import { ensureCredentials, openDataFolder } from './data-folder.ts'
import { openLogFile } from './log-file.ts'

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
  /** File of the user and password that it asks for; null on loopback, where it asks for none. */
  readonly credentialsFile: string | null
}

export type ServedPart =
  | { readonly is: 'broker' | 'cql-store' }
  /** `kafka` stays the caller's. */
  | { readonly is: 'registry'; readonly kafka: KafkaClient }

/** Starts one part in this process. Errors: DATA_DIR_IN_USE, PORT_BUSY, those of the part. */
export async function serve(part: ServedPart, { dataDir, ...where }: ServeOptions): Promise<Served> {
  const releasers = new Releasers()
  try {
    const folder = openDataFolder(dataDir)
    releasers.add('data folder', () => folder.release())
    const { log, close: closeLog } = openLogFile(folder.logsDir)
    releasers.add('log file', closeLog)
    // P8: nothing listens beyond loopback without credentials.
    const account = isLoopback(where.host) ? null : ensureCredentials(folder.path)
    const credentials = account === null ? {} : { credentials: { username: account.username, password: account.password } }
    const options = { ...where, ...credentials, log: log.child(part.is) }
    const started = await startPart(part, options, folder).catch((error: unknown) => {
      throw withPortAdvice(error)
    })
    releasers.add(part.is, () => started.close())
    const close = (): Promise<void> => releasers.close()
    const { failed, address } = started
    return { address, failed, credentialsFile: account?.file ?? null, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await releasers.close().catch(() => undefined)
    throw error
  }
}

interface PartOptions extends Omit<ServeOptions, 'dataDir'> {
  credentials?: { username: string; password: string }
  log: ReturnType<typeof openLogFile>['log']
}

async function startPart(part: ServedPart, options: PartOptions, folder: { kafkaDir: string; tablesDir: string }): Promise<Part> {
  switch (part.is) {
    case 'broker': {
      const { log, ...listener } = options
      const { startBroker } = await import('../broker/index.ts')
      return startBroker({ dataDir: folder.kafkaDir, listeners: [listener], log })
    }
    case 'cql-store': {
      const { startCqlStore } = await import('../cql-store/index.ts')
      return startCqlStore({ dataDir: folder.tablesDir, ...options })
    }
    case 'registry': {
      const { startRegistry } = await import('../registry/index.ts')
      return startRegistry({ ...options, kafka: part.kafka })
    }
  }
}

function withPortAdvice(error: unknown): unknown {
  if (!(error instanceof MillraceError) || error.code !== 'PORT_BUSY') return error
  const message = `${error.message} Choose another with --port (0 for any free one).`
  return new MillraceError('PORT_BUSY', message, { cause: error, details: error.details })
}
