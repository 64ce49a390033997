import { messageOf, MillraceError, type Clock, type Logger } from '../platform/index.ts'
import { advanceRun, wakeTasks } from './advance.ts'
import { AttemptLog, attemptLogPath } from './attempt-log.ts'
import { claimTasks, renewLeases, type Claim } from './claim.ts'
import { DefinitionCache } from './definitions.ts'
import { loseOrphans, recordEnd, type EndedAttempt } from './finish.ts'
import { LiveAttempts } from './live-attempts.ts'
import { createScheduledRuns, expireRuns, startQueuedRuns } from './runs.ts'
import type { Store, StoreTransaction } from './store/open-store.ts'
import { newTurn, touch, type Turn } from './turn.ts'
import type { ChangeEvent, StartAttempt } from './types.ts'

/** The longest sleep: a wall clock that was set forward is noticed after it. */
const maxSleepMs = 60_000
/** After a turn that the store refused (a full disk). */
const pauseAfterErrorMs = 1_000

export interface LoopOptions {
  store: Store
  logsDir: string
  startAttempt: StartAttempt
  clock: Clock
  log: Logger
  maxConcurrentTasks: number
  /** Another scheduler has taken the store over: this one has stopped. */
  onSuperseded: (error: MillraceError) => void
}

interface PlannedTurn {
  claims: Claim[]
  notes: { log: AttemptLog; note: string | null; id: EndedAttempt['id'] }[]
  nextWakeMs: number | null
}

/**
 * The scheduler's one loop: a turn is one transaction that records what ended, makes what is due, and claims what is ready. It
 * runs at each event and at the computed next time; never on a fixed beat.
 */
export class SchedulerLoop {
  readonly definitions = new DefinitionCache()
  readonly live: LiveAttempts
  readonly #options: LoopOptions
  readonly #listeners = new Set<(event: ChangeEvent) => void>()
  #epoch = 0
  /** `idle` until definitions are registered; `draining` records ends and claims nothing. */
  #state: 'idle' | 'working' | 'draining' | 'stopped' = 'idle'
  #ended: { ended: EndedAttempt; log: AttemptLog }[] = []
  readonly #touched = new Map<string, { dagId: string; runId: string }>()
  #renewedMs = 0
  #cancelTimer: () => void = () => {}
  #woken = false
  #running: Promise<void> | null = null
  #onTurnDone: () => void = () => {}

