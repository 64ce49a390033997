import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { textOf, type Environment } from './environment.ts'

/** The nearest folder upwards that holds a `millrace.config.ts`; null: none does. */
export function nearestConfig(from: string): { configPath: string; projectDir: string } | null {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    const configPath = join(dir, 'millrace.config.ts')
    if (existsSync(configPath)) return { configPath, projectDir: dir }
    if (dir === dirname(dir)) return null
  }
}

/** Where embedded parts keep their data, before the config is read: the command line asks here first. */
export function dataDirOf(projectDir: string, env: Environment, configured: string | undefined): string {
  const dir = textOf(env, 'MILLRACE_DATA_DIR')
  if (dir !== null) return resolve(dir)
  if (configured === undefined) return join(projectDir, '.millrace')
  return isAbsolute(configured) ? configured : join(projectDir, configured)
}
