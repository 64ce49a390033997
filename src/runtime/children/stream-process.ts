import { startingStatus, type Endpoints, type FromStreams, type Project, type StreamStatus, type ToStreams } from '../../core/index.ts'
import { backoffMs, MillraceError, systemClock, type Clock, type Logger } from '../../platform/index.ts'
import { describeExit, spawnChild, type Child } from './child.ts'

/** The child that runs the project's streams; started again with back-off when it dies. */
export interface StreamProcess {
  statuses(): StreamStatus[]
  /** Loads code of definitions to come into the spare child, where there is one. */
  prepare(project: Project): void
  /** Lets the child finish what is in hand and goes on with other definitions in a new one. */
  replace(work: StreamWork, graceMs: number): void
  /** Does something while no stream runs: they finish what is in hand before, as `replace` has it, and go on after it, whatever became of it. */
  whileStopped<T>(graceMs: number, action: () => Promise<T>): Promise<T>
  /** Asks it to finish what is in hand, and ends it when it has not after `graceMs`. */
  stop(graceMs: number): Promise<void>
}

export interface StreamWork {
  project: Project
  streams: readonly string[]
}

interface StreamProcessOptions extends StreamWork {
  owner: string
  endpoints: Endpoints
  /** Id of this data folder's member in consumer groups. */
  instance: string
  log: Logger
  onSpawn: (pid: number) => void
  onExit: (pid: number) => void
  /** Keeps a second child ready, so that `replace` need not wait for one. */
  spare?: boolean
  /** Starts children for a debugger and tells its address; one that a breakpoint holds says nothing, and is left alone. */
  onDebugger?: (url: string) => void
  clock?: Clock
}

/** No word for this long means that user code holds the process: it is ended and started again. */
const silenceLimitMs = 60_000

interface Spawned {
  child: Child<ToStreams>
  isReady: boolean
}

/** Which child runs the streams, and which one waits. */
interface State {
  work: StreamWork
  statuses: Map<string, StreamStatus>
  current: Spawned | null
  spare: Spawned | null
  /** The current one has been asked to end, for another to go on. */
  isReplaced: boolean
  /** Ends the wait before a child that died is started again. */
  waking: AbortController
  /** No child is started before this. */
  heldUntil: Promise<unknown>
  lastWordMs: number
}

