import { plural, type RegistryEndpoint } from '../core/index.ts'
import { asMillraceError, isLoopback, MillraceError, type Logger } from '../platform/index.ts'
import { createRegistryClient } from '../registry-client/index.ts'
import type { Clients } from './clients.ts'
import { explainBusyPort, type BusyPort, type Credentials } from './embedded.ts'
import type { Settings } from '../settings/index.ts'

/** The schema registry of a running Millrace: ours, or somebody's by its URL. */
export interface Registry {
  readonly is: 'embedded' | 'remote'
  /** URL, without credentials. */
  readonly address: string
  /** Why ours did not start; null while all is well, and for somebody's. */
  readonly failure: MillraceError | null
  /** Starts ours behind the port that it holds; a failure is kept, since pipelines go on without a registry. */
  open(clients: Clients): Promise<void>
  /** Number of subjects. Throws what keeps it from answering. */
  subjects(): Promise<number>
  close(): Promise<void>
}

const ANSWER_MS = 2_000

/**
 * Takes the port of the embedded registry: its address is known, and requests wait until `open`. Null where there is none: two of them
 * writing one `_schemas` would clash, so a real Kafka has the registry that a URL names, or none.
 */
export async function reserveRegistry(settings: Settings, credentials: Credentials | null, log: Logger): Promise<Registry | null> {
  const { host, advertisedHost, registry } = settings
  if (registry.remote !== null) return remoteRegistry(registry.remote)
  if (settings.kafka.remote !== null) return null
  const { listenForRegistry, startRegistry } = await import('../registry/index.ts')
  const listener = await listenForRegistry({ host, port: registry.port }).catch(async (error: unknown) => {
    throw await explainBusyPort(error, busyRegistry)
  })
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const address = isEverywhere ? `http://127.0.0.1:${listener.port}` : listener.address
  const closing = new AbortController()
  let failure: MillraceError | null = null
  let close = (): Promise<void> => listener.close()
  let opened: Promise<void> = Promise.resolve()
  const start = async (clients: Clients): Promise<void> => {
    const kafka = await clients.kafka({ clientId: 'millrace.registry', log, signal: closing.signal })
    try {
      const account = isLoopback(host) || credentials === null ? {} : { credentials }
      const options = { host, port: listener.port, advertisedHost, listener, kafka, log, ...account }
      const started = await startRegistry(options, { signal: closing.signal })
      close = async () => {
        await started.close()
        await kafka.close()
      }
    } catch (error) {
      await kafka.close()
      throw error
    }
  }
  return {
    is: 'embedded',
    address,
    get failure() {
      return failure
    },
    open: (clients) =>
      (opened = start(clients).catch((error: unknown) => {
        if (closing.signal.aborted) return
        failure = asMillraceError(error)
        log.error('the schema registry did not start', { error })
        return listener.close()
      })),
    subjects: () => (failure === null ? countSubjects({ url: address, ...(credentials ? { credentials } : {}) }) : Promise.reject(failure)),
    close: async () => {
      closing.abort(new MillraceError('CLOSED', 'Millrace stops.'))
      await opened
      await close()
    },
  }
}

function remoteRegistry(endpoint: RegistryEndpoint): Registry {
  return {
    is: 'remote',
    address: endpoint.url,
    failure: null,
    open: () => Promise.resolve(),
    subjects: () => countSubjects(endpoint),
    close: () => Promise.resolve(),
  }
}

/** What a taken port of the registry is told with. */
export const busyRegistry: BusyPort = {
  what: 'a schema registry',
  variable: 'MILLRACE_REGISTRY_PORT',
  use: 'MILLRACE_REGISTRY_URL',
  useAs: (address) => `http://${address}`,
  probe: probeRegistry,
}

async function probeRegistry(address: string): Promise<string | null> {
  try {
    const subjects = await countSubjects({ url: `http://${address}` })
    return `a schema registry (${subjects} ${plural(subjects, 'subject')})`
  } catch (error) {
    return error instanceof MillraceError && error.code === 'AUTHENTICATION_FAILED' ? 'a schema registry that asks for credentials' : null
  }
}

/** Errors: UNREACHABLE, AUTHENTICATION_FAILED, PROTOCOL when something else answers. */
async function countSubjects(endpoint: RegistryEndpoint): Promise<number> {
  const client = createRegistryClient(endpoint)
  try {
    return (await client.subjects(AbortSignal.timeout(ANSWER_MS))).length
  } finally {
    client.close()
  }
}
