import { startingStatus, type Endpoints, type FromStreams, type Project, type StreamStatus, type ToStreams } from '../../core/index.ts'
import { backoffMs, MillraceError, systemClock, type Clock, type Logger } from '../../platform/index.ts'
import { describeExit, spawnChild, type Child } from './child.ts'

/** The child that runs the project's streams; started again with back-off when it dies. */
export interface StreamProcess {
  statuses(): StreamStatus[]
  /** Asks it to finish what is in hand, and ends it when it has not after `graceMs`. */
  stop(graceMs: number): Promise<void>
}

interface StreamProcessOptions {
  owner: string
  project: Project
  streams: readonly string[]
  endpoints: Endpoints
  /** Id of this data folder's member in consumer groups. */
  instance: string
  log: Logger
  onSpawn: (pid: number) => void
  onExit: (pid: number) => void
  clock?: Clock
}

/** No word for this long means that user code holds the process: it is ended and started again. */
const silenceLimitMs = 60_000

export function startStreamProcess(options: StreamProcessOptions): StreamProcess {
  const { clock = systemClock, log } = options
  const statuses = new Map(options.streams.map((name) => [name, startingStatus(name)]))
  const stopping = new AbortController()
  let child: Child<ToStreams> | null = null
  let lastWordMs = clock.monotonicMs()

  const onMessage = (message: FromStreams): void => {
    lastWordMs = clock.monotonicMs()
    if (message.is === 'ready')
      child?.send({
        is: 'start',
        project: options.project,
        streams: [...options.streams],
        endpoints: options.endpoints,
        instance: options.instance,
      })
    else if (message.is === 'status') statuses.set(message.status.stream, message.status)
    else if (message.is === 'log') logLine(log, message.line)
    else if (message.is === 'stopped') child?.kill()
  }

  const run = async (): Promise<void> => {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      const startedMs = clock.monotonicMs()
      let isSilent = false
      lastWordMs = startedMs
      const spawned = spawnChild<ToStreams, FromStreams>({
        role: 'streams',
        owner: options.owner,
        onMessage,
        onLine: (line) => log.info(line),
      })
      child = spawned
      options.onSpawn(spawned.pid)
      const watch = setInterval(() => {
        isSilent = clock.monotonicMs() - lastWordMs > silenceLimitMs
        if (isSilent) spawned.kill()
      }, 1_000).unref()
      const exit = await spawned.exited
      clearInterval(watch)
      options.onExit(spawned.pid)
      if (stopping.signal.aborted) return
      if (clock.monotonicMs() - startedMs > 60_000) attempt = 0
      const how = isSilent ? `it said nothing for ${silenceLimitMs / 1_000} s: a step may loop` : describeExit(exit)
      const error = new MillraceError('CHILD_EXITED', `The stream process ended (${how}) and is started again.`)
      log.error(error.message)
      for (const [name, status] of statuses) {
        statuses.set(name, { ...status, state: { is: 'retrying', error: error.toJSON(), sinceMs: clock.nowMs(), attempt } })
      }
      await clock.sleep(backoffMs(attempt, { initialMs: 100, maxMs: 10_000 }), stopping.signal).catch(() => undefined)
    }
  }
  const done = run()

  return {
    statuses: () => [...statuses.values()],
    stop: async (graceMs) => {
      stopping.abort()
      child?.send({ is: 'stop' })
      const stopTimer = clock.after(graceMs, () => child?.kill())
      await done
      stopTimer()
    },
  }
}

/** Lines of the child's logger are JSON already: their level and message are kept, its time is not needed twice. */
function logLine(log: Logger, line: string): void {
  const parsed: unknown = JSON.parse(line)
  if (typeof parsed !== 'object' || parsed === null) return
  const { level, message, part, at: _at, ...fields } = parsed as Record<string, unknown>
  log[level === 'error' || level === 'warn' ? level : 'info'](String(message), { from: part, ...fields })
}
