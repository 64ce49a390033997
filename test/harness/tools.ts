import { spawnSync } from 'node:child_process'

/** A program that others wrote, to judge by; null where it is not installed. `variable` names another command for it. */
export function findTool(name: string, variable: string): string | null {
  const command = process.env[variable] ?? name
  const { error } = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 120_000 })
  if (error === undefined) return command
  if (process.env.CI === 'true')
    throw new Error(`${name} is not installed, and in CI it must be: set ${variable} to its path, or install it`)
  console.warn(`left out: ${name} is not installed (set ${variable} to its path)`)
  return null
}

export function runTool(command: string, args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 })
  return { code: status, stdout, stderr }
}
