import type { Project } from '../core/index.ts'
import { isLockedOut } from '../kafka-client/index.ts'
import { asMillraceError, backoffMs, systemClock, type Logger } from '../platform/index.ts'
import type { ChildRegister } from './children/orphans.ts'
import { startStreamProcess, type StreamProcess, type StreamWork } from './children/stream-process.ts'
import type { DataFolder } from './data-folder.ts'
import { provision, type Provisioned } from './provision.ts'
import type { DevOptions } from './reload/reloading.ts'
import type { Running } from './view.ts'

/** The streams of the project, and what they need: topics, schemas, tables. */
export interface ProjectStreams {
  /** Makes topics and tables, waiting for systems that are away (P6), then starts the process of the streams. */
  start(): void
  /** Loads code of a project to come, where that saves time later. */
  prepare(project: Project): void
  /** Goes on with a project whose topics and tables are made. Resolves once its streams are told to start. */
  replace(project: Project, provisioned: Provisioned): Promise<void>
  /** Before a definition of a stream is judged anew: the start, if it still waits for systems, is given up. */
  settle(): Promise<void>
  /** A start that `settle` has given up begins again: nothing took its place. */
  resume(): void
  /** Does something while none of the streams runs; they go on after it, whatever became of it. */
  whileStopped<T>(action: () => Promise<T>): Promise<T>
  close(graceMs: number): Promise<void>
}

/** What streams need of a running Millrace, and tell it. */
export type RunningStreams = Pick<
  Running,
  | 'project'
  | 'settings'
  | 'endpoints'
  | 'clients'
  | 'warnings'
  | 'provisionError'
  | 'refused'
  | 'missingTopics'
  | 'administrator'
  | 'streamStatuses'
>

export interface ProjectStreamsOptions {
  running: RunningStreams
  folder: DataFolder
  register: ChildRegister
  log: Logger
  dev: DevOptions | null
}

/** How long streams may finish what is in hand when others take their place. */
const replaceGraceMs = 5_000

export function createProjectStreams(options: ProjectStreamsOptions): ProjectStreams {
  const { running, log } = options
  const stopping = new AbortController()
  let process: StreamProcess | null = null
  let starting = Promise.resolve()
  /** Of the start in hand. */
  let givingUp = new AbortController()
  /** No process is started before this. */
  let heldUntil: Promise<unknown> = Promise.resolve()

  const run = (work: StreamWork): void => {
    if (process !== null) return process.replace(work, replaceGraceMs)
    if (work.streams.length === 0) return
    const started = startStreamProcess(processOptions(options, work))
    process = started
    running.streamStatuses = () => started.statuses()
  }
  const begin = async (): Promise<void> => {
    givingUp = new AbortController()
    const signal = AbortSignal.any([stopping.signal, givingUp.signal])
    try {
      const provisioned = await provisionUntilDone(running, signal, log)
      await heldUntil
      if (stopping.signal.aborted) return
      run(adoptProvisioned(running, running.project, provisioned, log))
    } catch (error) {
      if (signal.aborted) return
      running.provisionError = asMillraceError(error)
      log.error('the streams could not be started', { error })
    }
  }
  const start = (): void => {
    const { streams, topics } = running.project
    if (streams.length > 0 || topics.length > 0) starting = begin()
  }
  return {
    start,
    prepare: (project) => process?.prepare(project),
    settle: async () => {
      if (process === null) givingUp.abort()
      await starting
    },
    resume: () => {
      if (givingUp.signal.aborted && process === null && !stopping.signal.aborted) start()
    },
    whileStopped: async (action) => {
      if (process !== null) return process.whileStopped(replaceGraceMs, action)
      const acting = heldUntil.then(action)
      heldUntil = acting.catch(() => undefined)
      return acting
    },
    replace: async (project, provisioned) => {
      await starting
      await heldUntil
      run(adoptProvisioned(running, project, provisioned, log))
    },
    close: async (graceMs) => {
      stopping.abort()
      await starting
      await process?.stop(graceMs)
    },
  }
}

function processOptions({ running, folder, register, log, dev }: ProjectStreamsOptions, work: StreamWork) {
  return {
    ...work,
    owner: register.owner,
    endpoints: running.endpoints,
    // Of the data folder: a start after a crash takes the place of the process that died, in every consumer group, at once.
    instance: folder.instance,
    log: log.child('streams'),
    onSpawn: (pid: number) => register.add(pid),
    onExit: (pid: number) => register.remove(pid),
    spare: dev !== null && dev.onDebugger === undefined,
    ...(dev?.onDebugger ? { onDebugger: (url: string) => dev.onDebugger?.('streams', url) } : {}),
  }
}

/** From here on the views tell of this project. @returns what the streams' process is to run */
function adoptProvisioned(running: RunningStreams, loaded: Project, provisioned: Provisioned, log: Logger): StreamWork {
  const { made, formats, refused, missingTopics, administrator, warnings } = provisioned
  const topics = loaded.topics.map((topic) => ({ ...topic, format: formats.get(topic.name) ?? 'json' }))
  const project: Project = { ...loaded, topics }
  Object.assign(running, { project, provisionError: null, refused, missingTopics, administrator })
  running.warnings.push(...warnings.filter((warning) => !running.warnings.includes(warning)))
  for (const thing of made) log.info(`made ${thing}`)
  for (const warning of warnings) log.warn(warning)
  for (const [stream, error] of refused) log.error(`stream ${stream} is not started: ${error.message}`)
  if (administrator.length > 0) log.error('an administrator has to run commands first', { commands: administrator })
  return { project, streams: project.streams.map((stream) => stream.name).filter((name) => !refused.has(name)) }
}

const awayBackoff = { initialMs: 200, maxMs: 5_000 }
/** Many wrong passwords in a row lock accounts. */
const lockedOutBackoff = { initialMs: 1_000, maxMs: 30_000 }

async function provisionUntilDone(running: RunningStreams, signal: AbortSignal, log: Logger): Promise<Provisioned> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await provision({ ...running, log, signal })
    } catch (error) {
      const failure = asMillraceError(error)
      running.provisionError = failure
      // A password or a right is mended there, while Millrace runs on.
      const mayNot = isLockedOut(failure)
      if ((!failure.retriable && !mayNot) || signal.aborted) throw failure
      log.warn(`topics and tables cannot be made yet: ${failure.message}`)
      await systemClock.sleep(backoffMs(attempt, mayNot ? lockedOutBackoff : awayBackoff), signal)
    }
  }
}
