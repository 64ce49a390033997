import { randomUUID } from 'node:crypto'
import { backoffMs, MillraceError, silentLogger, systemClock } from '../platform/index.ts'
import { attemptLogPath } from './attempt-log.ts'
import { runIdPattern, type Definition } from './definitions.ts'
import { SchedulerLoop } from './loop.ts'
import { registerProject, resolveProject } from './register.ts'
import { awaitDag, lockRuns } from './row-locks.ts'
import { createRun, runIdOf, stopRun } from './runs.ts'
import type { MetadataStore } from './store/metadata-store.ts'
import { openPostgresStore } from './store/postgres-store.ts'
import { parsePostgresUrl } from './store/postgres-url.ts'
import { openSqliteStore } from './store/sqlite-store.ts'
import type { DagTable } from './store/tables.ts'
import { WatchedStore } from './store/watched-store.ts'
import { manualInterval } from './timetable.ts'
import type { Turn } from './turn.ts'
import type { RunView } from '../core/index.ts'
import type { SchedulerHandle, SchedulerOptions, TriggerOptions } from './types.ts'
import { presentDag, readDags, readRun, readRunDetail, readRuns, type ViewContext } from './views.ts'

/**
 * Opens the store, takes it over under a new owner epoch, and finds what an earlier start left running. Nothing is started before
 * `register` (or `resume`). PostgreSQL that is away is waited for, until `signal` says otherwise; what only a person can mend is an error.
 * Errors: DATA_DIR_NEWER, DATA_CORRUPT, DISK_FULL, DISK_FAILED, CONFIG_INVALID, AUTHENTICATION_FAILED, NOT_FOUND.
 */
export async function startScheduler(options: SchedulerOptions, context: { signal?: AbortSignal } = {}): Promise<SchedulerHandle> {
  const { metadataUrl = null, metadataPath, project = null, log = silentLogger } = options
  if (metadataUrl === null) return startSchedulerOn(() => openSqliteStore(metadataPath), options, context)
  const target = parsePostgresUrl(metadataUrl, project)
  return startSchedulerOn(() => openPostgresStore({ target, project, log }), options, context)
}

/** The same on a store of the caller's choice. */
export async function startSchedulerOn(
  open: () => Promise<MetadataStore>,
  options: SchedulerOptions,
  context: { signal?: AbortSignal } = {},
): Promise<SchedulerHandle> {
  const {
    logsDir,
    startAttempt,
    clock = systemClock,
    log = silentLogger,
    maxConcurrentTasks = 4,
    leaseMs = 30_000,
    pollMs = 1_000,
  } = options
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  const { loop, watched } = await untilThere(options, context.signal, async () => {
    const store = await open()
    const watched: WatchedStore = new WatchedStore({
      store,
      clock,
      onAway: (error) => {
        log.error(`The metadata store is away: ${error.message} Running tasks go on; their results are recorded when it is back.`)
        loop.wake()
      },
      onBack: (awayMs) => log.info(`The metadata store is back after ${Math.round(awayMs / 1_000)} s.`, { unrecorded: loop.unrecorded }),
    })
    const loop: SchedulerLoop = new SchedulerLoop({
      store: watched,
      instance: options.instance ?? (store.shared ? randomUUID() : 'this folder'),
      leaseMs,
      pollMs,
      logsDir,
      startAttempt,
      clock,
      log,
      maxConcurrentTasks,
      onSuperseded: failed.reject,
    })
    try {
      await loop.takeOver()
      return { loop, watched }
    } catch (error) {
      await loop.halt()
      await store.close()
      throw error
    }
  })
  const view = <T>(read: (context: ViewContext) => Promise<T>): Promise<T> =>
    watched.transaction((trx) =>
      read({ trx, nowMs: clock.nowMs(), definitions: loop.definitions, logsDir, liveProgress: (task) => loop.live.progressOf(task) }),
    )
  const parts: Parts = { store: watched, loop, logsDir, view, failed: failed.promise, closing: null }
  const handle = handleOf(parts)
  context.signal?.addEventListener('abort', () => void handle.close(), { once: true })
  return handle
}

/** Tries again for as long as the store is away. */
async function untilThere<T>(options: SchedulerOptions, signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
  const { clock = systemClock, log = silentLogger, onWaiting, giveUpWaiting } = options
  const giveUp = AbortSignal.any([signal, giveUpWaiting].filter((each) => each !== undefined))
  let told: string | null = null
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'METADATA_UNAVAILABLE') throw error
      if (error.message !== told) {
        log.warn(`Waiting for the metadata store: ${error.message}`)
        onWaiting?.(error)
        told = error.message
      }
      await clock.sleep(backoffMs(failures, { initialMs: 200, maxMs: 2_000 }), giveUp)
    }
  }
}

interface Parts {
  store: WatchedStore
  loop: SchedulerLoop
  logsDir: string
  view: <T>(read: (context: ViewContext) => Promise<T>) => Promise<T>
  failed: Promise<never>
  closing: Promise<void> | null
}

