import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { chooseRandomUser, startRandomUserStandIn } from '../connectors/index.ts'
import type { Endpoints, Json, Project, RandomUserEndpoint } from '../core/index.ts'
import { MillraceError, silentLogger, systemClock, type Part } from '../platform/index.ts'
import type { AttemptEnd } from '../scheduler/index.ts'
import { findConfig, startLoading } from './children/loading.ts'
import { createTaskPool } from './children/task-pool.ts'
import { notEmbedded, resolveEndpoints } from './endpoints.ts'
import { settingsBy } from './load-settings.ts'
import type { Settings } from '../settings/index.ts'

export interface InlineTaskOptions {
  projectDir: string
  env: Readonly<Record<string, string | undefined>>
  dag: string
  task: string
  /** Over the DAG's own. */
  params: Record<string, Json>
  /** Results of the tasks that it is called with, in order. */
  inputs: Json[]
  /** Of the running Millrace; null: none runs. */
  running: (Pick<Endpoints, 'kafka' | 'cassandra' | 'registry'> & { randomUser: Omit<RandomUserEndpoint, 'seed'> | null }) | null
  onLine: (line: string) => void
  /** Starts the task for a debugger. */
  onDebugger?: (url: string) => void
  signal: AbortSignal
}

/** How long a cancelled task may finish what is in hand. */
const graceMs = 5_000

/**
 * One task, as the files are now, in a child of this process: no run, no retries, nothing in the metadata. What it writes is written.
 * @throws NOT_FOUND, PIPELINE_INVALID; NOT_RUNNING where the embedded parts are needed and do not run
 */
export async function runTaskInline(options: InlineTaskOptions): Promise<AttemptEnd> {
  const { configPath, projectDir } = findConfig(options.projectDir)
  const loading = startLoading({ owner: projectDir, onLine: options.onLine })
  let standIn: Part | null = null
  try {
    const settings = await settingsBy(loading, { configPath, projectDir, env: options.env })
    const { project: name, dataDir, pipelines: globs } = settings
    const { project } = await loading.pipelines({ name, projectDir, bundlesDir: join(dataDir, 'bundles'), globs })
    const found = findTask(project, options)
    const source = await randomUserOf(options, settings)
    standIn = source.standIn
    return await runAttempt(options, project.name, found, { ...systemsOf(options, settings), randomUser: source.endpoint, projectDir })
  } finally {
    loading.close()
    await standIn?.close()
  }
}

type Dag = Project['dags'][number]
type FoundTask = { dag: Dag; task: Dag['tasks'][number] }

function findTask(project: Project, { dag: dagId, task: taskId, inputs }: InlineTaskOptions): FoundTask {
  const dag = project.dags.find(({ id }) => id === dagId)
  const dags = project.dags.map(({ id }) => id).join(', ')
  if (dag === undefined) throw new MillraceError('NOT_FOUND', `There is no dag "${dagId}"; there are: ${dags || 'none'}.`)
  const task = dag.tasks.find(({ id }) => id === taskId)
  const tasks = dag.tasks.map(({ id }) => id).join(', ')
  if (task === undefined) throw new MillraceError('NOT_FOUND', `Dag ${dagId} has no task "${taskId}"; it has: ${tasks || 'none'}.`)
  if (inputs.length !== task.inputs.length)
    throw new MillraceError(
      'BAD_REQUEST',
      `Task ${taskId} is called with the results of ${task.inputs.join(', ') || 'no task'}: give ${task.inputs.length} with --inputs '[…]'.`,
    )
  return { dag, task }
}

function systemsOf({ running }: InlineTaskOptions, settings: Settings): Pick<Endpoints, 'kafka' | 'cassandra' | 'registry'> {
  if (running !== null) return running
  if (settings.kafka.remote === null || settings.cassandra.remote === null)
    throw new MillraceError('NOT_RUNNING', 'The task needs the embedded parts, and Millrace is not running: start it with "millrace dev".')
  return resolveEndpoints(settings, notEmbedded)
}

/** Its users are others than those of the project's runs. */
function randomUserOf({ running }: InlineTaskOptions, settings: Settings): Promise<{ endpoint: RandomUserEndpoint; standIn: Part | null }> {
  const seed = randomBytes(8).toString('hex')
  if (running?.randomUser) return Promise.resolve({ endpoint: { ...running.randomUser, seed }, standIn: null })
  return chooseRandomUser({
    mode: settings.randomUserMode,
    url: settings.randomUserUrl,
    seed,
    startLocal: () => startRandomUserStandIn({ host: '127.0.0.1', port: 0, log: silentLogger }),
    log: silentLogger,
  })
}

async function runAttempt(
  { params, inputs, onLine, onDebugger, signal }: InlineTaskOptions,
  project: string,
  { dag, task }: FoundTask,
  endpoints: Endpoints,
): Promise<AttemptEnd> {
  const nothing = (): void => undefined
  const pool = createTaskPool({
    owner: project,
    endpoints: () => Promise.resolve(endpoints),
    onLine,
    onSpawn: nothing,
    onExit: nothing,
    ...(onDebugger ? { onDebugger } : {}),
  })
  const now = new Date(systemClock.nowMs()).toISOString()
  const attempt = { dagId: dag.id, runId: `inline__${now}`, taskId: task.id, attempt: 1, epoch: 0 }
  const { epoch: _, ...ids } = attempt
  const dataInterval = { start: now, end: now }
  const ctx = { project, ...ids, logicalDate: now, dataInterval, params: { ...dag.params, ...params }, inputs }
  const on = { log: onLine, heartbeat: nothing, progress: nothing, xcom: nothing }
  try {
    const started = pool.start({ attempt, task: task.fn, ctx, executionTimeoutMs: null }, on)
    signal.addEventListener('abort', () => started.cancel('interrupted', graceMs), { once: true })
    return await started.end
  } finally {
    await pool.close()
  }
}