  constructor(options: LoopOptions) {
    this.#options = options
    const { startAttempt, logsDir, clock, log } = options
    this.live = new LiveAttempts({
      startAttempt,
      logsDir,
      clock,
      log,
      onEnd: (ended, attemptLog) => {
        if (this.#isStopped()) return this.live.closeLog(attemptLog, 'refused: another scheduler has taken over')
        this.#ended.push({ ended, log: attemptLog })
        this.wake()
      },
    })
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Takes the store over: the epoch is bumped, and what earlier owners left running is lost and to be tried again (P7). */
  async takeOver(): Promise<void> {
    const { store, clock, logsDir, log } = this.#options
    const lost = await store.transaction().execute(async (trx) => {
      const owner = await trx.selectFrom('owner').select('epoch').where('id', '=', 1).executeTakeFirst()
      this.#epoch = (owner?.epoch ?? 0) + 1
      if (owner) await trx.updateTable('owner').set({ epoch: this.#epoch }).where('id', '=', 1).execute()
      else await trx.insertInto('owner').values({ id: 1, epoch: this.#epoch }).execute()
      const orphans = await loseOrphans(this.#newTurn(trx))
      const active = await trx.selectFrom('dag_run').select(['dag_id', 'run_id']).where('state', '=', 'running').execute()
      for (const run of active) this.touch({ dagId: run.dag_id, runId: run.run_id })
      return orphans
    })
    for (const { id, note } of lost) {
      log.warn(`Task ${id.taskId} of run ${id.runId}, attempt ${id.attempt}: ${note}`)
      this.live.closeLog(new AttemptLog(attemptLogPath(logsDir, id), log), note)
    }
    this.#renewedMs = clock.nowMs()
  }

  work(): void {
    if (this.#state === 'idle') this.#state = 'working'
    this.wake()
  }

  /** Has a turn run soon; several calls make one turn. */
  wake(): void {
    this.#woken = true
    if (this.#running || this.#state === 'stopped') return
    this.#running = this.#turns().finally(() => {
      this.#running = null
      this.#onTurnDone()
      // An event that came after the last look.
      if (this.#woken) this.wake()
    })
  }

  touch(key: { dagId: string; runId: string }): void {
    this.#touched.set(`${key.dagId} ${key.runId}`, key)
  }

  onChange(listener: (event: ChangeEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A change asked for from outside, in a turn of its own; the loop goes on from it. */
  async change<T>(action: (turn: Turn) => Promise<T>): Promise<T> {
    const { turn, value } = await this.#options.store.transaction().execute(async (trx) => {
      const turn = this.#newTurn(trx)
      return { turn, value: await action(turn) }
    })
    for (const key of turn.touched.values()) this.touch(key)
    this.#settle(turn)
    this.wake()
    return value
  }

  #newTurn(trx: StoreTransaction): Turn {
    return newTurn({ trx, nowMs: this.#options.clock.nowMs(), epoch: this.#epoch, definitions: this.definitions })
  }

  async #turns(): Promise<void> {
    // Yields once, so that events of the same instant make one turn.
    await Promise.resolve()
    while (this.#woken && this.#state !== 'stopped') {
      this.#woken = false
      this.#cancelTimer()
      try {
        this.#sleepUntil(await this.#turn())
      } catch (error) {
        if (this.#isStopped()) return
        this.#options.log.error(`A scheduler turn failed and will be tried again: ${messageOf(error)}`, { error })
        this.#cancelTimer = this.#options.clock.after(pauseAfterErrorMs, () => this.wake())
        return
      }
    }
  }

  #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  async #turn(): Promise<number | null> {
    const { store } = this.#options
    this.live.endSilent()
    const ended = [...this.#ended]
    const touched = new Map(this.#touched)
    const { turn, planned } = await store.transaction().execute(async (trx) => {
      const turn = this.#newTurn(trx)
      await this.#checkOwner(turn)
      for (const key of touched.values()) touch(turn, key)
      return { turn, planned: await this.#plan(turn, ended) }
    })
    // Only what is committed is forgotten; a refused turn finds it all again.
    this.#ended = this.#ended.slice(ended.length)
    for (const [name, key] of touched) if (this.#touched.get(name) === key) this.#touched.delete(name)
    if (this.#state !== 'working') for (const key of turn.touched.values()) this.touch(key)
    for (const { log, note, id } of planned.notes) {
      if (note === null)
        this.#options.log.warn(`The result of task ${id.taskId}, attempt ${id.attempt}, was refused: it is no longer its running attempt.`)
      this.live.closeLog(log, note ?? 'refused: this is no longer the running attempt of the task')
    }
    this.#settle(turn)
    for (const claim of planned.claims) this.live.start(claim)
    return planned.nextWakeMs
  }

  async #plan(turn: Turn, ended: { ended: EndedAttempt; log: AttemptLog }[]): Promise<PlannedTurn> {
    const notes: PlannedTurn['notes'] = []
    for (const { ended: end, log } of ended) notes.push({ log, id: end.id, note: await recordEnd(turn, end) })
    if (this.live.size > 0 && Math.abs(turn.nowMs - this.#renewedMs) >= maxSleepMs) {
      await renewLeases(turn)
      this.#renewedMs = turn.nowMs
    }
    if (this.#state !== 'working') return { claims: [], notes, nextWakeMs: null }
    await expireRuns(turn)
    const wakeTaskMs = await wakeTasks(turn)
    let scheduledMs: number | null = null
    for (let again = true; again;) {
      scheduledMs = await createScheduledRuns(turn)
      await startQueuedRuns(turn)
      again = await advanceTouched(turn)
    }
    const claims = await claimTasks(turn, this.#options.maxConcurrentTasks - this.live.size)
    // Looked at again: runs that have just started may have a time-out.
    const due = [scheduledMs, wakeTaskMs, await expireRuns(turn)].filter((ms) => ms !== null)
    return { claims, notes, nextWakeMs: due.length > 0 ? Math.min(...due) : null }
  }

  async #checkOwner(turn: Turn): Promise<void> {
    const owner = await turn.trx.selectFrom('owner').select('epoch').where('id', '=', 1).executeTakeFirst()
    if (owner?.epoch === this.#epoch) return
    const message = `Another scheduler has taken over the metadata store (epoch ${owner?.epoch ?? 'none'}, this one is ${this.#epoch}).`
    const error = new MillraceError('DATA_DIR_IN_USE', message)
    this.#state = 'stopped'
    this.live.cancelAll('shutdown', 'another scheduler has taken over')
    this.#options.onSuperseded(error)
    throw error
  }

  /** What a committed turn brings about outside the store. */
  #settle(turn: Turn): void {
    for (const { reason, ...key } of turn.stopped) this.live.cancelRun(key, reason)
    for (const event of turn.changes) {
      for (const listener of this.#listeners) {
        try {
          listener(event)
        } catch (error) {
          this.#options.log.error(`A listener of scheduler changes failed: ${messageOf(error)}`, { error })
        }
      }
    }
  }

  #sleepUntil(wakeMs: number | null): void {
    if (this.#state !== 'working') return
    const sleepMs = wakeMs === null ? maxSleepMs : Math.min(maxSleepMs, Math.max(1, wakeMs - this.#options.clock.nowMs()))
    this.#cancelTimer = this.#options.clock.after(sleepMs, () => this.wake())
  }

  /** Claims nothing more, stops what runs with grace, and records it so that the next start runs it again. */
  async close(): Promise<void> {
    if (this.#state === 'stopped') {
      this.live.abandon('left to the scheduler that has taken over')
      return this.live.flushed()
    }
    this.#state = 'draining'
    this.live.cancelAll('shutdown', 'shutdown')
    while (this.live.size > 0 || this.#running) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onTurnDone = resolve
      await promise
    }
    if (this.#ended.length > 0) {
      await this.#turn().catch((error: unknown) => this.#options.log.error(`The last results could not be recorded: ${messageOf(error)}`))
    }
    this.#state = 'stopped'
    this.#cancelTimer()
    await this.live.flushed()
  }
}

/** @returns true when a run ended: its dag may have room for the next */
async function advanceTouched(turn: Turn): Promise<boolean> {
  let ended = false
  for (const [name, key] of turn.touched) {
    turn.touched.delete(name)
    const before = turn.changes.length
    await advanceRun(turn, key)
    ended ||= turn.changes.slice(before).some((change) => change.taskId === undefined)
  }
  turn.touched.clear()
  return ended
}
