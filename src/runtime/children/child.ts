import { fork, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { childExecArgv, runsFromSource } from '../../platform/index.ts'
import { secretVariables } from '../../settings/index.ts'

export interface ChildExit {
  code: number | null
  signal: NodeJS.Signals | null
  /** The last line it wrote to standard error: what Node or V8 said when it died. */
  lastWords: string
}

/** A child process that runs user code, and its typed pipe. */
export interface Child<In> {
  readonly pid: number
  send(message: In): void
  kill(): void
  readonly exited: Promise<ChildExit>
}

export type Role = 'loader' | 'tasks' | 'streams' | 'tokens' | 'fixes'

export interface ChildOptions<Out> {
  role: Role
  /** Marks the child as ours in its environment: a later start finds and ends it should it ever outlive its supervisor. */
  owner: string
  onMessage: (message: Out) => void
  /** What user code prints. */
  onLine: (line: string) => void
  /** Starts it for a debugger, on a free port of loopback, and tells where that listens: `ws://127.0.0.1:40123/…`. */
  onDebugger?: (url: string) => void
}

/** Each half of the young generation, in MB; V8's own 16 would be kept once grown into. */
const youngGenerationMb = 2

/** Forks `src/worker/main` in the given role. */
export function spawnChild<In, Out>(options: ChildOptions<Out>): Child<In> {
  const entry = new URL(`../../worker/main${runsFromSource ? '.ts' : '.js'}`, import.meta.url)
  const child = fork(entry, [options.role], {
    execArgv: [...childExecArgv, ...(options.onDebugger ? ['--inspect=127.0.0.1:0'] : []), `--max-semi-space-size=${youngGenerationMb}`],
    env: { ...withoutSecrets(process.env), MILLRACE_OWNER: options.owner, FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  child.on('message', (message) => options.onMessage(message as Out))
  // A pipe that breaks while the child dies is told by its exit.
  child.on('error', () => undefined)
  return {
    pid: child.pid ?? -1,
    send: (message) => {
      if (child.connected) child.send(message as Parameters<ChildProcess['send']>[0], () => undefined)
    },
    kill: () => {
      child.kill('SIGKILL')
    },
    exited: exitOf(child, options.onDebugger ? withoutDebugger(options.onLine, options.onDebugger) : options.onLine),
  }
}

/** Millrace's own secrets are not for user code's eyes; children are told by their pipe what they need (P8). */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secretVariables.includes(name)))
}

/** What Node says of its debugger is not what user code prints. */
function withoutDebugger(onLine: (line: string) => void, onDebugger: (url: string) => void): (line: string) => void {
  return (line) => {
    const [, url] = /^Debugger listening on (ws:\S+)$/.exec(line) ?? []
    if (url !== undefined) onDebugger(url)
    else if (!/^(For help, see: https:\/\/nodejs\.org\/|Debugger attached|Debugger ending on )/.test(line)) onLine(line)
  }
}

function exitOf(child: ChildProcess, onLine: (line: string) => void): Promise<ChildExit> {
  let lastWords = ''
  if (child.stdout) createInterface({ input: child.stdout }).on('line', onLine)
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (/heap out of memory|FATAL ERROR|Error: /.test(line) || lastWords === '') lastWords = line
      onLine(line)
    })
  }
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null, lastWords: lastWords || 'it could not be started' }))
    child.once('close', (code, signal) => resolve({ code, signal, lastWords }))
  })
}

/** How a child's end reads in a log: `exit code 3`, `SIGKILL`, `out of memory`. */
export function describeExit(exit: ChildExit): string {
  if (exit.lastWords.includes('heap out of memory')) return 'out of memory'
  if (exit.signal !== null) return `ended by ${exit.signal}`
  return `exit code ${exit.code}${exit.lastWords === '' ? '' : `: ${exit.lastWords}`}`
}
