import type { UserConfig } from '../core/index.ts'

/** Types `millrace.config.ts`; returns what it is given. */
export function defineConfig(config: UserConfig): UserConfig {
  return config
}
