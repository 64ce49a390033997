import type { AttemptId, Json } from '../core/index.ts'
import { messageOf, MillraceError, type Clock, type Logger } from '../platform/index.ts'
import { AttemptLog, attemptLogPath } from './attempt-log.ts'
import type { Claim } from './claim.ts'
import { maxXcomBytes, type CancelCause, type EndedAttempt } from './finish.ts'
import { describeMs } from './retry.ts'
import type { RunKey } from './turn.ts'
import type { AttemptEnd, AttemptEvents, StartAttempt, StartedAttempt } from './types.ts'

export const graceMs = 5_000
/** An attempt that gives no sign of life for this long is taken for lost. */
const silenceMs = 300_000
/** After the grace, for the process to be killed and its end to be told. */
const killMs = 5_000

interface LiveAttempt {
  claim: Claim
  log: AttemptLog
  started: StartedAttempt | null
  cancelled: { cause: CancelCause; reason: string } | null
  /** Monotonic time of the last sign of life. */
  seenMs: number
  progress: { done: number; total: number | null } | null
  xcoms: Map<string, Json>
  timers: (() => void)[]
}

/**
 * The attempts in processes now. Each ends exactly once, by what its process says, by silence after a cancel, or by a lease that ran
 * out; whatever it says later is refused (P7).
 */
