import { isAbsolute, join, resolve } from 'node:path'
import { textOf, type Environment } from './environment.ts'

/** Where embedded parts keep their data, before the config is read: the command line asks here first. */
export function dataDirOf(projectDir: string, env: Environment, configured: string | undefined): string {
  const dir = textOf(env, 'MILLRACE_DATA_DIR')
  if (dir !== null) return resolve(dir)
  if (configured === undefined) return join(projectDir, '.millrace')
  return isAbsolute(configured) ? configured : join(projectDir, configured)
}
