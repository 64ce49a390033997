import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { childrenOf, eventually } from './millrace.ts'
import { patternOf, type PageBlock, type PageStep } from './walked-page.ts'

export interface WalkOptions {
  /** Where the first command is typed. */
  readonly dir: string
  readonly env: NodeJS.ProcessEnv
  /** The page's commands as this machine needs them; as they are when left out. */
  readonly asTyped?: (command: string) => string
  /** What the page shows, where it may be something else; as it is when left out. */
  readonly asShown?: (text: string) => string
}

/** What the last command, or what runs in the first terminal, says. */
interface Seen {
  readonly text: () => string
  /** Asks again, where a command only asks. */
  readonly again: (() => Promise<void>) | null
}

/** Each page's command waits so long for what the page shows; far longer than it takes. */
const patienceMs = 90_000

/**
 * Someone who follows a page with two terminals: what stays (`npm run dev`) runs in the first, everything else in the second. Rejects with
 * what was seen where it is not what the page shows, or a command fails.
 */
export class PageWalk implements AsyncDisposable {
  readonly #options: WalkOptions
  readonly #started: ChildProcess[] = []
  #dir: string
  #terminal = ''
  /** Of the first terminal's text, what the reader has not looked at yet. */
  #lookedAt = 0
  #seen: Seen = { text: () => '', again: null }

  constructor(options: WalkOptions) {
    this.#options = options
    this.#dir = options.dir
  }

  get dir(): string {
    return this.#dir
  }
  /** All that the first terminal has shown. */
  get terminal(): string {
    return this.#terminal
  }

  /** @returns milliseconds from the first command until the last thing that the page shows was seen */
  async step({ blocks }: PageStep): Promise<number> {
    const sinceMs = performance.now()
    for (const block of blocks) await this.#follow(block)
    return performance.now() - sinceMs
  }

  /** What a command says; rejects when it fails. */
  async run(command: string): Promise<string> {
    const child = this.#spawn(command)
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const code = await new Promise((done) => child.once('close', done))
    if (code !== 0) throw new Error(`${command} (exit ${String(code)}):\n${text}`)
    return text
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#started) {
      const { pid: own } = child
      // One that could not be started has none, and a signal to -1 is one to every process of the machine.
      if (own === undefined || child.exitCode !== null || child.signalCode !== null) continue
      const closed = new Promise((done) => child.once('close', done))
      // npm, its shell, the launcher, Millrace and its children.
      for (const pid of [own, ...descendantsOf(own)]) killed(pid)
      await closed
    }
  }

  async #follow(block: PageBlock): Promise<void> {
    if (block.is === 'output') return this.#see(block.text)
    if (block.is === 'edit') return this.#edit(block.changes)
    let said = ''
    for (const command of block.commands.map((each) => this.#options.asTyped?.(each) ?? each)) {
      const [, folder] = /^cd (\S+)$/.exec(command) ?? []
      if (folder !== undefined) this.#dir = resolve(this.#dir, folder)
      else if (command.endsWith('npm run dev')) return this.#stay(command)
      else said += await this.run(command)
    }
    const only = block.commands.length === 1 ? (block.commands[0] ?? '') : ''
    const again = async (): Promise<void> => {
      said = await this.run(only)
    }
    this.#seen = { text: () => said, again: asks.test(only) ? again : null }
  }

  #stay(command: string): void {
    const child = this.#spawn(command)
    this.#started.push(child)
    this.#lookedAt = this.#terminal.length
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.#terminal += chunk.toString()))
    this.#lookAtTerminal()
  }

  #lookAtTerminal(): void {
    this.#seen = { text: () => this.#terminal.slice(this.#lookedAt), again: null }
  }

  async #see(shown: string): Promise<void> {
    const pattern = patternOf(this.#options.asShown?.(shown) ?? shown)
    const { text, again } = this.#seen
    const isSeen = (): boolean => pattern.test(text())
    await eventually(
      async () => {
        if (!isSeen() && again !== null) await again()
        return isSeen() ? null : text().split('\n')
      },
      (missed) => missed === null,
      patienceMs,
    ).catch((error: unknown) => {
      throw new Error(`The page shows\n${shown}\nand what is seen is\n${text()}`, { cause: error })
    })
  }

  #edit(changes: readonly { from: string; to: string }[]): void {
    const path = join(this.#dir, 'users.pipeline.ts')
    this.#lookedAt = this.#terminal.length
    writeFileSync(
      path,
      changes.reduce((code, { from, to }) => replaced(code, from, to), readFileSync(path, 'utf8')),
    )
    this.#lookAtTerminal()
  }

  #spawn(command: string): ChildProcess {
    return spawn('sh', ['-c', command], { cwd: this.#dir, env: this.#options.env, stdio: ['ignore', 'pipe', 'pipe'] })
  }
}

/** Commands that change nothing, and may be repeated until they answer. */
const asks = /millrace (status|doctor|query|runs|dlq (list|show)|consume)\b/

function replaced(code: string, from: string, to: string): string {
  if (code.split(from).length !== 2) throw new Error(`"${from}" is not once in the file:\n${code}`)
  return code.replace(from, () => to)
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}
