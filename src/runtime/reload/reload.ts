import type { Project, StreamStatus } from '../../core/index.ts'
import { asMillraceError, MillraceError, systemClock, type Logger } from '../../platform/index.ts'
import type { Loading } from '../children/loading.ts'
import type { TaskPool } from '../children/task-pool.ts'
import type { DataFolder } from '../data-folder.ts'
import { planProject } from '../plan.ts'
import type { ProjectStreams } from '../project-streams.ts'
import { provision } from '../provision.ts'
import type { Running } from '../view.ts'
import { changesOf, dagsChanged, goesOn, refusalOf } from './describe.ts'

/** What became of files that were saved. */
export type Reload =
  /** `changes`: in a few words each. */
  | { is: 'reloaded'; changes: string[]; files: string[]; warnings: string[] }
  /** They define what runs already. */
  | { is: 'same'; files: string[] }
  /** What ran before goes on. */
  | { is: 'kept'; error: MillraceError }

export interface ReloadContext {
  running: Running
  streams: ProjectStreams
  pool: TaskPool
  folder: DataFolder
  log: Logger
  signal: AbortSignal
}

/** How long a stream has to say that it goes on, before the reload is told without. */
const firstWordMs = 5_000

/**
 * Takes the pipeline files up as they are now: loaded by a fresh child, planned, and only when nothing is refused made and
 * started. Whatever fails before that changes nothing.
 */
export async function reload(context: ReloadContext, loading: Loading): Promise<Reload> {
  const { running, streams, pool, folder, log, signal } = context
  const { settings } = running
  try {
    const { project: name, projectDir, pipelines: globs } = settings
    const { project, warnings, files } = await loading.pipelines({ name, projectDir, bundlesDir: folder.bundlesDir, globs })
    if (isSame(project, running.project) && running.provisionError === null) {
      running.loadError = null
      return { is: 'same', files }
    }
    streams.prepare(project)
    const options = { ...running, project, log, signal }
    const plan = await planProject(options)
    if (plan.verdict === 'refused') throw await refusalOf(plan, project, projectDir, files)
    if (plan.unknown.length > 0) throw new MillraceError('UNREACHABLE', plan.unknown.join(' '))
    await streams.settle()
    const provisioned = await provision(options)
    const before = new Map(running.streamStatuses().map((status) => [status.stream, status]))
    // Streams first: what tasks of today write, those of yesterday may not be able to read.
    await streams.replace(project, provisioned)
    const dags = await running.scheduler.register(project)
    pool.renew()
    running.loadError = null
    const now = await firstWords(running, signal)
    const changes = [...changesOf(plan), ...dagsChanged(dags), ...now.map((status) => goesOn(status, before.get(status.stream)))]
    return { is: 'reloaded', changes, files, warnings }
  } catch (error) {
    const failure = asMillraceError(error, 'PIPELINE_INVALID')
    running.loadError = failure
    log.warn(`the pipeline files as they are now are not taken up: ${failure.message}`)
    return { is: 'kept', error: failure }
  }
}

/** How topics are written is compared where the files say it. */
function isSame(loaded: Project, running: Project): boolean {
  const asSaid = (project: Project): string =>
    JSON.stringify({
      ...project,
      topics: project.topics.map(({ format, ...rest }, i) => ({ ...rest, format: loaded.topics[i]?.format && format })),
    })
  return asSaid(loaded) === asSaid(running)
}

async function firstWords(running: Running, signal: AbortSignal): Promise<StreamStatus[]> {
  const deadlineMs = systemClock.monotonicMs() + firstWordMs
  for (;;) {
    const statuses = running.streamStatuses()
    const isOver = statuses.every(({ state }) => state.is !== 'starting') || systemClock.monotonicMs() > deadlineMs
    if (isOver || signal.aborted) return statuses
    await systemClock.sleep(10, signal)
  }
}
