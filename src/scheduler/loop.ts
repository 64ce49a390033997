import { isDeepStrictEqual } from 'node:util'
import type { AttemptId } from '../core/index.ts'
import { backoffMs, messageOf, MillraceError, type Clock, type Logger } from '../platform/index.ts'
import { advanceRun, wakeTasks } from './advance.ts'
import { AttemptLog, attemptLogPath } from './attempt-log.ts'
import { claimTasks, type Claim } from './claim.ts'
import { DefinitionCache } from './definitions.ts'
import { recordEnd, type EndedAttempt } from './finish.ts'
import { findStopped, latestEpoch, loseExpired, loseUnbegun, nextEpoch, renewLeases, takeOver, touchStalled, type Lost } from './leases.ts'
import { LiveAttempts } from './live-attempts.ts'
import { lockRuns } from './row-locks.ts'
import { createScheduledRuns, expireRuns, startQueuedRuns } from './runs.ts'
import type { StoreTransaction } from './store/metadata-store.ts'
import type { WatchedStore } from './store/watched-store.ts'
import { newTurn, runName, touch, type RunKey, type Turn } from './turn.ts'
import type { ChangeEvent, StartAttempt } from './types.ts'

/** The longest sleep: a wall clock that was set forward is noticed after it. */
const maxSleepMs = 60_000
/** After a turn that the store refused (a full disk). */
const pauseAfterErrorMs = 1_000
/** While the store is away: how soon it is asked again. */
const backoff = { initialMs: 200, maxMs: 2_000 }
/** After a turn that left something to another scheduler, which held it. */
const pauseAfterSkipMs = { initialMs: 30, maxMs: 30 }
/** How often runs are looked for that nobody advances. */
const stalledEveryMs = 5_000

export interface LoopOptions {
  store: WatchedStore
  /** Who this is over restarts. */
  instance: string
  leaseMs: number
  /** On a shared store: the longest sleep, after which the work of other schedulers is noticed. */
  pollMs: number
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
  lost: Lost[]
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
  readonly #touched = new Map<string, RunKey>()
  #renewedMs = 0
  #sweptMs = 0
  /** Turns that failed one after another. */
  #failures = 0
  /** True after a transaction whose commit may or may not have been done. */
  #unsure = false
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

  /** Results that are not in the store yet. */
  get unrecorded(): number {
    return this.#ended.length
  }

