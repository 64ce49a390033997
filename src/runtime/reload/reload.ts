import type { PlanView, Project, StreamStatus } from '../../core/index.ts'
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
  /** False: the streams have the files as they are now, the DAGs not yet, since the metadata store was away. */
  taken: { dags: boolean }
}

/** How long a stream has to say that it goes on, before the reload is told without. */
const firstWordMs = 5_000

/**
 * Takes the pipeline files up as they are now: loaded by a fresh child, planned, and only when nothing is refused made and
 * started. Whatever fails before that changes nothing.
 */
export async function reload(context: ReloadContext, loading: Loading): Promise<Reload> {
  const { running, pool, folder, taken } = context
  const { settings } = running
  try {
    const { project: name, projectDir, pipelines: globs } = settings
    const { project, warnings, files } = await loading.pipelines({ name, projectDir, bundlesDir: folder.bundlesDir, globs })
    running.personal.remember(project)
    const runsAlready = isSame(project, running.project) && running.provisionError === null
    if (runsAlready && taken.dags) {
      running.loadError = null
      return { is: 'same', files }
    }
    const before = new Map(running.streamStatuses().map((status) => [status.stream, status]))
    // Streams first: what tasks of today write, those of yesterday may not be able to read.
    const plan = runsAlready ? null : await takeStreamsUp(context, project, files)
    const dags = await running.scheduler.register(project)
    taken.dags = true
    pool.renew()
    running.loadError = null
    const now = plan === null ? [] : await firstWords(running, context.signal)
    const told = now.map((status) => goesOn(status, before.get(status.stream)))
    return { is: 'reloaded', changes: [...(plan === null ? [] : changesOf(plan)), ...dagsChanged(dags), ...told], files, warnings }
  } catch (error) {
    const failure = refused(context, asMillraceError(error, 'PIPELINE_INVALID'))
    running.loadError = failure
    context.log.warn(`the pipeline files as they are now are not taken up: ${failure.message}`)
    return { is: 'kept', error: failure }
  }
}

/** Plans, makes what is needed, and has the streams go on with the project. Whatever fails, what ran before goes on. */
async function takeStreamsUp(
  { running, streams, log, signal, taken }: ReloadContext,
  project: Project,
  files: string[],
): Promise<PlanView> {
  streams.prepare(project)
  const options = { ...running, project, log, signal }
  const plan = await planProject(options)
  if (plan.verdict === 'refused') throw await refusalOf(plan, project, running.settings.projectDir, files)
  if (plan.unknown.length > 0) throw new MillraceError('UNREACHABLE', plan.unknown.join(' '))
  await streams.settle()
  try {
    await streams.replace(project, await provision(options))
  } catch (error) {
    streams.resume()
    throw error
  }
  taken.dags = false
  return plan
}

/** With what goes on meanwhile, by which `/readyz` and `status` tell a mistake in a file from a Millrace where nothing runs. */
function refused({ running, taken }: ReloadContext, { code, message, retriable, details, cause }: MillraceError): MillraceError {
  const { streams, dags, topics } = running.project
  const runs = streams.length + dags.length + topics.length > 0
  return new MillraceError(code, message, {
    retriable,
    cause,
    details: { ...details, goesOn: !runs ? 'nothing' : taken.dags ? 'before' : 'streams' },
  })
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
