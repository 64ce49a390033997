import { readFile } from 'node:fs/promises'
import { withheld, withheldRunDetail, withheldStream, type ApiPorts, type PersonalMemory } from '../api-server/index.ts'
import type {
  AlertView,
  DoctorReport,
  Endpoints,
  EndpointsView,
  FlowCounts,
  PartView,
  Project,
  StatusView,
  StreamStatus,
} from '../core/index.ts'
import type { MissingTopic } from '../connectors/index.ts'
import { names, plural } from '../core/index.ts'
import { asMillraceError, MillraceError, systemClock } from '../platform/index.ts'
import type { RunDetail } from '../core/index.ts'
import type { SchedulerHandle } from '../scheduler/index.ts'
import type { Clients } from './clients.ts'
import type { Observed, Observer } from './counts.ts'
import { diagnose, retryLine, type Facts } from './doctor.ts'
import { deadLetterTopics } from './provision.ts'
import type { Registry } from './registry.ts'
import type { Settings } from '../settings/index.ts'

/** The state of a running Millrace that its views are made from; changed by `start` alone. */
export interface Running {
  readonly settings: Settings
  readonly endpoints: Endpoints
  readonly clients: Clients
  /** Null: a real Kafka without the URL of a registry. */
  readonly registry: Registry | null
  readonly scheduler: SchedulerHandle
  readonly observer: Observer
  readonly personal: PersonalMemory
  readonly startedAt: string
  project: Project
  warnings: string[]
  loadError: MillraceError | null
  provisionError: MillraceError | null
  /** Streams that were not started because a topic is missing or their table does not fit. */
  refused: Map<string, MillraceError>
  missingTopics: MissingTopic[]
  /** Commands for somebody with more rights. */
  administrator: string[]
  streamStatuses: () => StreamStatus[]
  /** Those that fire. */
  alerts: () => AlertView[]
}

export interface View {
  status(): Promise<StatusView>
  doctor(): Promise<DoctorReport>
  dags: SchedulerHandle['dags']
  readonly endpoints: Endpoints
}

export function createView(
  running: Running,
): View & { ports: Omit<ApiPorts, 'scheduler' | 'data' | 'deadLetters' | 'offsets' | 'stop' | 'streamMotions' | 'alerts'> } {
  const observeAll = (): Promise<Observed[]> =>
    Promise.all(running.project.streams.map((stream) => running.observer.observe(running.project, stream)))
  const status = async (): Promise<StatusView> => {
    const [observed, fetched] = await Promise.all([observeAll(), running.observer.fetched()])
    const flows = observed.map(({ counts }): FlowCounts => ({ ...counts, fetched }))
    return {
      project: running.settings.project,
      projectDir: running.settings.projectDir,
      dataDir: running.settings.dataDir,
      pid: process.pid,
      startedAt: running.startedAt,
      parts: partsOf(running, observed),
      loadError: running.loadError?.toJSON() ?? null,
      warnings: running.warnings,
      flows,
      streams: running.streamStatuses(),
      alerts: running.alerts(),
    }
  }
  const doctor = async ({ hidePersonal }: { hidePersonal: boolean }): Promise<DoctorReport> => {
    const [observed, fetched, runs, registry] = await Promise.all([
      observeAll(),
      running.observer.fetched(),
      lastRunsOrWhyNot(running.scheduler),
      askRegistry(running.registry),
    ])
    const statuses = hidePersonal ? running.streamStatuses().map(withheldStream) : running.streamStatuses()
    return diagnose({
      status: { loadError: running.loadError?.toJSON() ?? null },
      endpoints: running.endpoints,
      ...runs,
      lastRuns: hidePersonal ? runs.lastRuns.map(withoutTexts) : runs.lastRuns,
      registry,
      fetched,
      flows: observed.map((each) => ({
        observed: each,
        stream: statuses.find((one) => one.stream === each.counts.stream) ?? null,
        refused: running.refused.get(each.counts.stream)?.toJSON() ?? null,
      })),
      provisionError: running.provisionError?.toJSON() ?? null,
      missingTopics: missingTopicsOf(running),
      administrator: running.administrator,
      nowMs: systemClock.nowMs(),
    })
  }
  const endpoints = async (): Promise<EndpointsView> => {
    // Without a token the command asks the function itself, and tells why it fails; Cassandra's commands need none.
    const kafka = await running.clients.kafkaWithToken().catch(() => running.endpoints.kafka)
    return {
      project: running.project.name,
      endpoints: { kafka, cassandra: running.endpoints.cassandra, registry: running.endpoints.registry },
    }
  }
  const streams = (): string[] => running.project.streams.map((stream) => stream.name)
  return {
    status,
    doctor: () => doctor({ hidePersonal: false }),
    endpoints: running.endpoints,
    dags: () => running.scheduler.dags(),
    ports: {
      status,
      doctor,
      endpoints,
      streams,
      project: () => running.project,
      masking: () => running.personal.withRemembered(running.project),
    },
  }
}

