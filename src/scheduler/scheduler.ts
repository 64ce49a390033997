import { MillraceError, silentLogger, systemClock } from '../platform/index.ts'
import { attemptLogPath } from './attempt-log.ts'
import { runIdPattern, type Definition } from './definitions.ts'
import { SchedulerLoop } from './loop.ts'
import { registerProject, resolveProject } from './register.ts'
import { createRun, runIdOf, stopRun } from './runs.ts'
import { openStore, storeError, type Store } from './store/open-store.ts'
import type { DagTable } from './store/tables.ts'
import { manualInterval } from './timetable.ts'
import type { Turn } from './turn.ts'
import type { RunView } from '../core/index.ts'
import type { SchedulerHandle, SchedulerOptions, TriggerOptions } from './types.ts'
import { presentDag, readDags, readRun, readRunDetail, readRuns, type ViewContext } from './views.ts'

/**
 * Opens the store, takes it over under a new owner epoch, and finds what an earlier owner left running. Nothing is started before
 * `register` (or `resume`). Errors: DATA_DIR_NEWER, DATA_CORRUPT, DISK_FULL, DISK_FAILED.
 */
export async function startScheduler(options: SchedulerOptions, context: { signal?: AbortSignal } = {}): Promise<SchedulerHandle> {
  const { metadataPath, logsDir, startAttempt, clock = systemClock, log = silentLogger, maxConcurrentTasks = 4 } = options
  context.signal?.throwIfAborted()
  const { store } = await openStore(metadataPath)
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  const loop = new SchedulerLoop({ store, logsDir, startAttempt, clock, log, maxConcurrentTasks, onSuperseded: failed.reject })
  try {
    await loop.takeOver()
  } catch (error) {
    await store.destroy()
    throw storeError(error, metadataPath)
  }
  const view = <T>(read: (context: ViewContext) => Promise<T>): Promise<T> =>
    store
      .transaction()
      .execute((trx) =>
        read({ trx, nowMs: clock.nowMs(), definitions: loop.definitions, logsDir, liveProgress: (task) => loop.live.progressOf(task) }),
      )
  const parts: Parts = { store, loop, logsDir, metadataPath, view, failed: failed.promise, closing: null }
  const handle = handleOf(parts)
  context.signal?.addEventListener('abort', () => void handle.close(), { once: true })
  return handle
}

interface Parts {
  store: Store
  loop: SchedulerLoop
  logsDir: string
  metadataPath: string
  view: <T>(read: (context: ViewContext) => Promise<T>) => Promise<T>
  failed: Promise<never>
  closing: Promise<void> | null
}

function handleOf(parts: Parts): SchedulerHandle {
  const { loop, store, view } = parts
  /** Every call passes here: a closed scheduler says so, an error of the store becomes one of the catalogue. */
  const guarded = async <T>(action: () => Promise<T>): Promise<T> => {
    if (parts.closing) throw new MillraceError('CLOSED', 'The scheduler is closed.')
    try {
      return await action()
    } catch (error) {
      throw storeError(error, parts.metadataPath)
    }
  }
  const close = (): Promise<void> => (parts.closing ??= closeAll(parts))
  return {
    address: `sqlite:${parts.metadataPath}`,
    failed: parts.failed,
    epoch: loop.epoch,
    close,
    [Symbol.asyncDispose]: close,
    register: (project) =>
      guarded(async () => {
        const definitions = resolveProject(project)
        const registered = await loop.change(async (turn) => {
          const outcome = await registerProject(turn, project, definitions)
          loop.definitions.clear()
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
    setting: (key) => guarded(() => readSetting(store, key)),
    setSetting: (key, value) => guarded(() => writeSetting(store, key, value)),
    onChange: (listener) => loop.onChange(listener),
  }
}

async function closeAll({ loop, store }: Parts): Promise<void> {
  try {
    await loop.close()
  } finally {
    await store.destroy()
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
  let query = store
    .selectFrom('task_attempt')
    .select('attempt')
    .where('dag_id', '=', id.dagId)
    .where('run_id', '=', id.runId)
    .where('task_id', '=', id.taskId)
    .orderBy('attempt', 'desc')
    .limit(1)
  if (id.attempt !== undefined) query = query.where('attempt', '=', id.attempt)
  const row = await query.executeTakeFirst()
  return row ? { path: attemptLogPath(logsDir, { ...id, attempt: row.attempt }), attempt: row.attempt } : null
}

async function readSetting(store: Store, key: string): Promise<string | null> {
  return (await store.selectFrom('setting').select('value').where('key', '=', key).executeTakeFirst())?.value ?? null
}

async function writeSetting(store: Store, key: string, value: string): Promise<void> {
  await store
    .insertInto('setting')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
