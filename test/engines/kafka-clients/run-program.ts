import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

interface Options {
  readonly env?: Readonly<Record<string, string>>
  /** What it reads from its standard input. */
  readonly input?: string
  readonly timeoutMs?: number
  readonly cwd?: string
}

/** What a program wrote; rejects with that when it failed. */
export async function runProgram(file: string, args: readonly string[], options: Options = {}): Promise<string> {
  const { env = {}, input, timeoutMs = 120_000, cwd } = options
  const running = promisify(execFile)(file, args, {
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    maxBuffer: 64 << 20,
    ...(cwd === undefined ? {} : { cwd }),
  })
  running.child.stdin?.on('error', () => undefined)
  running.child.stdin?.end(input ?? '')
  return (await running).stdout
}
