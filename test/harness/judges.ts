import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './project.ts'
import { runTool } from './tools.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Titles, with versions, of what a suite is judged by; docs/compatibility.md counts its tests under each. */
    judges?: readonly string[]
    /** How a suite is asked for that does not run otherwise. */
    onlyWith?: string
  }
}

/** Option of `describe`: the suite is judged by these. */
export function judgedBy(...judges: readonly string[]): { meta: { judges: readonly string[] } } {
  return { meta: { judges } }
}

/** A package of npm with the version that is installed: `kafkajs 2.2.4`. */
export function packageTitle(name: string): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'))
  return `${name} ${version}`
}

/** A program with the version that it tells: `kcat 1.7.1`. */
export function toolTitle(name: string, command: string | null, versionOption: string): string {
  if (command === null) return name
  const { stdout, stderr } = runTool(command, [versionOption])
  const version = /\d+\.\d+(\.\d+)*/.exec(stdout + stderr)?.[0]
  return version === undefined ? name : `${name} ${version}`
}