  /** Takes the store over: the epoch is bumped, and what earlier starts left running is lost and to be tried again (P7). */
  async takeOver(): Promise<void> {
    const { store, clock, instance } = this.#options
    const { lost, active } = await store.transaction(async (trx) => {
      this.#epoch = await nextEpoch({ trx })
      return takeOver(this.#newTurn(trx), instance)
    })
    for (const run of active) this.touch(run)
    this.#tellLost(lost)
    this.#renewedMs = clock.monotonicMs()
  }

  #tellLost(lost: readonly Lost[]): void {
    const { log, logsDir } = this.#options
    for (const { id, note } of lost) {
      log.warn(`Task ${id.taskId} of run ${id.runId}, attempt ${id.attempt}: ${note}`)
      this.live.closeLog(new AttemptLog(attemptLogPath(logsDir, id), log), note)
    }
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

  touch(key: RunKey): void {
    this.#touched.set(runName(key), key)
  }

  onChange(listener: (event: ChangeEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A change asked for from outside, in a turn of its own; the loop goes on from it. */
  async change<T>(action: (turn: Turn) => Promise<T>): Promise<T> {
    const { turn, value } = await this.#options.store.transaction(async (trx) => {
      const turn = this.#newTurn(trx)
      return { turn, value: await action(turn) }
    })
    for (const key of turn.touched.values()) this.touch(key)
    this.#settle(turn)
    this.wake()
    return value
  }

  #newTurn(trx: StoreTransaction): Turn {
    const { clock, leaseMs } = this.#options
    const { store } = this.#options.store
    const nowMs = clock.nowMs()
    const leaseTime = (plusMs: number) => store.leaseTime(nowMs, plusMs)
    return newTurn({ trx, nowMs, epoch: this.#epoch, shared: store.shared, leaseMs, leaseTime, definitions: this.definitions })
  }

  async #turns(): Promise<void> {
    // Yields once, so that events of the same instant make one turn.
    await Promise.resolve()
    while (this.#woken && this.#state !== 'stopped') {
      this.#woken = false
      this.#cancelTimer()
      try {
        this.#sleepUntil(await this.#turn())
        this.#failures = 0
      } catch (error) {
        if (this.#isStopped()) return
        this.#cancelTimer = this.#options.clock.after(this.#pauseAfter(error), () => this.wake())
        return
      }
    }
  }

  /** A store that is away is told of once, by the one who watches it, and asked again soon; what has ended is kept, in order. */
  #pauseAfter(error: unknown): number {
    const isAway = error instanceof MillraceError && error.code === 'METADATA_UNAVAILABLE'
    if (!isAway) this.#options.log.error(`A scheduler turn failed and will be tried again: ${messageOf(error)}`, { error })
    return isAway ? backoffMs(this.#failures++, backoff) : pauseAfterErrorMs
  }

  #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  async #turn(): Promise<number | null> {
    this.live.endSilent()
    await this.#renewLeases()
    const ended = [...this.#ended]
    const touched = new Map(this.#touched)
    const { turn, planned } = await this.#inTransaction(async (turn) => {
      await this.#checkOwner(turn)
      for (const key of touched.values()) touch(turn, key)
      return { turn, planned: await this.#plan(turn, ended) }
    })
    // Only what is committed is forgotten; a refused turn finds it all again.
    this.#ended = this.#ended.slice(ended.length)
    for (const [name, key] of touched) if (this.#touched.get(name) === key) this.#touched.delete(name)
    for (const key of turn.touched.values()) this.touch(key)
    for (const { log, note, id } of planned.notes) {
      if (note === null)
        this.#options.log.warn(`The result of task ${id.taskId}, attempt ${id.attempt}, was refused: it is no longer its running attempt.`)
      this.live.closeLog(log, note ?? 'refused: this is no longer the running attempt of the task')
    }
    this.#tellLost(planned.lost)
    this.#settle(turn)
    for (const claim of planned.claims) this.live.start(claim)
    // Closed while this turn was under way: what it claimed is stopped as well.
    if (this.#state === 'draining') this.live.cancelAll('shutdown', 'shutdown')
    return turn.skipped ? this.#options.clock.nowMs() + backoffMs(0, pauseAfterSkipMs) : planned.nextWakeMs
  }

  async #inTransaction<T>(action: (turn: Turn) => Promise<T>): Promise<T> {
    try {
      const value = await this.#options.store.transaction((trx) => action(this.#newTurn(trx)))
      this.#unsure = false
      return value
    } catch (error) {
      this.#unsure = true
      throw error
    }
  }

  /** In a transaction of its own, before all else: while this scheduler lives and reaches the store, nobody takes its tasks. */
  async #renewLeases(): Promise<void> {
    const { store, clock, leaseMs } = this.#options
    if (!store.store.shared || this.live.size === 0) return
    const nowMs = clock.monotonicMs()
    if (store.health.is === 'ok' && nowMs - this.#renewedMs < leaseMs / 3) return
    const kept = await store.transaction((trx) => renewLeases(this.#newTurn(trx)))
    this.#renewedMs = nowMs
    this.live.endTaken(kept)
  }

  async #plan(turn: Turn, ended: { ended: EndedAttempt; log: AttemptLog }[]): Promise<PlannedTurn> {
    const notes: PlannedTurn['notes'] = []
    await lockRuns(
      turn,
      ended.map(({ ended: { id } }) => id),
      'wait',
    )
    for (const { ended: end, log } of ended) notes.push({ log, id: end.id, note: await recordEnd(turn, end) })
    const lost = turn.shared ? await this.#lookAfterOthers(turn) : []
    // What has ended while this one drains is followed up: no other scheduler would.
    if (this.#state === 'draining') await advanceTouched(turn)
    if (this.#state !== 'working') return { claims: [], notes, lost, nextWakeMs: null }
    let expiresMs = await expireRuns(turn)
    const wakeTaskMs = await wakeTasks(turn)
    let scheduledMs: number | null = null
    for (let again = true; again;) {
      scheduledMs = await createScheduledRuns(turn)
      await startQueuedRuns(turn)
      again = await advanceTouched(turn)
    }
    const claims = await claimTasks(turn, this.#options.maxConcurrentTasks - this.live.size)
    // Looked at again: runs that have just started may have a time-out.
    if (turn.changes.length > 0) expiresMs = await expireRuns(turn)
    const due = [scheduledMs, wakeTaskMs, expiresMs].filter((ms) => ms !== null)
    return { claims, notes, lost, nextWakeMs: due.length > 0 ? Math.min(...due) : null }
  }

  /** On a shared store: what other schedulers, or a commit without an answer, have left behind (P7). */
  async #lookAfterOthers(turn: Turn): Promise<Lost[]> {
    const { store, clock, leaseMs } = this.#options
    const lost: Lost[] = []
    if (this.#unsure) {
      // Asked of all that has ended by now, not of what this turn records: one may end while the turn is under way.
      const hasEnded = (id: AttemptId): boolean => this.#ended.some(({ ended }) => isDeepStrictEqual(ended.id, id))
      lost.push(...(await loseUnbegun(turn, (id) => this.live.has(id) || hasEnded(id))))
    }
    if (this.live.size > 0) turn.stopped.push(...(await findStopped(turn)))
    if (this.#state !== 'working') return lost
    if (store.contactMs >= leaseMs) lost.push(...(await loseExpired(turn)))
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#sweptMs >= stalledEveryMs) {
      await touchStalled(turn)
      this.#sweptMs = nowMs
    }
    return lost
  }

  async #checkOwner(turn: Turn): Promise<void> {
    const latest = await latestEpoch(turn, this.#options.instance)
    if (latest === this.#epoch) return
    const message = `Another scheduler has taken over the metadata store (epoch ${latest ?? 'none'}, this one is ${this.#epoch}).`
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
    const { clock, store, pollMs } = this.#options
    const longestMs = store.store.shared ? Math.min(pollMs, maxSleepMs) : maxSleepMs
    const sleepMs = wakeMs === null ? longestMs : Math.min(longestMs, Math.max(1, wakeMs - clock.nowMs()))
    this.#cancelTimer = clock.after(sleepMs, () => this.wake())
  }

  /** Ends it before it has begun. */
  async halt(): Promise<void> {
    this.#state = 'stopped'
    this.#cancelTimer()
    await this.#running
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
    // A turn that a failed one has put off would run beside the last.
    this.#cancelTimer()
    if (this.#ended.length > 0) {
      await this.#turn().catch((error: unknown) => this.#options.log.error(`The last results could not be recorded: ${messageOf(error)}`))
    }
    this.#state = 'stopped'
    this.#cancelTimer()
    await this.live.flushed()
  }
}

/** Those that another scheduler holds stay touched. @returns true when a run ended: its dag may have room for the next */
async function advanceTouched(turn: Turn): Promise<boolean> {
  let ended = false
  const held = await lockRuns(turn, [...turn.touched.values()], 'skip')
  // Those that are advanced touch themselves again: a second look finds nothing more to do.
  for (const [name, key] of turn.touched) {
    if (!held.has(name)) continue
    const before = turn.changes.length
    await advanceRun(turn, key)
    ended ||= turn.changes.slice(before).some((change) => change.taskId === undefined)
    turn.touched.delete(name)
  }
  return ended
}
