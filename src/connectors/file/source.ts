import { open, type FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Json } from '../../core/index.ts'
import { errnoOf, messageOf, MillraceError, type Clock } from '../../platform/index.ts'
import { BadRecords } from '../bad-records.ts'
import { isObject } from '../options-reader.ts'
import type { PolledPage, PolledSource } from '../polled-source.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'
import { unfitCursor } from '../unfit-cursor.ts'
import { headOfFile, lookAtFiles, type FilePlace, type FileToRead } from './files.ts'
import { LineReader, type Line } from './line-reader.ts'
import type { BadLine, FileTail } from './options.ts'
import { readColumns, readCsvLine, readJsonLine, type LineContent } from './read-line.ts'

export interface FileTailWorld {
  clock: Clock
  /** What paths are relative to. */
  folder: string
  log: (line: string) => void
}

/** So many bytes of lines end a page: a page is in memory, and in one transaction. */
const pageBytes = 1 << 20

/**
 * Lines of files. The cursor names each file by its inode and its beginning, with the byte up to which it was read, so that one that was renamed
 * goes on where it was, and one that was cut or replaced is told.
 */
export function openFileTail(name: string, options: FileTail, world: FileTailWorld): PolledSource {
  return {
    says: `${options.path} in ${world.folder}`,
    expectedRecords: null,
    read: (cursor, signal) => new FileRun(name, options, world, signal).pages(cursor),
  }
}

class FileRun {
  readonly #name: string
  readonly #options: FileTail
  readonly #world: FileTailWorld
  readonly #signal: AbortSignal
  readonly #bad: BadRecords<BadLine>
  /** Said once each. */
  readonly #told = new Set<string>()
  #places: FilePlace[] = []

  constructor(name: string, options: FileTail, world: FileTailWorld, signal: AbortSignal) {
    this.#name = name
    this.#options = options
    this.#world = world
    this.#signal = signal
    this.#bad = new BadRecords({ source: name, option: 'onBadLine', onBad: options.onBadLine, log: world.log })
  }

  async *pages(cursor: Json): AsyncGenerator<PolledPage> {
    stopIfAborted(this.#signal)
    const { every, for: forMs, follow } = this.#options
    const { clock } = this.#world
    this.#places = placesOf(this.#name, cursor)
    const endsMs = forMs === null ? (follow ? Number.POSITIVE_INFINITY : null) : clock.monotonicMs() + forMs
    try {
      for (;;) {
        yield* this.#round(endsMs !== null)
        if (endsMs === null || clock.monotonicMs() + every >= endsMs) return
        await clock.sleep(every, this.#signal)
      }
    } finally {
      this.#bad.sayTotal()
    }
  }

  /** What is in the files now: what is written meanwhile is of the next round, so that no file waits for another that is written to. */
  async *#round(isFollowing: boolean): AsyncGenerator<PolledPage> {
    const { files, told } = await this.#look()
    for (const line of told) this.#world.log(line)
    if (files.length === 0) this.#noFiles(isFollowing)
    this.#places = files.map(placeOfFile)
    for (const file of files) if (file.size > file.offset) yield* this.#file(file)
  }

  async #look() {
    try {
      return await lookAtFiles(this.#name, this.#world.folder, this.#options.path, this.#places)
    } catch (error) {
      throw this.#failed(error, this.#options.path)
    }
  }

  #noFiles(isFollowing: boolean): void {
    const { path } = this.#options
    if (!isFollowing && !/[*?[\]{}!]/.test(path)) throw this.#failed(new Error('there is no such file'), path)
    this.#tellOnce(`no file is at ${path} yet`)
  }