function handleOf(parts: Parts): SchedulerHandle {
  const { loop, store, view } = parts
  /** Every call passes here: a closed scheduler says so, and nobody waits for a store that is known to be away. */
  const guarded = async <T>(action: () => Promise<T>): Promise<T> => {
    if (parts.closing) throw new MillraceError('CLOSED', 'The scheduler is closed.')
    const { health } = store
    if (health.is === 'away') throw new MillraceError('METADATA_UNAVAILABLE', `The metadata store is away: ${health.reason}`)
    return action()
  }
  const close = (): Promise<void> => (parts.closing ??= closeAll(parts))
  return {
    address: store.store.address,
    get store() {
      return { ...store.health, unrecorded: loop.unrecorded }
    },
    failed: parts.failed,
    epoch: loop.epoch,
    close,
    [Symbol.asyncDispose]: close,
    register: (project) =>
      guarded(async () => {
        const definitions = resolveProject(project)
        const registered = await loop.change(async (turn) => {
          const outcome = await registerProject(turn, project, definitions)
          loop.definitions.registered(definitions)
          return outcome
        })
        loop.work()
        return registered
      }),
    resume: () => loop.work(),
    trigger: (dagId, options = {}) => guarded(() => loop.change((turn) => trigger(turn, dagId, options))),
    dags: () => guarded(() => view(readDags)),
    runs: (filter = {}) => guarded(() => view((context) => readRuns(context, filter))),
    run: (dagId, runId) => guarded(() => view((context) => readRunDetail(context, dagId, runId))),
    cancelRun: (dagId, runId, reason) => guarded(() => loop.change((turn) => cancelRun(turn, dagId, runId, reason))),
    setPaused: (dagId, paused) => guarded(() => loop.change((turn) => setPaused(turn, dagId, paused))),
    attemptLog: (id) => guarded(() => attemptLog(parts, id)),
    setting: (key, initial) => guarded(() => setting(store, key, initial)),
    onChange: (listener) => loop.onChange(listener),
  }
}

async function closeAll({ loop, store }: Parts): Promise<void> {
  try {
    await loop.close()
  } finally {
    await store.store.close()
  }
}

async function trigger(turn: Turn, dagId: string, options: TriggerOptions): Promise<{ run: RunView; created: boolean }> {
  const dag = await presentDag(turn.trx, dagId)
  const { runId, params = {}, onlyIfNoRuns = false } = options
  if (runId !== undefined && (!runIdPattern.test(runId) || runId.startsWith('scheduled__'))) {
    throw new MillraceError(
      'BAD_REQUEST',
      `"${runId}" is no run id: letters, digits and _ . ~ : + - are allowed, and scheduled__ is the scheduler's own.`,
    )
  }
  await awaitDag(turn, dagId)
  const [latest] = onlyIfNoRuns ? await readRuns(turn, { dagId, limit: 1 }) : []
  const existing = latest ?? (runId === undefined ? null : await readRun(turn, dagId, runId))
  if (existing) return { run: existing, created: false }
  const definition = await turn.definitions.get(turn.trx, dagId, dag.version)
  return { run: await createManualRun(turn, dag, definition, runId, params), created: true }
}

async function createManualRun(
  turn: Turn,
  dag: DagTable,
  definition: Definition,
  runId: string | undefined,
  params: TriggerOptions['params'] = {},
): Promise<RunView> {
  const interval = manualInterval(definition.timetable, turn.nowMs)
  // Two in the same millisecond: the later one takes the next that is free.
  for (let logicalDateMs = turn.nowMs; ; logicalDateMs++) {
    const id = runId ?? runIdOf('manual', logicalDateMs)
    if (!(await createRun(turn, dag, definition, { runId: id, trigger: 'manual', logicalDateMs, interval, params }))) continue
    const run = await readRun(turn, dag.id, id)
    if (run) return run
  }
}

async function cancelRun(turn: Turn, dagId: string, runId: string, reason: string): Promise<RunView> {
  await lockRuns(turn, [{ dagId, runId }], 'wait')
  const run = await readRun(turn, dagId, runId)
  if (!run) throw new MillraceError('NOT_FOUND', `There is no run "${runId}" of dag "${dagId}".`)
  if (run.state === 'success' || run.state === 'failed') return run
  await stopRun(turn, { dagId, runId }, `cancelled: ${reason}`)
  return (await readRun(turn, dagId, runId)) ?? run
}

async function setPaused(turn: Turn, dagId: string, paused: boolean): Promise<void> {
  await presentDag(turn.trx, dagId)
  await turn.trx
    .updateTable('dag')
    .set({ paused: paused ? 1 : 0 })
    .where('id', '=', dagId)
    .execute()
}

async function attemptLog(
  { store, logsDir }: Parts,
  id: { dagId: string; runId: string; taskId: string; attempt?: number },
): Promise<{ path: string; attempt: number } | null> {
  const row = await store.transaction((trx) => {
    const query = trx
      .selectFrom('task_attempt')
      .select('attempt')
      .where('dag_id', '=', id.dagId)
      .where('run_id', '=', id.runId)
      .where('task_id', '=', id.taskId)
      .orderBy('attempt', 'desc')
      .limit(1)
    return (id.attempt === undefined ? query : query.where('attempt', '=', id.attempt)).executeTakeFirst()
  })
  return row ? { path: attemptLogPath(logsDir, { ...id, attempt: row.attempt }), attempt: row.attempt } : null
}

async function setting(store: WatchedStore, key: string, initial: string): Promise<string> {
  return store.transaction(async (trx) => {
    await trx
      .insertInto('setting')
      .values({ key, value: initial })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return (await trx.selectFrom('setting').select('value').where('key', '=', key).executeTakeFirstOrThrow()).value
  })
}