export class LiveAttempts {
  readonly #live = new Map<string, LiveAttempt>()
  readonly #closingLogs = new Set<Promise<void>>()
  readonly #options: {
    startAttempt: StartAttempt
    logsDir: string
    clock: Clock
    log: Logger
    onEnd: (ended: EndedAttempt, log: AttemptLog) => void
  }

  constructor(options: {
    startAttempt: StartAttempt
    logsDir: string
    clock: Clock
    log: Logger
    onEnd: (ended: EndedAttempt, log: AttemptLog) => void
  }) {
    this.#options = options
  }

  get size(): number {
    return this.#live.size
  }

  start(claim: Claim): void {
    const { clock, logsDir, log } = this.#options
    const attemptLog = new AttemptLog(attemptLogPath(logsDir, claim.attempt), log)
    const live: LiveAttempt = {
      claim,
      log: attemptLog,
      started: null,
      cancelled: null,
      seenMs: clock.monotonicMs(),
      progress: null,
      xcoms: new Map(),
      timers: [],
    }
    this.#live.set(keyOf(claim.attempt), live)
    attemptLog.note(`${claim.title} started`, clock.nowMs())
    const { executionTimeoutMs } = claim
    if (executionTimeoutMs !== null) {
      const reason = `the attempt took longer than its executionTimeout of ${describeMs(executionTimeoutMs)}`
      live.timers.push(clock.after(executionTimeoutMs, () => this.#cancel(live, 'timeout', reason)))
    }
    this.#launch(live)
  }

  #launch(live: LiveAttempt): void {
    const { attempt, task, ctx, executionTimeoutMs } = live.claim
    try {
      live.started = this.#options.startAttempt({ attempt, task, ctx, executionTimeoutMs }, this.#events(live))
      live.started.end.then(
        (end) => this.#end(live, end),
        (error: unknown) => this.#end(live, { is: 'lost', reason: messageOf(error) }),
      )
    } catch (error) {
      this.#end(live, { is: 'lost', reason: `it could not be started: ${messageOf(error)}` })
    }
  }

  #events(live: LiveAttempt): AttemptEvents {
    const alive = (): boolean => {
      live.seenMs = this.#options.clock.monotonicMs()
      return this.#isLive(live)
    }
    return {
      log: (line, at) => {
        if (alive()) live.log.line(line, at)
      },
      progress: (done, total) => {
        if (alive()) live.progress = { done, total }
      },
      xcom: (key, value) => {
        if (alive()) this.#keepXcom(live, key, value)
      },
      heartbeat: () => {
        alive()
      },
    }
  }

  /** Kept until the attempt succeeds. One that is too large is kept as it is: it then fails the attempt, naming the key. */
  #keepXcom(live: LiveAttempt, key: string, value: Json): void {
    live.xcoms.set(key, value)
    if ((JSON.stringify(value) ?? '').length > maxXcomBytes) {
      live.log.note(`the xcom "${key}" is over the limit of 48 KiB: the attempt will fail`, this.#options.clock.nowMs())
    }
  }

  cancelRun(key: RunKey, reason: string): void {
    for (const live of this.#live.values()) {
      const { attempt } = live.claim
      if (attempt.dagId === key.dagId && attempt.runId === key.runId) this.#cancel(live, 'run', reason)
    }
  }

  cancelAll(cause: CancelCause, reason: string): void {
    for (const live of this.#live.values()) this.#cancel(live, cause, reason)
  }

  /** A second cause does not replace the first: the process is told once. */
  #cancel(live: LiveAttempt, cause: CancelCause, reason: string): void {
    if (live.cancelled || !this.#isLive(live)) return
    const { clock } = this.#options
    live.cancelled = { cause, reason }
    live.log.note(`told to stop (${reason}), ${describeMs(graceMs)} of grace`, clock.nowMs())
    live.timers.push(
      clock.after(graceMs + killMs, () => {
        const waited = `told to stop (${reason}), it did not end within ${describeMs(graceMs + killMs)}`
        this.#end(live, { is: 'lost', reason: waited }, true)
      }),
    )
    try {
      live.started?.cancel(reason, graceMs)
    } catch (error) {
      this.#options.log.warn(`An attempt of ${live.claim.attempt.taskId} could not be cancelled: ${messageOf(error)}`)
    }
  }

  /** Ends those without a sign of life for minutes: a process that hangs holds its task no longer. */
  endSilent(): void {
    const nowMs = this.#options.clock.monotonicMs()
    for (const live of this.#live.values()) {
      if (nowMs - live.seenMs >= silenceMs) this.#giveUp(live, `no sign of life for ${describeMs(silenceMs)}`)
    }
  }

  /** Ends those that are not among `kept`: their leases ran out and another scheduler has taken their tasks (P7). */
  endTaken(kept: readonly AttemptId[]): void {
    const names = new Set(kept.map((id) => `${keyOf(id)} ${id.attempt}`))
    for (const live of this.#live.values()) {
      const { attempt } = live.claim
      if (!names.has(`${keyOf(attempt)} ${attempt.attempt}`))
        this.#giveUp(live, 'its lease ran out while the metadata store could not be reached')
    }
  }

  #giveUp(live: LiveAttempt, reason: string): void {
    try {
      live.started?.cancel(reason, 0)
    } catch (error) {
      this.#options.log.warn(`An attempt of ${live.claim.attempt.taskId} could not be cancelled: ${messageOf(error)}`)
    }
    this.#end(live, { is: 'lost', reason }, true)
  }

  has(attempt: AttemptId): boolean {
    return this.#live.get(keyOf(attempt))?.claim.attempt.attempt === attempt.attempt
  }

  progressOf(attempt: { dagId: string; runId: string; taskId: string }): LiveAttempt['progress'] {
    return this.#live.get(keyOf(attempt))?.progress ?? null
  }

  #isLive(live: LiveAttempt): boolean {
    return this.#live.get(keyOf(live.claim.attempt)) === live
  }

  #end(live: LiveAttempt, end: AttemptEnd, silent = false): void {
    if (!this.#isLive(live)) {
      const { taskId, attempt } = live.claim.attempt
      this.#options.log.warn(`A late result of task ${taskId}, attempt ${attempt}, was refused.`, { ...live.claim.attempt, end: end.is })
      return
    }
    this.#live.delete(keyOf(live.claim.attempt))
    for (const cancelTimer of live.timers) cancelTimer()
    const { claim, cancelled, progress, xcoms, log } = live
    this.#options.onEnd({ id: claim.attempt, end: soundEnd(end), cancelled, silent, progress, xcoms }, log)
  }

  /** Lets go of all without a record: their processes are another scheduler's business. */
  abandon(note: string): void {
    for (const [key, live] of this.#live) {
      this.#live.delete(key)
      for (const cancelTimer of live.timers) cancelTimer()
      this.closeLog(live.log, note)
    }
  }

  /** Writes the last line and closes the file; `flushed` waits for it. */
  closeLog(log: AttemptLog, note: string): void {
    log.note(note, this.#options.clock.nowMs())
    const closing = log.close().finally(() => this.#closingLogs.delete(closing))
    this.#closingLogs.add(closing)
  }

  async flushed(): Promise<void> {
    await Promise.all(this.#closingLogs)
  }
}

/** What a process says may be anything; an end that cannot be stored would hold up all others. */
function soundEnd(end: AttemptEnd): AttemptEnd {
  try {
    if (end.is === 'deferred') new Date(end.untilMs).toISOString()
    JSON.stringify(end)
    return end
  } catch (error) {
    const message = `The task's end (${end.is}) cannot be recorded: ${messageOf(error)}`
    return { is: 'failed', error: new MillraceError('TASK_FAILED', message).toJSON(), retriable: false }
  }
}

function keyOf(task: { dagId: string; runId: string; taskId: string }): string {
  return `${task.dagId} ${task.runId} ${task.taskId}`
}