export function startStreamProcess(options: StreamProcessOptions): StreamProcess {
  const { clock = systemClock, log } = options
  const stopping = new AbortController()
  const state: State = {
    work: options,
    statuses: startingStatuses(options),
    current: null,
    spare: null,
    isReplaced: false,
    waking: new AbortController(),
    heldUntil: Promise.resolve(),
    lastWordMs: clock.monotonicMs(),
  }

  const sendStart = ({ child }: Spawned): void => {
    const { project, streams } = state.work
    child.send({ is: 'start', project, streams: [...streams], endpoints: options.endpoints, instance: options.instance })
  }
  const spawn = (): Spawned => {
    const spawned: Spawned = {
      isReady: false,
      child: spawnChild<ToStreams, FromStreams>({
        role: 'streams',
        owner: options.owner,
        onMessage: (message) => onMessage(spawned, message),
        onLine: (line) => log.info(line),
        ...(options.onDebugger ? { onDebugger: options.onDebugger } : {}),
      }),
    }
    const { child } = spawned
    options.onSpawn(child.pid)
    void child.exited.then(() => {
      options.onExit(child.pid)
      if (state.spare === spawned) state.spare = null
    })
    return spawned
  }
  const keepSpare = (): void => {
    if (options.spare === true && !stopping.signal.aborted) state.spare ??= spawn()
  }
  const onMessage = (from: Spawned, message: FromStreams): void => {
    if (message.is === 'ready') from.isReady = true
    if (from !== state.current) return
    state.lastWordMs = clock.monotonicMs()
    if (message.is === 'ready') sendStart(from)
    // What an old child says while it ends is not of the definitions that go on.
    else if (message.is === 'status' && !state.isReplaced) {
      state.statuses.set(message.status.stream, message.status)
      // Not before: it would take time from the one that starts.
      if (message.status.state.is !== 'starting') keepSpare()
    } else if (message.is === 'log') logLine(log, message.line)
    else if (message.is === 'stopped') from.child.kill()
  }

  const stopped = Promise.withResolvers<void>()
  stopping.signal.addEventListener('abort', () => stopped.resolve(), { once: true })
  /** Whoever holds it may be followed by another. */
  const untilLetGo = async (): Promise<void> => {
    for (let held: Promise<unknown> | null = null; held !== state.heldUntil && !stopping.signal.aborted;) {
      held = state.heldUntil
      await Promise.race([held, stopped.promise])
    }
  }
  const run = async (): Promise<void> => {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      await untilLetGo()
      if (stopping.signal.aborted) return
      const startedMs = clock.monotonicMs()
      let isSilent = false
      state.lastWordMs = startedMs
      const spawned = state.spare ?? spawn()
      state.spare = null
      state.current = spawned
      state.isReplaced = false
      state.waking = new AbortController()
      if (spawned.isReady) sendStart(spawned)
      const watch = setInterval(() => {
        isSilent = options.onDebugger === undefined && clock.monotonicMs() - state.lastWordMs > silenceLimitMs
        if (isSilent) spawned.child.kill()
      }, 1_000).unref()
      const exit = await spawned.child.exited
      clearInterval(watch)
      if (stopping.signal.aborted) return
      if (state.isReplaced) {
        attempt = -1
        continue
      }
      if (clock.monotonicMs() - startedMs > 60_000) attempt = 0
      const how = isSilent ? `it said nothing for ${silenceLimitMs / 1_000} s: a step may loop` : describeExit(exit)
      const error = new MillraceError('CHILD_EXITED', `The stream process ended (${how}) and is started again.`)
      log.error(error.message)
      for (const [name, status] of state.statuses) {
        state.statuses.set(name, { ...status, state: { is: 'retrying', error: error.toJSON(), sinceMs: clock.nowMs(), attempt } })
      }
      const waking = AbortSignal.any([stopping.signal, state.waking.signal])
      await clock.sleep(backoffMs(attempt, { initialMs: 100, maxMs: 10_000 }), waking).catch(() => undefined)
    }
  }
  const done = run()
  const askToEnd = (graceMs: number): (() => void) => {
    const ending = state.current
    ending?.child.send({ is: 'stop' })
    return clock.after(graceMs, () => ending?.child.kill())
  }

  /** Its exit, at the latest after `graceMs`. */
  const endCurrent = async (graceMs: number): Promise<void> => {
    state.isReplaced = true
    state.waking.abort()
    const stopTimer = askToEnd(graceMs)
    await state.current?.child.exited
    stopTimer()
  }

  return {
    statuses: () => [...state.statuses.values()],
    prepare: (project) => {
      keepSpare()
      state.spare?.child.send({ is: 'prepare', modules: modulesOf(project) })
    },
    replace: (work, graceMs) => {
      state.work = work
      state.statuses = startingStatuses(work)
      void endCurrent(graceMs)
    },
    whileStopped: async (graceMs, action) => {
      const before = state.heldUntil
      const { promise, resolve } = Promise.withResolvers<void>()
      state.heldUntil = promise
      try {
        await before
        await endCurrent(graceMs)
        state.statuses = startingStatuses(state.work)
        return await action()
      } finally {
        resolve()
      }
    },
    stop: async (graceMs) => {
      stopping.abort()
      state.spare?.child.kill()
      const stopTimer = askToEnd(graceMs)
      await done
      stopTimer()
    },
  }
}

function startingStatuses({ streams }: StreamWork): Map<string, StreamStatus> {
  return new Map(streams.map((name) => [name, startingStatus(name)]))
}

function modulesOf({ streams }: Project): Project['streams'][number]['fn'][] {
  return streams.map(({ fn }) => fn)
}

/** Lines of the child's logger are JSON already: their level and message are kept, its time is not needed twice. */
function logLine(log: Logger, line: string): void {
  const parsed: unknown = JSON.parse(line)
  if (typeof parsed !== 'object' || parsed === null) return
  const { level, message, part, at: _at, ...fields } = parsed as Record<string, unknown>
  log[level === 'error' || level === 'warn' ? level : 'info'](String(message), { from: part, ...fields })
}
