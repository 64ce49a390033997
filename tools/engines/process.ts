import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { messageOf, MillraceError, processIsAlive, systemClock } from '../../src/platform/index.ts'
import { guard } from './guard.ts'
import { answers } from './ports.ts'
import type { Command, Process, Readiness } from './system.ts'

const STOP_TIMEOUT_MS = 20_000
const PREPARE_TIMEOUT_MS = 60_000
const LOOK_INTERVAL_MS = 100
const SHOWN_LINES = 12

export interface RunningProcess {
  readonly name: string
  readonly pid: number
  isAlive(): boolean
  stop(signal: NodeJS.Signals): Promise<void>
}

/** Runs a command to its end. @throws MillraceError INTERNAL with the last lines it wrote */
export async function runToEnd({ file, args, env }: Command, what: string): Promise<void> {
  try {
    await promisify(execFile)(file, args, { env: { ...process.env, ...env }, timeout: PREPARE_TIMEOUT_MS })
  } catch (error) {
    const output =
      error instanceof Error && 'stdout' in error && 'stderr' in error ? String(error.stdout) + String(error.stderr) : messageOf(error)
    throw new MillraceError('INTERNAL', `${what} failed: ${lastLines(output)}`, { cause: error })
  }
}

/**
 * Starts a process in a group of its own (a terminal's Ctrl-C ends it in order, through its owner), its output appended to `logPath`,
 * and resolves once it is ready.
 * @param outlives true: it goes on when this process ends; else it never does
 * @throws MillraceError TIMED_OUT or CHILD_EXITED with the last lines of its log
 */
export async function startProcess(
  description: Process,
  { file, args, env }: Command,
  options: { logPath: string; cwd: string; address: { host: string; port: number }; outlives: boolean },
): Promise<RunningProcess> {
  const log = openSync(options.logPath, 'a')
  const written = readFileSync(options.logPath).length
  const child = spawn(file, args, { cwd: options.cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const running = track(description.name, child, options.outlives)
  try {
    await untilReady(description, running, options, written)
    return running
  } catch (error) {
    await running.stop('SIGKILL')
    throw error
  }
}

function track(name: string, child: ChildProcess, outlives: boolean): RunningProcess {
  const pid = child.pid ?? -1
  let hasEnded = pid === -1
  const exited = new Promise<void>((resolve) => {
    const ended = (): void => {
      hasEnded = true
      resolve()
    }
    child.once('exit', ended)
    child.once('error', ended)
  })
  if (outlives) child.unref()
  else if (pid !== -1) {
    const watch = guard(pid)
    void exited.then(() => watch.letGo())
  }
  return {
    name,
    pid,
    isAlive: () => !hasEnded,
    stop: async (signal) => {
      if (hasEnded) return
      child.kill(signal)
      const killing = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await exited
      clearTimeout(killing)
    },
  }
}

async function untilReady(
  { name, ready }: Process,
  running: RunningProcess,
  { logPath, address }: { logPath: string; address: { host: string; port: number } },
  logFrom: number,
): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + ready.withinMs
  while (!(await isReady(ready, address, logPath, logFrom))) {
    const said = lastLines(readFileSync(logPath, 'utf8'))
    if (!running.isAlive()) throw new MillraceError('CHILD_EXITED', `${name} ended before it was ready (${logPath}):\n${said}`)
    if (systemClock.monotonicMs() > deadlineMs)
      throw new MillraceError('TIMED_OUT', `${name} was not ready within ${ready.withinMs} ms (${logPath}):\n${said}`)
    await systemClock.sleep(LOOK_INTERVAL_MS)
  }
}

async function isReady(
  { request, says }: Readiness,
  address: { host: string; port: number },
  logPath: string,
  logFrom: number,
): Promise<boolean> {
  if (says && !says.test(readFileSync(logPath).subarray(logFrom).toString('utf8'))) return false
  return answers(address, request)
}

/** Ends a process that another one started. */
export async function stopByPid(pid: number, signal: NodeJS.Signals): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + STOP_TIMEOUT_MS
  for (let next = signal; processIsAlive(pid);) {
    process.kill(pid, next)
    while (processIsAlive(pid) && systemClock.monotonicMs() < deadlineMs) await systemClock.sleep(LOOK_INTERVAL_MS)
    next = 'SIGKILL'
  }
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n')
}
