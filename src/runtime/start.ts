import { PersonalMemory, startApiServer, statusMetrics } from '../api-server/index.ts'
import { removeApiAddress, writeApiAddress } from '../api-client/index.ts'
import { openAccess, openConsole } from './console.ts'
import type { Endpoints, Project } from '../core/index.ts'
import {
  asMillraceError,
  isLoopback,
  keepCompiledCode,
  once,
  startOrRelease,
  systemClock,
  systemDisk,
  type Logger,
  type MillraceError,
  type Part,
  type Releasers,
} from '../platform/index.ts'
import { startScheduler, type SchedulerHandle } from '../scheduler/index.ts'
import { StreamMotions } from './alerts/stream-motions.ts'
import { AlertWatch } from './alerts/watch-alerts.ts'
import { startGuard } from './children/guard.ts'
import { findConfig, startLoading, type Loading } from './children/loading.ts'
import { endOrphans, openChildRegister, type ChildRegister } from './children/orphans.ts'
import { createTaskPool, type TaskPool } from './children/task-pool.ts'
import { createBrowsing } from './browse.ts'
import { createClients } from './clients.ts'
import { createObserver } from './counts.ts'
import { ensureCredentials, openDataFolder, type DataFolder } from './data-folder.ts'
import { startEmbeddedBroker, startEmbeddedStore, type Credentials } from './embedded.ts'
import { resolveEndpoints } from './endpoints.ts'
import { openLogFile } from './log-file.ts'
import { liveRun } from './offsets/live-run.ts'
import { projectOffsets } from './offsets/project-offsets.ts'
import { createProjectStreams } from './project-streams.ts'
import { resolveRandomUser } from './random-user.ts'
import { reserveRegistry, type Registry } from './registry.ts'
import { dropBundles, startReloading, type DevOptions } from './reload/reloading.ts'
import { unknownStreams, type Settings } from '../settings/index.ts'
import { settingsBy } from './load-settings.ts'
import { openTelemetry, type RuntimeTelemetry } from './telemetry.ts'
import { createDeadLetters } from './dead-letters.ts'
import { createView, type Running, type View } from './view.ts'

export interface StartOptions {
  /** A folder in the project. */
  projectDir: string
  env: Readonly<Record<string, string | undefined>>
  /** A DAG to trigger when it has no run yet. */
  triggerOnce: string | null
  /** Of the console, in place of the settings': `/millrace`, or '' for the root. */
  basePath?: string
  /** Told, in a line, what the start waits for. */
  onWaiting?: (line: string) => void
  /** Ends such a wait, and the start with it: CANCELLED. */
  giveUpWaiting?: AbortSignal
  /** `millrace dev`: takes the pipeline files up again whenever they are saved. */
  dev?: DevOptions
}

/** A running Millrace. `failed` rejects with what took it down. */
export interface Millrace extends Part, View {
  readonly settings: Settings
  readonly logPath: string
  /** Resolves when somebody asked it to stop over the API. */
  readonly stopRequested: Promise<void>
  /** Signs in to the console once; null when its port could not be had. */
  readonly consoleLink: string | null
  /** Records found in the embedded broker's log at start. */
  readonly recoveredRecords: number
}

/** How long tasks and streams may finish what is in hand when Millrace stops. */
const stopGraceMs = 5_000

/** Starts the parts in dependency order, then everything the pipeline files define. */
export function startMillrace(options: StartOptions): Promise<Millrace> {
  return startOrRelease((releasers) => start(options, releasers))
}

