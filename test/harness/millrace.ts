import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, type TestProject } from './project.ts'

/** What a user runs as `millrace`. */
export const bin = join(root, 'bin/millrace.mjs')

type Environment = Readonly<Record<string, string>>

/** Free ports and the local stand-in: nothing of the machine is assumed. */
const testEnvironment: Environment = {
  MILLRACE_KAFKA_PORT: '0',
  MILLRACE_CQL_PORT: '0',
  MILLRACE_REGISTRY_PORT: '0',
  MILLRACE_CONSOLE_PORT: '0',
  MILLRACE_RANDOMUSER: 'local',
}

/** A `millrace start` or `millrace dev` as a user runs it. */
export interface Started {
  readonly process: ChildProcess
  readonly pid: number
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  output(): string
  /** Resolves once the output has a match; rejects with the output when the process ends or time is up. */
  until(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** Ends it as a user's Ctrl-C would. */
  stop(): Promise<number | null>
  /** `kill -9` of the supervisor and all its children at once. */
  killTree(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export function startMillrace(
  project: TestProject,
  options: { command?: 'start' | 'dev'; args?: readonly string[]; env?: Environment } = {},
): Started {
  const child = spawn(
    process.execPath,
    [bin, '--project', project.dir, options.command ?? 'start', ...(options.args ?? ['--trigger-once', 'user_automation'])],
    {
      env: { ...process.env, ...testEnvironment, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let text = ''
  const watchers = new Set<() => void>()
  const onText = (chunk: Buffer): void => {
    text += chunk.toString()
    for (const watch of watchers) watch()
  }
  child.stdout.on('data', onText)
  child.stderr.on('data', onText)
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  )
  const killTree = async (): Promise<void> => {
    const pids = [child.pid ?? -1, ...childrenOf(child.pid ?? -1)]
    for (const pid of pids) kill(pid)
    await exited
  }
  return {
    process: child,
    pid: child.pid ?? -1,
    exited,
    output: () => text,
    until: (pattern, timeoutMs = 60_000) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const match = pattern.exec(text)
          if (match) done(() => resolve(match))
        }
        const fail = (why: string): void => done(() => reject(new Error(`${why} before ${pattern} appeared in:\n${text}`)))
        const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs)
        const done = (settle: () => void): void => {
          clearTimeout(timer)
          watchers.delete(check)
          settle()
        }
        watchers.add(check)
        void exited.then(({ code, signal }) => {
          check()
          fail(`it ended (${signal ?? code})`)
        })
        check()
      }),
    stop: async () => {
      child.kill('SIGINT')
      return (await exited).code
    },
    killTree,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await killTree()
    },
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

/** Ids of the child processes of a process, from /proc. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number)
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}

/** The role of a child process of Millrace (`tasks`, `streams`, `loader`), null for others and for ended ones. */
export function roleOf(pid: number): string | null {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    const at = args.findIndex((arg) => /worker\/main\.[tj]s$/.test(arg))
    return at < 0 ? null : (args[at + 1] ?? null)
  } catch {
    return null
  }
}

export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs one `millrace` command in the project. */
export function run(project: TestProject, args: readonly string[], options: { input?: string; env?: Environment } = {}): CommandResult {
  return runAlone(['--project', project.dir, ...args], options)
}

/** Runs one `millrace` command where there is no project. */
export function runAlone(args: readonly string[], options: { input?: string; env?: Environment } = {}): CommandResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: tmpdir(),
    env: { ...process.env, ...options.env },
    encoding: 'utf8',
    input: options.input ?? '',
    timeout: 120_000,
    maxBuffer: 256 * 1_048_576,
  })
  return { code: status, stdout, stderr }
}

/** The same with `--json`, parsed; throws with the command's words when it fails. */
export function runJson<T>(project: TestProject, args: readonly string[], options: { input?: string; env?: Environment } = {}): T {
  const result = run(project, ['--json', ...args], options)
  if (result.stdout.trim() === '') throw new Error(`millrace ${args.join(' ')} printed nothing (exit ${result.code}): ${result.stderr}`)
  const parsed: T = JSON.parse(result.stdout)
  return parsed
}

/** Lines of JSON, as `consume` prints them. */
export function runJsonLines<T>(project: TestProject, args: readonly string[]): T[] {
  return run(project, ['--json', ...args])
    .stdout.split('\n')
    .filter((line) => line !== '')
    .map((line): T => JSON.parse(line))
}

/** Asks again until the answer is right; rejects with the last answer when time is up. */
export async function eventually<T>(ask: () => T | Promise<T>, isRight: (answer: T) => boolean, timeoutMs = 60_000): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (isRight(answer)) return answer
    if (performance.now() > deadlineMs) throw new Error(`still not right after ${timeoutMs} ms: ${JSON.stringify(answer, null, 1)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
