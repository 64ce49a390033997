import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf, type Logger } from '../platform/index.ts'

/** More than this waiting for a slow disk, and lines are left out (and counted in the log). */
const maxBufferedBytes = 1_048_576

/** `<logsDir>/<dag>/<run>/<task>/<attempt>.log`. Ids are checked when they come in: none holds a slash or is `..`. */
export function attemptLogPath(logsDir: string, id: { dagId: string; runId: string; taskId: string; attempt: number }): string {
  return join(logsDir, id.dagId, id.runId, id.taskId, `${id.attempt}.log`)
}

/** One attempt's log file: buffered, each line with its ISO time, the scheduler's own lines marked `[scheduler]`. Never throws. */
export class AttemptLog {
  readonly path: string
  readonly #log: Logger
  #stream: WriteStream | null = null
  #lost = 0

  constructor(path: string, log: Logger) {
    this.path = path
    this.#log = log
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
      this.#stream = createWriteStream(path, { flags: 'a', mode: 0o640 })
      this.#stream.on('error', (error) => this.#broken(error))
    } catch (error) {
      this.#broken(error)
    }
  }

  line(text: string, atMs: number): void {
    if (!this.#stream) return
    if (this.#stream.writableLength > maxBufferedBytes) {
      this.#lost++
      return
    }
    const at = isoTime(atMs)
    if (this.#lost > 0) this.#stream.write(`${at} [scheduler] ${this.#lost} lines left out: the disk did not keep up\n`)
    this.#lost = 0
    const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
    this.#stream.write(lines.map((line) => `${at} ${line}\n`).join(''))
  }

  note(text: string, atMs: number): void {
    this.line(`[scheduler] ${text}`, atMs)
  }

  /** Resolves when all lines are in the file (or the file is broken). */
  close(): Promise<void> {
    const stream = this.#stream
    this.#stream = null
    if (!stream || stream.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      stream.once('close', resolve)
      stream.end()
    })
  }

  #broken(error: unknown): void {
    this.#stream?.destroy()
    this.#stream = null
    this.#log.warn(`The log ${this.path} cannot be written: ${messageOf(error)}`)
  }
}

/** A time from a child may be anything; a wrong one must not throw. */
function isoTime(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : new Date(0).toISOString()
}
