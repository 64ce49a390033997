import { findConfig, startLoading } from './children/loading.ts'
import { resolveSettings, type Settings } from './settings.ts'

/** Reads the config (in a child process, since it is the author's code) and resolves it with the environment. */
export async function loadSettings(options: { projectDir: string; env: Readonly<Record<string, string | undefined>> }): Promise<Settings> {
  const { configPath, projectDir } = findConfig(options.projectDir)
  const loading = startLoading({ owner: projectDir, onLine: () => undefined })
  try {
    return resolveSettings({ config: await loading.config(configPath), configPath, projectDir, env: options.env })
  } finally {
    loading.close()
  }
}
