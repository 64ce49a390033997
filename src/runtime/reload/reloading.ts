import { asMillraceError, systemClock } from '../../platform/index.ts'
import { startLoading, type Loading } from '../children/loading.ts'
import { settingsBy } from '../load-settings.ts'
import { reload, type Reload, type ReloadContext } from './reload.ts'
import { removeUnusedBundles } from './unused-bundles.ts'
import { watchFiles } from './watch-files.ts'

export interface DevOptions {
  /** Told what became of each save: a line, and whether it is an error. `tookMs` is from the save. */
  onReload(line: string, outcome: { ok: boolean; tookMs: number }): void
  /** Starts tasks and streams for a debugger; told where each of them listens. */
  onDebugger?(role: 'tasks' | 'streams', url: string): void
}

interface ReloadingOptions extends Omit<ReloadContext, 'signal' | 'taken'> {
  configPath: string
  env: Readonly<Record<string, string | undefined>>
  /** What the start has bundled. */
  files: readonly string[]
  dev: DevOptions
}

/** Systems that were away are asked again after this. */
const againMs = 2_000

/** Watches the project's files and takes them up when they are saved, one reload after another. */
export function startReloading(options: ReloadingOptions): { close(): Promise<void> } {
  const { running, configPath, dev } = options
  const stopping = new AbortController()
  const context: ReloadContext = { ...options, signal: stopping.signal, taken: { dags: true } }
  const { projectDir } = running.settings
  let loading = warmLoading(options)
  let waiting: { sinceMs: number; paths: Set<string> } | null = null
  let inHand = Promise.resolve()
  let stopRetry: () => void = () => undefined
  let shown = ''

  const tell = (outcome: Reload, sinceMs: number): void => {
    const tookMs = Math.round(systemClock.monotonicMs() - sinceMs)
    const line = lineOf(outcome, shown !== '')
    const isError = outcome.is === 'kept'
    if (line !== null && line !== shown) dev.onReload(`${line} (${(tookMs / 1_000).toFixed(1)} s)`, { ok: !isError, tookMs })
    shown = isError && line !== null ? line : ''
  }
  const takeUp = async (): Promise<void> => {
    if (waiting === null || stopping.signal.aborted) return
    const { sinceMs, paths } = waiting
    waiting = null
    stopRetry()
    const loader = loading
    try {
      if (paths.has(configPath)) await tellOfConfig(options, loader)
      const outcome = await reload(context, loader)
      if (stopping.signal.aborted) return
      if (outcome.is !== 'kept') watched.follow(outcome.files)
      else if (outcome.error.retriable) stopRetry = systemClock.after(againMs, () => changed(new Set()))
      tell(outcome, sinceMs)
      await dropBundles(options)
    } finally {
      loader.close()
      if (!stopping.signal.aborted) loading = warmLoading(options)
    }
  }
  const changed = (paths: ReadonlySet<string>): void => {
    waiting = { sinceMs: waiting?.sinceMs ?? systemClock.monotonicMs(), paths: new Set([...(waiting?.paths ?? []), ...paths]) }
    inHand = inHand.then(takeUp).catch((error: unknown) => options.log.error('a reload failed', { error }))
  }
  const watched = watchFiles(projectDir, changed)
  watched.follow(options.files)
  if (running.loadError !== null) shown = running.loadError.message
  return {
    close: async () => {
      stopping.abort()
      stopRetry()
      watched.close()
      loading.close()
      await inHand
    },
  }
}

/** Each load leaves a bundle behind. A store that is away says it in `status`; the next reload tries again. */
export async function dropBundles({ running, folder, log }: Pick<ReloadingOptions, 'running' | 'folder' | 'log'>): Promise<void> {
  const { project, endpoints, scheduler } = running
  const order = { bundlesDir: folder.bundlesDir, inUse: [project, endpoints.kafka], scheduler, nowMs: systemClock.nowMs() }
  await removeUnusedBundles(order).catch((error: unknown) => log.debug('bundles of earlier definitions were left', { error }))
}

/** A child that has loaded what any pipeline file needs before one is saved. */
function warmLoading({ running, log }: ReloadingOptions): Loading {
  const { projectDir } = running.settings
  const loading = startLoading({ owner: projectDir, onLine: (line) => log.info(line, { from: 'pipeline files' }) })
  loading.warm(projectDir)
  return loading
}

/** Endpoints, ports and folders are taken by a start. */
async function tellOfConfig({ running, configPath, env, dev }: ReloadingOptions, loading: Loading): Promise<void> {
  try {
    const { projectDir } = running.settings
    const settings = await settingsBy(loading, { configPath, projectDir, env })
    if (JSON.stringify(settings) !== JSON.stringify(running.settings))
      dev.onReload('millrace.config.ts has changed: stop and start again to use it', { ok: true, tookMs: 0 })
  } catch (error) {
    dev.onReload(asMillraceError(error).message, { ok: false, tookMs: 0 })
  }
}

/** By `goesOn` of a reload's error. */
const meanwhile: Readonly<Record<string, string>> = {
  before: 'what was loaded before goes on',
  streams: 'the streams are taken up, the DAGs as soon as that is over',
  nothing: 'nothing runs before they load',
}

/** Null: there is nothing to tell. */
function lineOf(outcome: Reload, wasBroken: boolean): string | null {
  if (outcome.is === 'kept') return `${outcome.error.message} — ${meanwhile[String(outcome.error.details.goesOn)] ?? ''}`
  if (outcome.is === 'same') return wasBroken ? 'loads again, as it runs' : null
  const { changes, warnings } = outcome
  return [...(changes.length === 0 ? ['reloaded'] : changes), ...warnings].join(' · ')
}
