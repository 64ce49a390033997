import { createInterface, type Interface } from 'node:readline'
import type { CassandraSession } from '../../cql-client/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import { complete, readNames, type Names } from './completion.ts'
import { addToHistory, maxHistory, oneLine, readHistory } from './history.ts'
import { describeFailure, runStatement, type Manner } from './run.ts'
import { shellCommand, unpagedSize } from './shell-commands.ts'
import { splitStatements, type Statement } from './statements.ts'

export interface ShellOptions {
  readonly session: CassandraSession
  readonly manner: Manner
  readonly historyFile: string
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
}

/** Statements after which names are read anew. */
const changesNames = /^\s*(create|drop|alter)\b/i
/** The shell's own commands need no semicolon, as in cqlsh; nor do these of the server. */
const needsNoEnd = /^\s*(exit|quit|help|\?|format|expand|paging|consistency|source|use|desc|describe)\b[^;]*$/i

/** A shell on a terminal; resolves when it is left. */
export async function runShell(options: ShellOptions): Promise<void> {
  const shell = new Shell(options)
  await shell.run()
}

class Shell {
  readonly #options: ShellOptions
  readonly #lines: Interface
  #names: Names = { keyspaces: [], tables: [] }
  #keyspace: string | null = null
  #typed = ''
  #isBusy = false
  #isLeft = false
  /** Lines that came while a statement ran: pasted text. */
  #waiting: string[] = []
  #answer: ((line: string) => void) | null = null
  #isInterrupted = false
  #left: () => void = () => {}

  constructor(options: ShellOptions) {
    this.#options = options
    this.#lines = createInterface({
      input: options.input,
      output: options.output,
      terminal: true,
      history: readHistory(options.historyFile),
      historySize: maxHistory,
      removeHistoryDuplicates: true,
      completer: (line: string) => complete(`${this.#typed}${line}`, this.#names, this.#keyspace),
    })
  }

  async run(): Promise<void> {
    const left = new Promise<void>((resolve) => (this.#left = resolve))
    this.#lines.on('line', (line) => this.#take(line))
    this.#lines.on('SIGINT', () => this.#interrupt())
    this.#lines.on('close', () => {
      this.#isLeft = true
      this.#answer?.('q')
      this.#left()
    })
    this.#write('CQL statements end with a semicolon; HELP tells the rest.\n')
    void this.#readNames()
    this.#prompt()
    await left
  }

  #write(text: string): void {
    this.#options.output.write(text)
  }

  #prompt(): void {
    if (this.#isLeft) return
    this.#lines.setPrompt(this.#typed === '' ? `cql${this.#keyspace === null ? '' : `:${this.#keyspace}`}> ` : '...> ')
    this.#lines.prompt()
  }

  #interrupt(): void {
    if (this.#answer) return this.#answer('q')
    if (this.#isBusy) {
      this.#isInterrupted = true
      return
    }
    this.#typed = ''
    this.#write('\n')
    // Also what stands on the line.
    this.#lines.write(null, { ctrl: true, name: 'u' })
    this.#prompt()
  }

  #take(line: string): void {
    if (this.#answer) return this.#answer(line)
    if (this.#isBusy) return void this.#waiting.push(line)
    this.#typed += this.#typed === '' ? line : `\n${line}`
    const { statements, rest } = splitStatements(this.#typed)
    const own = statements.length === 0 && needsNoEnd.test(this.#typed) ? [{ text: this.#typed, line: 1 }] : null
    const ready = own ?? statements
    if (ready.length === 0 && rest !== null) return this.#prompt()
    this.#remember(this.#typed)
    this.#typed = own === null && rest !== null ? rest.text : ''
    void this.#runAll(ready)
  }

  /** As one entry, however many lines it was typed in. */
  #remember(text: string): void {
    addToHistory(this.#options.historyFile, text)
    const history: unknown = Reflect.get(this.#lines, 'history')
    const count = text.split('\n').length
    if (count > 1 && Array.isArray(history)) history.splice(0, count, oneLine(text))
  }

  async #runAll(statements: readonly Statement[]): Promise<void> {
    this.#isBusy = true
    for (const statement of statements) {
      if (this.#isLeft || !(await this.#runOne(statement))) break
    }
    this.#isBusy = false
    const next = this.#waiting.shift()
    if (next !== undefined && !this.#isLeft) return this.#take(next)
    this.#prompt()
  }

  /** False when it failed: what was typed behind it is not run. */
  async #runOne(statement: Statement): Promise<boolean> {
    const { session, manner } = this.#options
    this.#isInterrupted = false
    try {
      const told = shellCommand(statement.text, manner)
      if (told?.is === 'exit') this.#lines.close()
      else if (told?.is === 'said') this.#write(told.text)
      else if (told?.is === 'source') return await this.#runSource(told.text)
      else await runStatement(session, statement.text, manner, { write: (text) => this.#write(text), goOn: () => this.#goOn() })
      this.#noteChange(statement.text)
      return true
    } catch (error) {
      const failure = describeFailure(asMillraceError(error), statement)
      this.#write(`${failure.message} (${failure.code})\n`)
      return false
    }
  }

  async #runSource(text: string): Promise<boolean> {
    const { statements, rest } = splitStatements(text)
    for (const statement of rest ? [...statements, rest] : statements) if (!(await this.#runOne(statement))) return false
    return true
  }

  #noteChange(statement: string): void {
    const used = /^\s*use\s+("(?:[^"]|"")+"|\w+)/i.exec(statement)?.[1]
    if (used !== undefined) this.#keyspace = used.startsWith('"') ? used.slice(1, -1).replaceAll('""', '"') : used.toLowerCase()
    if (changesNames.test(statement)) void this.#readNames()
  }

  /** Names only help typing: without them completion knows keywords. */
  async #readNames(): Promise<void> {
    this.#names = await readNames(this.#options.session).catch(() => this.#names)
  }

  async #goOn(): Promise<boolean> {
    if (this.#isInterrupted || this.#isLeft) return false
    if (this.#options.manner.pageSize === unpagedSize || this.#waiting.length > 0) return true
    this.#lines.setPrompt('--more-- (Enter, or q) ')
    this.#lines.prompt()
    const line = await new Promise<string>((resolve) => (this.#answer = resolve))
    this.#answer = null
    return line.trim() === ''
  }
}