async function start(options: StartOptions, releasers: Releasers): Promise<Millrace> {
  const { configPath, projectDir } = findConfig(options.projectDir)
  const printed: string[] = []
  const loading = startLoading({ owner: projectDir, onLine: (line) => printed.push(line) })
  releasers.add('loader', () => loading.close())
  const settings = await settingsBy(loading, { configPath, projectDir, env: options.env })
  const folder = openDataFolder(settings.dataDir)
  releasers.add('data folder', () => folder.release())
  const logFile = openLogFile(folder.logsDir)
  releasers.add('log file', () => logFile.close())
  const { log } = logFile
  await endOrphans(folder.path, log)
  const guard = startGuard()
  releasers.add('guard', () => guard.close())
  const register = openChildRegister(folder.path, guard)
  keepCompiledCode()

  const telemetry = openTelemetry(settings, folder, options.env, log.child('telemetry'))
  releasers.add('telemetry', () => telemetry.close())
  const pipelines = loadPipelines(loading, settings, folder, log)
  const opening = openAccess(folder)
  const systems = await startSystems(settings, folder, register, releasers, log, telemetry, options)
  const clients = createClients(systems.endpoints, {
    owner: register.owner,
    onLine: (line) => log.info(line, { from: 'token process' }),
    onSpawn: (pid) => register.add(pid),
    onExit: (pid) => register.remove(pid),
  })
  releasers.add('token process', () => clients.close())
  // Beside all that follows: until it answers, who asks it waits.
  void systems.registry?.open(clients)
  for (const warning of [...settings.warnings, ...telemetry.warnings]) log.warn(warning)
  const running: Running = {
    ...systems,
    clients,
    settings,
    startedAt: new Date(systemClock.nowMs()).toISOString(),
    project: { name: settings.project, schemas: [], topics: [], tables: [], streams: [], dags: [] },
    warnings: [...settings.warnings, ...telemetry.warnings],
    loadError: null,
    provisionError: null,
    refused: new Map(),
    missingTopics: [],
    administrator: [],
    streamStatuses: () => [],
    alerts: () => [],
    observer: createObserver(settings.project, clients, log.child('observer')),
    personal: new PersonalMemory(folder.path),
  }
  releasers.add('observer', () => running.observer.close())
  const stop = Promise.withResolvers<void>()
  const view = createView(running)
  const clientId = `millrace.${settings.project}.console`
  const browsing = createBrowsing({ clients, endpoints: systems.endpoints, clientId, project: () => running.project })
  releasers.add('browsing', () => browsing.close())
  const motions = new StreamMotions(() => running.streamStatuses(), systemClock)
  let externalUrl = ''
  const alerts = new AlertWatch({
    settings: settings.alerts,
    facts: { status: () => view.status(), motions: () => motions.look(), dags: () => view.dags() },
    sender: () => ({ project: settings.project, instance: folder.instance, externalUrl }),
    dataDir: folder.path,
    disk: systemDisk,
    clock: systemClock,
    log: log.child('alerts'),
  })
  running.alerts = () => alerts.firing()
  telemetry.exportAlso(async () => statusMetrics(await view.status(), alerts.view(), process.memoryUsage.rss()))
  releasers.add('alerts', () => alerts.close())
  const streams = createProjectStreams({ running, folder, register, log, dev: options.dev ?? null })
  const api = await startApiServer({
    ports: {
      ...view.ports,
      scheduler: systems.scheduler,
      data: browsing.systems,
      deadLetters: createDeadLetters(browsing.systems, () => running.project),
      offsets: projectOffsets({
        kafka: () => browsing.systems.kafka(),
        project: () => running.project,
        instance: folder.instance,
        whileStopped: (action) => streams.whileStopped(action),
        liveRun: (last) => liveRun(systems.scheduler, last),
      }),
      streamMotions: () => motions.look(),
      alerts: { view: () => alerts.view(), test: (signal) => alerts.test(signal) },
      stop: () => stop.resolve(),
    },
    ...(await opening),
    log: log.child('api'),
    telemetry,
  })
  releasers.add('API', () => api.close())
  writeApiAddress(folder.path, { socket: api.address, pid: process.pid })
  releasers.add('API address', () => removeApiAddress(folder.path))

  const loaded = await pipelines
  const { files } = loaded
  await adopt(running, loaded, log)
  for (const line of printed) log.info(line, { from: 'pipeline files' })
  if (options.triggerOnce !== null && running.loadError === null)
    await systems.scheduler.trigger(options.triggerOnce, { onlyIfNoRuns: true })
  releasers.add('streams', () => streams.close(stopGraceMs))
  streams.start()
  if (running.loadError === null) void dropBundles({ running, folder, log })
  if (options.dev) {
    const reloads = startReloading({
      running,
      streams,
      pool: systems.pool,
      configPath,
      env: options.env,
      folder,
      log,
      files,
      dev: options.dev,
    })
    releasers.add('reloading', () => reloads.close())
  }
  const consoleLink = await openConsole(
    api,
    { settings, basePath: options.basePath ?? settings.console.basePath, folder },
    running.warnings,
    log,
  )
  externalUrl = consoleLink?.replace(/\/sign-in#.*$/, '') ?? ''
  alerts.start()

  const close = once(() => releasers.close())
  return {
    ...view,
    settings,
    logPath: logFile.path,
    recoveredRecords: systems.recoveredRecords,
    consoleLink,
    stopRequested: stop.promise,
    address: api.address,
    failed: systems.failed,
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Loaded {
  project: Project | null
  warnings: string[]
  error: MillraceError | null
  /** Absolute paths of what was bundled. */
  files: string[]
}

/** Loads the pipeline files while the parts start; a file that does not load leaves the parts up. */
async function loadPipelines(loading: Loading, settings: Settings, folder: DataFolder, log: Logger): Promise<Loaded> {
  try {
    const { project: name, projectDir, pipelines: globs } = settings
    return { ...(await loading.pipelines({ name, projectDir, bundlesDir: folder.bundlesDir, globs })), error: null }
  } catch (error) {
    log.error('the pipeline files did not load', { error })
    return { project: null, warnings: [], files: [], error: asMillraceError(error, 'PIPELINE_INVALID') }
  } finally {
    loading.close()
  }
}

interface Systems {
  endpoints: Endpoints
  scheduler: SchedulerHandle
  pool: TaskPool
  registry: Registry | null
  recoveredRecords: number
  failed: Promise<never>
}

async function startSystems(
  settings: Settings,
  folder: DataFolder,
  register: ChildRegister,
  releasers: Releasers,
  log: Logger,
  telemetry: RuntimeTelemetry,
  { onWaiting, giveUpWaiting, dev }: StartOptions,
): Promise<Systems> {
  // P8: nothing listens beyond loopback without credentials.
  const credentials: Credentials | null = isLoopback(settings.host) ? null : ensureCredentials(folder.path)
  const endpoints = Promise.withResolvers<Endpoints>()
  const pool = createTaskPool({
    owner: register.owner,
    endpoints: () => endpoints.promise,
    onLine: (line) => log.info(line, { from: 'task process' }),
    onSpawn: (pid) => register.add(pid),
    onExit: (pid) => register.remove(pid),
    onSpans: (spans) => telemetry.addSpans(spans),
    ...(dev?.onDebugger ? { onDebugger: (url: string) => dev.onDebugger?.('tasks', url) } : {}),
  })
  const starting = [
    startEmbeddedBroker(settings, folder, credentials, log).then((broker) => {
      if (broker) releasers.add('broker', () => broker.part.close())
      return broker
    }),
    startEmbeddedStore(settings, folder, credentials, log).then((store) => {
      if (store) releasers.add('table store', () => store.part.close())
      return store
    }),
    reserveRegistry(settings, credentials, log.child('registry')),
  ] as const
  // All are awaited before any failure is thrown, so that what did start is closed again; the registry before the broker.
  const [, , reserved] = await Promise.allSettled(starting)
  if (reserved.status === 'fulfilled') releasers.add('registry', () => reserved.value?.close())
  const [broker, store, registry] = await Promise.all(starting)
  const scheduler = await startScheduler({
    metadataPath: folder.metadataPath,
    metadataUrl: settings.metadataUrl,
    project: settings.project,
    instance: folder.instance,
    onWaiting: (error) => onWaiting?.(`waiting for the metadata store: ${error.message}`),
    ...(giveUpWaiting ? { giveUpWaiting } : {}),
    logsDir: folder.logsDir,
    startAttempt: telemetry.tracedAttempts(pool.start),
    log: log.child('scheduler'),
  })
  releasers.add('task processes', () => pool.close())
  releasers.add('scheduler', () => scheduler.close())
  releasers.add('tracing of runs', telemetry.traceRuns(scheduler))
  pool.warm()
  const { endpoint, standIn } = await resolveRandomUser(settings, scheduler, log.child('random-user'))
  if (standIn) releasers.add('RandomUser stand-in', () => standIn.close())
  const resolved = resolveEndpoints(settings, {
    kafkaPort: broker?.port ?? null,
    cqlPort: store?.port ?? null,
    registryAddress: registry?.address ?? null,
    credentials,
    randomUser: endpoint,
  })
  endpoints.resolve(resolved)
  const parts = [broker?.part, store?.part, scheduler].filter((part) => part !== undefined)
  const failed = Promise.race(parts.map((part) => part.failed))
  failed.catch((error: unknown) => log.error('a part failed', { error }))
  return { endpoints: resolved, scheduler, pool, registry, recoveredRecords: broker?.recoveredRecords ?? 0, failed }
}

async function adopt(running: Running, loaded: Loaded, log: Logger): Promise<void> {
  running.loadError = loaded.error
  const unknown =
    loaded.project === null
      ? []
      : unknownStreams(
          running.settings.alerts,
          loaded.project.streams.map(({ name }) => name),
        )
  const warnings = [...loaded.warnings, ...unknown]
  running.warnings.push(...warnings)
  for (const warning of warnings) log.warn(warning)
  if (loaded.project === null) {
    // Runs that were going on, go on with the definitions they were started with.
    running.scheduler.resume()
    return
  }
  running.personal.remember(loaded.project)
  running.project = loaded.project
  await running.scheduler.register(loaded.project)
}
