import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from '../../../tools/engines/cache.ts'
import { runProgram } from './run-program.ts'

const source = join(import.meta.dirname, '../data/franz-go')

/** What is lacking to build the program; null: nothing. */
export function missingGo(): string | null {
  const { error } = spawnSync('go', ['version'], { timeout: 30_000 })
  return error === undefined ? null : 'Go is not installed (Debian: apt-get install golang)'
}

/** With the version that `go.mod` asks for. */
export function franzGoTitle(): string {
  const version = /franz-go v(\S+)/.exec(readFileSync(join(source, 'go.mod'), 'utf8'))?.[1]
  return `franz-go ${version}`
}

/** Builds it into the cache, once for each state of its source; modules come by Go's own proxy, checked against go.sum. */
async function build(): Promise<string> {
  const digest = createHash('sha256')
  for (const name of readdirSync(source).toSorted()) digest.update(readFileSync(join(source, name)))
  const program = join(cacheDir(), 'programs', `franz-go-${digest.digest('hex').slice(0, 12)}`)
  if (!existsSync(program)) await runProgram('go', ['build', '-o', program, '.'], { cwd: source, timeoutMs: 600_000 })
  return program
}

/** Its checks with what it saw, by their names. */
export async function runFranzGo(servers: string): Promise<Record<string, unknown>> {
  return JSON.parse(await runProgram(await build(), [servers], { timeoutMs: 500_000 }))
}
