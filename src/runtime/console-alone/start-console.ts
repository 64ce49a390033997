import { startApiServer, type ConsoleScope, type DataSystems } from '../../api-server/index.ts'
import { removeApiAddress, writeApiAddress } from '../../api-client/index.ts'
import type { DoctorReport, EndpointsView, PartView, StatusView } from '../../core/index.ts'
import { MillraceError, startOrRelease, systemClock, type Logger, type Part, type Releasers } from '../../platform/index.ts'
import { createBrowsing } from '../browse.ts'
import { createClients, type Clients } from '../clients.ts'
import { openAccess, openWeb } from '../console.ts'
import { openDataFolder } from '../data-folder.ts'
import { notEmbedded, resolveEndpoints } from '../endpoints.ts'
import { openLogFile } from '../log-file.ts'
import { reserveRegistry, type Registry } from '../registry.ts'
import type { Settings } from '../../settings/index.ts'
import { counted, describeCassandra, describeKafka, watchClusters, type Watched } from './cluster-health.ts'
import { noProject, withoutProject } from './no-project.ts'

export interface ConsoleOptions {
  /** Of these: the clusters, what is needed to sign in to them, and where to listen. */
  readonly settings: Settings
  /** Keeps users, tokens, sessions and the audit log; of this process alone. */
  readonly dataDir: string
  /** Null: 8080, or any free one where that is taken. */
  readonly port: number | null
  /** `/millrace`, or '' for the root. */
  readonly basePath: string
  /** Whether clusters may be changed. */
  readonly write: boolean
}

/** A console without a project. `address` is its URL. */
export interface ConsoleAlone extends Part {
  /** Signs in once, within the hour. */
  readonly link: string
  readonly logPath: string
  /** Resolves when somebody asked it to stop over the API. */
  readonly stopRequested: Promise<void>
  /** The clusters and how they are. */
  clusters(): Promise<PartView[]>
}

/**
 * The console alone, on clusters that are there already. It starts whether they answer or not.
 * Errors: BAD_REQUEST when no cluster is named, DATA_DIR_IN_USE, PORT_BUSY, UNREACHABLE.
 */
export function startConsole(options: ConsoleOptions): Promise<ConsoleAlone> {
  return startOrRelease((releasers) => start(options, releasers))
}

async function start({ settings, dataDir, port, basePath, write }: ConsoleOptions, releasers: Releasers): Promise<ConsoleAlone> {
  const { kafka, cassandra } = settings
  if (kafka.remote === null && cassandra.remote === null)
    throw new MillraceError(
      'BAD_REQUEST',
      'No cluster is named: write --kafka host:port, --cassandra host:port or both, or name them in the config or the environment.',
    )
  const folder = openDataFolder(dataDir)
  releasers.add('data folder', () => folder.release())
  const logFile = openLogFile(folder.logsDir)
  releasers.add('log file', () => logFile.close())
  const { log } = logFile
  const clients = createClients(resolveEndpoints(settings, notEmbedded), {
    owner: folder.path,
    onLine: (line) => log.info(line, { from: 'token process' }),
  })
  releasers.add('token process', () => clients.close())
  const browsing = createBrowsing({
    clients,
    endpoints: { registry: settings.registry.remote },
    clientId: 'millrace.console',
    project: () => noProject,
  })
  releasers.add('browsing', () => browsing.close())
  const systems = named(browsing.systems, settings)
  const registry = settings.registry.remote && (await reserveRegistry(settings, null, log))
  const clusters = watchClusters(watchedOf(settings, systems, registry))
  const startedAt = new Date(systemClock.nowMs()).toISOString()
  const stop = Promise.withResolvers<void>()
  const api = await startApiServer({
    ports: {
      ...withoutProject,
      status: async () => statusOf(await clusters(), { settings, dataDir: folder.path, startedAt }),
      doctor: async () => diagnose(await clusters()),
      endpoints: () => endpointsOf(clients, settings),
      data: systems,
      stop: () => stop.resolve(),
    },
    ...(await openAccess(folder)),
    log: log.child('api'),
  })
  releasers.add('API', () => api.close())
  const web = await openWeb(api, { settings, port, basePath, scope: scopeOf(settings, write), folder }, log)
  writeApiAddress(folder.path, { socket: api.address, pid: process.pid })
  releasers.add('API address', () => removeApiAddress(folder.path))
  logStart(log, settings, web.address)
  const close = (): Promise<void> => releasers.close()
  return {
    address: web.address + basePath,
    link: web.signInLink(),
    logPath: logFile.path,
    stopRequested: stop.promise,
    clusters,
    failed: web.failed,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function logStart(log: Logger, { warnings }: Settings, address: string): void {
  for (const warning of warnings) log.warn(warning)
  log.info('the console listens', { address })
}

function scopeOf({ kafka, cassandra, registry }: Settings, write: boolean): ConsoleScope {
  return {
    project: false,
    readOnly: !write,
    systems: [
      ...(kafka.remote === null ? [] : (['kafka'] as const)),
      ...(cassandra.remote === null ? [] : (['cassandra'] as const)),
      ...(registry.remote === null ? [] : (['registry'] as const)),
    ],
  }
}

/** The clusters that somebody named; the others say how to name them. */
function named(systems: DataSystems, { kafka, cassandra }: Settings): DataSystems {
  const absent = (what: string, option: string) => (): Promise<never> =>
    Promise.reject(new MillraceError('NOT_FOUND', `This console was given no ${what}: start it with ${option} host:port.`))
  return {
    ...systems,
    kafka: kafka.remote === null ? absent('Kafka', '--kafka') : () => systems.kafka(),
    cassandra: cassandra.remote === null ? absent('Cassandra', '--cassandra') : () => systems.cassandra(),
  }
}

function watchedOf({ kafka, cassandra }: Settings, systems: DataSystems, registry: Registry | null): Watched[] {
  return [
    ...(kafka.remote === null
      ? []
      : [
          {
            name: 'kafka' as const,
            address: kafka.remote.bootstrapServers.join(','),
            ask: async () => describeKafka(await systems.kafka()),
          },
        ]),
    ...(cassandra.remote === null
      ? []
      : [
          {
            name: 'cassandra' as const,
            address: cassandra.remote.contactPoints.join(',') || 'by secure bundle',
            ask: async () => describeCassandra(await systems.cassandra()),
          },
        ]),
    ...(registry === null
      ? []
      : [{ name: 'registry' as const, address: registry.address, ask: async () => counted(await registry.subjects(), 'subject') }]),
  ]
}

function statusOf(parts: PartView[], from: { settings: Settings; dataDir: string; startedAt: string }): StatusView {
  return {
    project: '',
    projectDir: '',
    dataDir: from.dataDir,
    pid: process.pid,
    startedAt: from.startedAt,
    parts,
    loadError: null,
    warnings: [...from.settings.warnings],
    flows: [],
    streams: [],
    alerts: [],
  }
}

function diagnose(parts: readonly PartView[]): DoctorReport {
  const away = parts.filter(({ state }) => state === 'failed').map(({ name, address, detail }) => `${name} at ${address}: ${detail}`)
  const summary = away.length === 0 ? 'All clusters answer.' : away.join('; ')
  return { summary, healthy: away.length === 0, steps: [], administrator: [] }
}

/** For the command line of the same user, over the socket. */
async function endpointsOf(clients: Clients, settings: Settings): Promise<EndpointsView> {
  const { cassandra, registry } = resolveEndpoints(settings, notEmbedded)
  return { project: null, endpoints: { kafka: await clients.kafkaWithToken(), cassandra, registry } }
}
