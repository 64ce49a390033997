import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bin } from '../harness/millrace.ts'

let dir: string
let child: ChildProcess | null = null

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-store-memory-'))
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

/** Starts the table store and reads how the process was started that listens then. */
async function startedAs(nodeOptions: string): Promise<{ args: string[]; arenas: string | undefined; ended: Promise<number | null> }> {
  const env = { ...process.env, NODE_OPTIONS: nodeOptions }
  const started = spawn(process.execPath, [bin, 'serve', 'cql-store', '--port', '0', '--json'], { cwd: dir, env, stdio: 'pipe' })
  child = started
  const ended = new Promise<number | null>((resolve) => started.once('close', resolve))
  await Promise.race([new Promise((resolve) => started.stdout.once('data', resolve)), ended])
  const own = (file: string): string[] => readFileSync(`/proc/${started.pid}/${file}`, 'utf8').split('\0')
  const arenas = own('environ').find((each) => each.startsWith('MALLOC_ARENA_MAX='))
  return { args: own('cmdline'), arenas, ended }
}

describe.skipIf(process.platform !== 'linux')('the memory of millrace serve cql-store', { timeout: 240_000 }, () => {
  test('is bounded from the start, in the process that was started, which ends as it is told to', async () => {
    const { args, arenas, ended } = await startedAs('')
    expect(args).toContain('--max-semi-space-size=8')
    expect(args.slice(-6, -1)).toEqual(['serve', 'cql-store', '--port', '0', '--json'])
    expect(arenas).toBe('MALLOC_ARENA_MAX=1')
    child?.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  test('is as V8 is told by hand', async () => {
    const { args } = await startedAs('--max-semi-space-size=2')
    expect(args.join(' ')).not.toContain('semi-space')
  })
})