/** What was thrown and printed may tell of values; that a task tries again may be known. */
function withoutTexts(run: Facts['lastRuns'][number]): Facts['lastRuns'][number] {
  const [retry] = retryLine.exec(run.lastLine ?? '') ?? []
  return { ...withheldRunDetail(run), lastLine: retry === undefined ? null : `${withheld}${retry}a while` }
}

async function askRegistry(registry: Registry | null): Promise<Facts['registry']> {
  if (registry === null) return null
  try {
    return { address: registry.address, subjects: await registry.subjects(), error: null }
  } catch (error) {
    return { address: registry.address, subjects: null, error: asMillraceError(error).toJSON() }
  }
}

function missingTopicsOf({ missingTopics, project }: Running): { name: string; because: string }[] {
  // Streams that lack dead letters say so themselves; nothing waits for definitions.
  const others = new Set([names.definitions(project.name), ...project.streams.flatMap((stream) => deadLetterTopics(project, stream))])
  return missingTopics
    .filter(({ name }) => !others.has(name))
    .map(({ name, error, command }) => ({ name, because: `${error.message} Have an administrator run: ${command}` }))
}

/** While the metadata store is away nothing is known of runs, and that is what the doctor tells. */
async function lastRunsOrWhyNot(scheduler: SchedulerHandle): Promise<Pick<Facts, 'lastRuns' | 'metadataError'>> {
  try {
    return { lastRuns: await lastRunsOf(scheduler), metadataError: null }
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'METADATA_UNAVAILABLE') throw error
    return { lastRuns: [], metadataError: (metadataErrorOf(scheduler) ?? error).toJSON() }
  }
}

/** Since when it is away, why, and what becomes of the work. */
function metadataErrorOf({ store }: SchedulerHandle): MillraceError | null {
  if (store.is === 'ok') return null
  const seconds = Math.max(0, Math.round((systemClock.nowMs() - store.sinceMs) / 1_000))
  const waiting = store.unrecorded === 0 ? '' : `; ${store.unrecorded} results wait to be recorded`
  return new MillraceError('METADATA_UNAVAILABLE', `away for ${seconds} s: ${store.reason} Running tasks go on, none is started${waiting}`)
}

async function lastRunsOf(scheduler: SchedulerHandle): Promise<Facts['lastRuns']> {
  const runs = (await scheduler.dags()).flatMap((dag) => (dag.lastRun === null ? [] : [dag.lastRun]))
  const details = await Promise.all(runs.map((run) => scheduler.run(run.dagId, run.runId)))
  return Promise.all(
    details.filter((detail) => detail !== null).map(async (detail) => ({ ...detail, lastLine: await lastLineOf(scheduler, detail) })),
  )
}

/** The last line of the log of the attempt that is running, or of the last one. */
async function lastLineOf(scheduler: SchedulerHandle, run: RunDetail): Promise<string | null> {
  const task = run.tasks.find((each) => each.state === 'running') ?? run.tasks.at(-1)
  const log = task === undefined ? null : await scheduler.attemptLog({ dagId: run.dagId, runId: run.runId, taskId: task.taskId })
  const text = log === null ? '' : await readFile(log.path, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').at(-1) ?? null
}

function partsOf(
  { settings, endpoints, registry, refused, provisionError, scheduler }: Running,
  observed: readonly Observed[],
): PartView[] {
  const topicError = observed.find((each) => each.topicError !== null)?.topicError ?? null
  const tableError = observed.find((each) => each.tableError?.retriable === true)?.tableError ?? null
  const part = (name: PartView['name'], is: PartView['is'], address: string, error: MillraceError | null, detail = ''): PartView => ({
    name,
    is,
    address,
    state: error === null ? 'ok' : 'failed',
    detail: error?.message ?? detail,
  })
  const streamError = provisionError ?? [...refused.values()][0] ?? null
  return [
    part('kafka', settings.kafka.remote === null ? 'embedded' : 'remote', endpoints.kafka.bootstrapServers.join(','), topicError),
    part(
      'cassandra',
      settings.cassandra.remote === null ? 'embedded' : 'remote',
      endpoints.cassandra.contactPoints.join(',') || 'by secure bundle',
      tableError,
    ),
    ...(registry === null ? [] : [part('registry', registry.is, registry.address, registry.failure)]),
    part(
      'scheduler',
      settings.metadataUrl === null ? 'embedded' : 'remote',
      settings.metadataUrl === null ? 'SQLite' : scheduler.address,
      metadataErrorOf(scheduler),
    ),
    part('streams', 'embedded', `${observed.length} ${plural(observed.length, 'stream')}`, streamError),
    part(
      'random-user',
      endpoints.randomUser.is === 'local' ? 'embedded' : 'remote',
      endpoints.randomUser.url,
      null,
      endpoints.randomUser.why,
    ),
  ]
}
