import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { childExecArgv } from '../../src/platform/index.ts'

export interface SourceProcess {
  /** Resolves when it has said so many pages; rejects when it ends before. */
  hasWritten(pages: number): Promise<void>
  killAfter(ms: number): Promise<void>
  /** Its last line. */
  readonly ended: Promise<string>
}

/**
 * A source in a process of its own, so that a test can kill it. It says a line for each page that is written (`page …`), and a last one.
 * @param script what runs it
 */
export function startSourceProcess(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): SourceProcess {
  const child = spawn(process.execPath, [...childExecArgv, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const exited = once(child, 'exit')
  let pages = 0
  let last = ''
  const waiting: { pages: number; resolve: () => void; reject: (error: Error) => void }[] = []
  if (child.stdout === null) throw new Error('no stdout')
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    last = line
    if (line.startsWith('page ')) pages++
    for (const each of waiting) if (pages >= each.pages) each.resolve()
  })
  const ended = Promise.all([exited, once(lines, 'close')]).then(() => last)
  void ended.then((line) => {
    for (const each of waiting) each.reject(new Error(`the run ended: ${line}`))
  })
  return {
    hasWritten: (wanted) => new Promise((resolve, reject) => waiting.push({ pages: wanted, resolve, reject })),
    killAfter: async (ms) => {
      await new Promise((resolve) => setTimeout(resolve, ms))
      child.kill('SIGKILL')
      await exited
    },
    ended,
  }
}
