import type { AttemptId, Endpoints, FromTask, SpanData, ToTask } from '../../core/index.ts'
import { MillraceError, systemClock, type Clock } from '../../platform/index.ts'
import type { AttemptEnd, StartAttempt } from '../../scheduler/index.ts'
import { describeExit, spawnChild, type Child, type ChildExit } from './child.ts'

/** Runs attempts in child processes, one attempt a child at a time, and keeps one child warm. */
export interface TaskPool {
  readonly start: StartAttempt
  /** Makes the warm child now, so that the first task need not wait for a process. */
  warm(): void
  /** Replaces the warm child: it holds code of earlier definitions. Those at work end as they would. */
  renew(): void
  close(): Promise<void>
}

interface TaskPoolOptions {
  owner: string
  endpoints: () => Promise<Endpoints>
  onLine: (line: string) => void
  onSpawn: (pid: number) => void
  onExit: (pid: number) => void
  onDebugger?: (url: string) => void
  /** Spans of attempts that are traced. */
  onSpans?: (spans: readonly SpanData[]) => void
  clock?: Clock
}

type Observer = Parameters<StartAttempt>[1]

interface PooledChild {
  child: Child<ToTask>
  /** The attempt it runs. */
  busy: { attempt: AttemptId; on: Observer; end: (end: AttemptEnd) => void; cancelled: string | null } | null
}

export function createTaskPool(options: TaskPoolOptions): TaskPool {
  const { clock = systemClock } = options
  const idle: PooledChild[] = []
  const all = new Set<PooledChild>()
  let closed = false

  const spawn = (): PooledChild => {
    const pooled: PooledChild = {
      busy: null,
      child: spawnChild<ToTask, FromTask>({
        role: 'tasks',
        owner: options.owner,
        ...(options.onDebugger ? { onDebugger: options.onDebugger } : {}),
        onLine: (line) => (pooled.busy ? pooled.busy.on.log(line, clock.nowMs()) : options.onLine(line)),
        onMessage: (message) => onMessage(pooled, message),
      }),
    }
    all.add(pooled)
    options.onSpawn(pooled.child.pid)
    void pooled.child.exited.then((exit) => onExit(pooled, exit))
    return pooled
  }

  const onMessage = (pooled: PooledChild, message: FromTask): void => {
    const { busy } = pooled
    if (message.is === 'spans') options.onSpans?.(message.spans)
    if (busy === null) return
    if (message.is === 'log') busy.on.log(message.line, message.at)
    else if (message.is === 'progress') busy.on.progress(message.done, message.total)
    else if (message.is === 'xcom') busy.on.xcom(message.key, message.value)
    else if (message.is === 'end' && isSame(message.attempt, busy.attempt)) {
      pooled.busy = null
      busy.end(busy.cancelled === null ? message.result : { is: 'cancelled', reason: busy.cancelled })
      // One warm child is enough, and one that ran a cancelled attempt may still hold what that left behind.
      if (closed || busy.cancelled !== null || idle.length > 0) pooled.child.kill()
      else idle.push(pooled)
    }
  }

  const onExit = (pooled: PooledChild, exit: ChildExit): void => {
    all.delete(pooled)
    options.onExit(pooled.child.pid)
    const at = idle.indexOf(pooled)
    if (at >= 0) idle.splice(at, 1)
    pooled.busy?.end(pooled.busy.cancelled === null ? endOf(exit) : { is: 'cancelled', reason: pooled.busy.cancelled })
    pooled.busy = null
  }

  const start: StartAttempt = ({ attempt, task, ctx }, on) => {
    const pooled = idle.pop() ?? spawn()
    const end = new Promise<AttemptEnd>((resolve) => {
      pooled.busy = { attempt, on, end: resolve, cancelled: null }
    })
    // A child of ours is alive until it exits, also while its task keeps its event loop busy for minutes (P7).
    const beat = setInterval(() => on.heartbeat(), 1_000).unref()
    void end.then(() => clearInterval(beat))
    void options.endpoints().then((endpoints) => pooled.child.send({ is: 'run', attempt, task, ctx, endpoints }))
    return {
      end,
      cancel: (reason, graceMs) => {
        if (pooled.busy === null || !isSame(pooled.busy.attempt, attempt)) return
        pooled.busy.cancelled = reason
        pooled.child.send({ is: 'cancel', reason, graceMs })
        const stopTimer = clock.after(graceMs, () => pooled.child.kill())
        void end.then(stopTimer)
      },
    }
  }

  const warm = (): void => {
    if (idle.length === 0 && !closed) idle.push(spawn())
  }

  return {
    start,
    warm,
    renew: () => {
      for (const { child } of idle.splice(0)) child.kill()
      warm()
    },
    close: async () => {
      closed = true
      const exits = [...all].map((pooled) => pooled.child.exited)
      for (const pooled of all) pooled.child.kill()
      await Promise.all(exits)
    },
  }
}

function isSame(a: AttemptId, b: AttemptId): boolean {
  return a.dagId === b.dagId && a.runId === b.runId && a.taskId === b.taskId && a.attempt === b.attempt && a.epoch === b.epoch
}

/** A process that user code ended, or that ran out of memory, failed; one that was killed from outside is lost and tried again. */
function endOf(exit: ChildExit): AttemptEnd {
  const how = describeExit(exit)
  if (exit.code !== null || how === 'out of memory') {
    const error = new MillraceError('CHILD_EXITED', `The task's process ended before the task did: ${how}.`, {
      details: { exitCode: exit.code, signal: exit.signal },
    })
    return { is: 'failed', error: error.toJSON(), retriable: true }
  }
  return { is: 'lost', reason: `its process was ${how}` }
}
