import { closeSync, createReadStream, fsyncSync, openSync, rmSync } from 'node:fs'
import { extname } from 'node:path'
import type { CqlType, CqlValue } from '../../cql-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { cellText, cellValue } from './cell-text.ts'
import { csvLine, readCsv } from './csv.ts'
import { jsonOf, valueOfJson } from './json-value.ts'
import { entryOf, parquetWriter, readParquet } from './parquet.ts'
import { nameFile, writeAll } from './write-all.ts'

export const fileFormats = ['csv', 'ndjson', 'parquet'] as const
export type FileFormat = (typeof fileFormats)[number]

export interface FileColumn {
  name: string
  type: CqlType
}

/** A row of a file, or why it is none. `at`: its line, or its number in a Parquet file, from 1. */
export type Entry = { at: number; row: CqlValue[] } | { at: number; error: string }

/** A file that rows are written to. It ends once, by one of the two. */
export interface RowFile {
  write(rows: readonly (readonly CqlValue[])[]): void
  /** When it fails, nothing of it is left. */
  end(): void
  /** Leaves what was written; nobody is to read it. */
  abandon(): void
}

/** By its name, unless it is said. @throws MillraceError BAD_REQUEST */
export function formatOf(path: string, given: string | undefined): FileFormat {
  const name = given ?? extname(path).slice(1).replace('jsonl', 'ndjson')
  const format = fileFormats.find((each) => each === name)
  if (format) return format
  throw new MillraceError('BAD_REQUEST', `${path}: say its format by --format csv, ndjson or parquet.`)
}

/** A new file under a name of its own, `<path>.part`; {@link RowFile.end} gives it its name once it is on the disk. `-`: standard output. */
export async function createRowFile(path: string, format: FileFormat, columns: readonly FileColumn[]): Promise<RowFile> {
  if (path === '-') {
    if (format === 'parquet') throw new MillraceError('BAD_REQUEST', 'A Parquet file cannot go to standard output: name one.')
    const standardOutput = 1
    return { write: textWriter(standardOutput, format, columns).write, end: () => {}, abandon: () => {} }
  }
  const part = `${path}.part`
  const fd = openSync(part, 'w')
  let isOpen = true
  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    closeSync(fd)
  }
  const abandon = (): void => {
    close()
    rmSync(part, { force: true })
  }
  try {
    const { write, end } = format === 'parquet' ? await parquetWriter(fd, columns) : textWriter(fd, format, columns)
    return {
      write,
      end: () => {
        try {
          end()
          fsyncSync(fd)
          close()
          nameFile(part, path)
        } catch (error) {
          abandon()
          throw error
        }
      },
      abandon,
    }
  } catch (error) {
    abandon()
    throw error
  }
}

function textWriter(fd: number, format: 'csv' | 'ndjson', columns: readonly FileColumn[]): Omit<RowFile, 'abandon'> {
  const write = (text: string): void => writeAll(fd, Buffer.from(text))
  if (format === 'csv') write(csvLine(columns.map(({ name }) => name)))
  const lineOf = format === 'csv' ? csvOf : ndjsonOf
  return { write: (rows) => write(rows.map((row) => lineOf(columns, row)).join('')), end: () => {} }
}

function csvOf(columns: readonly FileColumn[], row: readonly CqlValue[]): string {
  return csvLine(
    columns.map(({ type }, i) => {
      const value = row[i] ?? null
      return value === null ? null : cellText(type, value)
    }),
  )
}

function ndjsonOf(columns: readonly FileColumn[], row: readonly CqlValue[]): string {
  return `${JSON.stringify(Object.fromEntries(columns.map(({ name, type }, i) => [name, jsonOf(type, row[i] ?? null)])))}\n`
}

/**
 * Rows of a file. `columnsOf` says which columns there are, by the names that the file gives them (NDJSON: its first line's). `-`: standard input.
 */
export function readRowFile(
  path: string,
  format: FileFormat,
  columnsOf: (names: readonly string[]) => readonly FileColumn[],
): AsyncGenerator<Entry> {
  if (format === 'parquet') return readParquet(path, columnsOf)
  const stream = path === '-' ? process.stdin.setEncoding('utf8') : createReadStream(path, 'utf8')
  return format === 'csv' ? readCsvRows(stream, columnsOf) : readNdjson(stream, columnsOf)
}

async function* readCsvRows(
  chunks: AsyncIterable<string>,
  columnsOf: (names: readonly string[]) => readonly FileColumn[],
): AsyncGenerator<Entry> {
  let columns: readonly FileColumn[] | null = null
  for await (const { line, cells } of readCsv(chunks)) {
    if (columns === null) {
      columns = columnsOf(cells.map((cell) => (cell ?? '').replace(/^\uFEFF/, '')))
      continue
    }
    const types = columns
    yield entryOf(line, () => {
      if (cells.length !== types.length)
        throw new MillraceError('BAD_REQUEST', `there are ${cells.length} cells where the header has ${types.length} names`)
      return types.map(({ name, type }, i) => {
        const cell = cells[i] ?? null
        return cell === null ? null : named(name, () => cellValue(type, cell))
      })
    })
  }
}

async function* readNdjson(
  chunks: AsyncIterable<string>,
  columnsOf: (names: readonly string[]) => readonly FileColumn[],
): AsyncGenerator<Entry> {
  let columns: readonly FileColumn[] | null = null
  let at = 0
  for await (const line of linesOf(chunks)) {
    at++
    if (line.trim() === '') continue
    const object = objectOf(line)
    if (object && columns === null) columns = columnsOf(Object.keys(object))
    const known = columns ?? []
    yield entryOf(at, () => {
      if (!object) throw new MillraceError('BAD_REQUEST', 'this line is no JSON object')
      const unknown = Object.keys(object).find((key) => !known.some(({ name }) => name === key))
      if (unknown !== undefined) throw new MillraceError('BAD_REQUEST', `${unknown} is no column that the first line names`)
      return known.map(({ name, type }) => named(name, () => valueOfJson(type, object[name])))
    })
  }
}

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

function objectOf(line: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(line)
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : null
  } catch {
    return null
  }
}

function named(column: string, value: () => CqlValue): CqlValue {
  try {
    return value()
  } catch (error) {
    if (error instanceof MillraceError) throw new MillraceError('BAD_REQUEST', `column ${column}: ${error.message}`)
    throw error
  }
}