  async *#file(file: FileToRead): AsyncGenerator<PolledPage> {
    const handle = await this.#open(file)
    // Renamed in this moment: the next look finds both.
    if (handle === null) return
    try {
      const columns = await this.#columnsOf(handle, file)
      if (columns !== null) yield* this.#pagesOf(file, handle, columns)
    } finally {
      await handle.close()
    }
  }

  async #open({ path, ino }: FileToRead): Promise<FileHandle | null> {
    try {
      const handle = await open(resolve(this.#world.folder, path))
      const { ino: opened } = await handle.stat({ bigint: true })
      if (String(opened) === ino) return handle
      await handle.close()
      return null
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null
      throw this.#failed(error, path)
    }
  }

  async *#pagesOf(file: FileToRead, handle: FileHandle, columns: readonly string[]): AsyncGenerator<PolledPage> {
    const { maxLineBytes, format, delimiter, lastLine, records: mostRecords } = this.#options
    const separator = format === 'csv' ? delimiter.charCodeAt(0) : null
    const reader = new LineReader({ handle, offset: file.offset, end: file.size, maxLineBytes, delimiter: separator })
    let at = placeOfFile(file)
    let records: Record<string, unknown>[] = []
    const page = async (): Promise<PolledPage> => this.#page(at, handle, records)
    for (let begins = at.offset; ;) {
      stopIfAborted(this.#signal)
      const line = (await reader.next()) ?? (lastLine === 'take' ? reader.rest() : null)
      if (line === null) break
      const content = this.#content(line, at, columns)
      // What comes before is committed first, so that the next run begins at the line that is to be mended.
      if (content.is === 'bad' && this.#bad.fails && at.offset > begins) {
        yield await page()
        records = []
        begins = at.offset
      }
      const record = content.is === 'bad' ? this.#badLine(line, at, content.problem) : content.is === 'record' ? content.record : null
      if (record !== null) records.push(record)
      at = { ...at, offset: line.next, line: at.line + line.lineEnds }
      if (records.length < mostRecords && at.offset - begins < pageBytes) continue
      yield await page()
      records = []
      begins = at.offset
    }
    if (at.offset > (this.#placeOf(at.ino)?.offset ?? 0)) yield await page()
    const left = file.size - at.offset
    if (left > 0) this.#tellOnce(`${file.path}: the last ${left} bytes have no line end yet, and wait for it`)
  }

  #content(line: Line, at: FilePlace, columns: readonly string[]): LineContent {
    const { format, delimiter, maxLineBytes } = this.#options
    const limit = `${maxLineBytes} bytes (maxLineBytes)`
    if (format === 'ndjson') return readJsonLine(line, limit)
    const isNames = this.#options.columns === null && at.offset === 0
    return isNames ? { is: 'nothing' } : readCsvLine(line, { columns, delimiter, limit })
  }

  #badLine(line: Line, at: FilePlace, problem: string): Record<string, unknown> | null {
    const text = Buffer.from(line.bytes).toString('utf8')
    return this.#bad.take({ file: at.path, line: at.line, offset: line.offset, text, problem }, `${at.path}:${at.line}`, problem)
  }

  /** A page of one file; the cursor is of all. */
  async #page(at: FilePlace, handle: FileHandle, records: Record<string, unknown>[]): Promise<PolledPage> {
    const before = this.#placeOf(at.ino)
    const head = await headOfFile(handle, at.offset)
    this.#places = this.#places.map((place) => (place.ino === at.ino ? { ...at, head } : place))
    return { records, cursor: { files: this.#places.map((place) => ({ ...place })) }, label: `${at.path}@${before?.offset ?? 0}` }
  }

  #placeOf(ino: string): FilePlace | undefined {
    return this.#places.find((place) => place.ino === ino)
  }

  /** The names in the first row, which are read anew whenever the file is; null: it is not whole yet. */
  async #columnsOf(handle: FileHandle, { path, size }: FileToRead): Promise<readonly string[] | null> {
    const { format, columns, delimiter, maxLineBytes } = this.#options
    if (format === 'ndjson') return []
    if (columns !== null) return columns
    const reader = new LineReader({ handle, offset: 0, end: size, maxLineBytes, delimiter: delimiter.charCodeAt(0) })
    const line = await reader.next()
    if (line === null) return null
    const read = readColumns(line, delimiter, `${maxLineBytes} bytes (maxLineBytes)`)
    if (read.ok) return read.columns
    throw this.#failed(
      new Error(`the first row names the columns, and ${read.problem}; name them with columns where it does not`),
      `${path}:1`,
    )
  }

  #tellOnce(line: string): void {
    if (this.#told.has(line)) return
    this.#told.add(line)
    this.#world.log(line)
  }

  #failed(error: unknown, where: string): MillraceError {
    if (error instanceof MillraceError) return error
    return new MillraceError('SOURCE_FAILED', `Source ${this.#name}: ${where}: ${messageOf(error)}.`, {
      cause: error,
      details: { source: this.#name, file: where },
    })
  }
}

function placeOfFile({ path, ino, offset, line, head }: FileToRead): FilePlace {
  return { path, ino, offset, line, head }
}

function placesOf(name: string, cursor: Json): FilePlace[] {
  if (cursor === null) return []
  const files = isObject(cursor) ? cursor['files'] : undefined
  if (!Array.isArray(files)) throw unfitCursor(name, cursor)
  return files.map((file: unknown) => placeOf(file) ?? failUnfit(name, cursor))
}

function failUnfit(name: string, cursor: Json): never {
  throw unfitCursor(name, cursor)
}

function placeOf(value: unknown): FilePlace | null {
  if (!isObject(value)) return null
  const { path, ino, offset, line, head } = value
  if (typeof path !== 'string' || typeof ino !== 'string' || typeof head !== 'string') return null
  return typeof offset === 'number' && typeof line === 'number' ? { path, ino, offset, line, head } : null
}
