import { join } from 'node:path'
import { findConfig, startLoading, type Loading } from './children/loading.ts'
import { resolveSettings, type Environment, type Settings } from '../settings/index.ts'

/** Reads the config (in a child process, since it is the author's code) and resolves it with the environment. */
export async function loadSettings(options: { projectDir: string; env: Environment }): Promise<Settings> {
  const { configPath, projectDir } = findConfig(options.projectDir)
  const loading = startLoading({ owner: projectDir, onLine: () => undefined })
  try {
    return await settingsBy(loading, { configPath, projectDir, env: options.env })
  } finally {
    loading.close()
  }
}

/** The same with a loader that stands. A config whose token is a function is kept as a bundle in the data folder: children call it there. */
export async function settingsBy(
  loading: Loading,
  options: { configPath: string; projectDir: string; env: Environment },
): Promise<Settings> {
  const settings = await resolveSettings({ ...options, config: await loading.config(options.configPath) })
  const { remote } = settings.kafka
  const sasl = remote?.sasl
  if (!remote || sasl?.mechanism !== 'OAUTHBEARER' || sasl.token.from !== 'function') return settings
  const kept = await loading.keepConfig(options.configPath, join(settings.dataDir, 'bundles'))
  const token = { from: 'function', fn: { ...sasl.token.fn, ...kept } } as const
  return Object.freeze({ ...settings, kafka: { ...settings.kafka, remote: { ...remote, sasl: { ...sasl, token } } } })
}
