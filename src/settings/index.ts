import type { Environment } from './environment.ts'
import type { ResolveSettings, Settings } from './settings.ts'

export { basePathForm, basePathOf } from './base-path.ts'
export { dataDirOf, nearestConfig } from './data-dir.ts'
export { secretVariables, variables, type Environment } from './environment.ts'
export { unknownStreams, type AlertSettings, type StreamRules, type Webhook } from './alert-settings.ts'
export type { ResolveSettings, Settings }

// What judges a config is loaded when it is needed: commands that only ask a running Millrace stay quick.

/** Environment before config file before default; rejects CONFIG_INVALID naming file or variable, key, and what is allowed; never a secret. */
export async function resolveSettings(options: ResolveSettings): Promise<Settings> {
  return (await import('./settings.ts')).resolveSettings(options)
}

/** What the environment alone says, for a command that has no project. */
export async function settingsOf(env: Environment): Promise<Settings> {
  return (await import('./settings.ts')).settingsOf(env)
}
