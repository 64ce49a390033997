import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DagDef, Project, TaskDef } from '../core/index.ts'
import type { Clock } from '../platform/index.ts'
import { startSchedulerOn } from './scheduler.ts'
import { createTestStore, storeIsBusy, type TestStore } from './store-rig.ts'
import type { RunDetail } from '../core/index.ts'
import type { AttemptEnd, AttemptEvents, AttemptStart, SchedulerHandle, SchedulerOptions } from './types.ts'

/** For tests: a clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  #timers: { atMs: number; callback: () => void }[] = []

  constructor(start: string) {
    this.#wallMs = Date.parse(start)
  }

  nowMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve))
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#monotonicMs + ms, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Time passes: timers fire in order, what each sets off is done before the next. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms
    await settle()
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0]
      if (!next || next.atMs > endMs) break
      this.#pass(next.atMs - this.#monotonicMs)
      this.#timers = this.#timers.filter((other) => other !== next)
      next.callback()
      await settle()
    }
    this.#pass(endMs - this.#monotonicMs)
    await settle()
  }

  /** The wall clock is set; no time passes. */
  step(ms: number): void {
    this.#wallMs += ms
  }

  #pass(ms: number): void {
    this.#monotonicMs += ms
    this.#wallMs += ms
  }
}

/** Everything that needs no time to pass is done: between two transactions there are microtasks only. */
export async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet = storeIsBusy() ? 0 : quiet + 1) await new Promise((resolve) => setImmediate(resolve))
}

export interface ScriptedAttempt {
  run: AttemptStart
  on: AttemptEvents
  cancels: { reason: string; graceMs: number }[]
  end(end: AttemptEnd): Promise<void>
}

/** What an attempt does: ends at once with this, or is left open for the test to end. */
export type Script = (attempt: ScriptedAttempt) => AttemptEnd | null

export const ok: AttemptEnd = { is: 'ok', value: null }

export function failure(message = 'boom', retriable = true): AttemptEnd {
  return { is: 'failed', error: { code: 'TASK_FAILED', message, retriable }, retriable }
}

export interface Rig extends AsyncDisposable {
  dir: string
  store: TestStore
  clock: ManualClock
  attempts: ScriptedAttempt[]
  start(options?: Partial<SchedulerOptions>): Promise<SchedulerHandle>
  /** Lets go of schedulers whose store is dead: their attempts are told nothing. */
  abandon(): Promise<void>
  /** The latest attempt of a task. */
  attempt(taskId: string): ScriptedAttempt
}

/** A data folder, a clock and scripted attempts; schedulers are started (and started again) on them. */
export function createRig(script: Script = () => null, startsAt = '2026-03-02T12:00:00Z'): Rig {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-scheduler-'))
  const store = createTestStore(dir)
  const clock = new ManualClock(startsAt)
  const attempts: ScriptedAttempt[] = []
  const handles: SchedulerHandle[] = []
  const startAttempt: SchedulerOptions['startAttempt'] = (run, on) => {
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>()
    const attempt: ScriptedAttempt = {
      run,
      on,
      cancels: [],
      end: (end) => {
        resolve(end)
        return settle()
      },
    }
    attempts.push(attempt)
    const end = script(attempt)
    if (end) resolve(end)
    return { end: promise, cancel: (reason, graceMs) => void attempt.cancels.push({ reason, graceMs }) }
  }
  const closeAll = async (): Promise<void> => {
    for (const handle of handles.splice(0)) {
      const closed = handle.close()
      await clock.advance(20_000)
      await closed
    }
  }
  return {
    dir,
    store,
    clock,
    attempts,
    abandon: closeAll,
    start: async (options = {}) => {
      const handle = await startSchedulerOn(() => store.open(), {
        metadataPath: join(dir, 'metadata.sqlite'),
        instance: 'rig',
        pollMs: 60_000,
        logsDir: join(dir, 'logs'),
        startAttempt,
        clock,
        ...options,
      })
      handles.push(handle)
      return handle
    },
    attempt: (taskId) => {
      const found = attempts.findLast((attempt) => attempt.run.attempt.taskId === taskId)
      if (!found) throw new Error(`no attempt of ${taskId} was started`)
      return found
    },
    [Symbol.asyncDispose]: async () => {
      await closeAll()
      await store.remove()
      rmSync(dir, { recursive: true })
    },
  }
}

export function taskDef(id: string, options: Partial<TaskDef> = {}): TaskDef {
  return {
    id,
    fn: { module: import.meta.filename, export: 'jobs', node: id, digest: 'd1' },
    upstream: [],
    inputs: [],
    retries: 0,
    retryDelayMs: 10_000,
    retryExponentialBackoff: false,
    maxRetryDelayMs: 600_000,
    executionTimeoutMs: null,
    triggerRule: 'all_success',
    ...options,
  }
}

export function dagDef(tasks: TaskDef[], options: Partial<DagDef> = {}): DagDef {
  return {
    id: 'jobs',
    schedule: null,
    timezone: 'UTC',
    catchup: false,
    startDate: null,
    endDate: null,
    maxActiveRuns: 16,
    timeoutMs: null,
    params: {},
    tags: [],
    owner: null,
    at: null,
    tasks,
    ...options,
  }
}

export function projectOf(...dags: DagDef[]): Project {
  return { name: 'users', schemas: [], topics: [], tables: [], streams: [], dags }
}

/** `state` of each task by id. */
export function taskStates(run: RunDetail | null): Record<string, string> {
  return Object.fromEntries((run?.tasks ?? []).map((task) => [task.taskId, task.state]))
}
