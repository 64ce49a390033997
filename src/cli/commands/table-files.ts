import type { Command } from 'commander'
import type { CassandraSession, RowWriter, TableInfo, WriteResult } from '../../cql-client/index.ts'
import { MillraceError, systemClock } from '../../platform/index.ts'
import type { Context } from '../context.ts'
import type { WithContext } from '../main.ts'
import { counted } from '../output.ts'
import { createProgress } from '../progress.ts'
import { createRowFile, fileFormats, formatOf, readRowFile, type Entry, type FileColumn } from '../table-files/row-file.ts'

/** Rows of one call of the writer, and how many such calls may be on their way. */
const chunkRows = 500
const chunksInFlight = 4
const mostShown = 20

interface ExportOptions {
  format?: string
  columns?: string
}

interface ImportOptions extends ExportOptions {
  skip: string
}

export function addTableFileCommands(tables: Command, context: WithContext): void {
  const format = `${fileFormats.join(', ')} (default: by the file's name)`
  tables
    .command('export <table> <file>')
    .description('write all rows of keyspace.table to a file, or to - as text')
    .option('--format <format>', format)
    .option('--columns <names>', 'these columns, with commas between them; all without it')
    .action((table: string, file: string, options: ExportOptions) => exportTable(context(), table, file, options))
  tables
    .command('import <table> <file>')
    .description('write the rows of a file, or of - as text, to keyspace.table; rows of the same key are written over')
    .option('--format <format>', format)
    .option('--columns <names>', 'these columns of the file; all without it')
    .option('--skip <n>', 'leave out the first rows of the file: to go on where an import ended', '0')
    .action((table: string, file: string, options: ImportOptions) => importTable(context(), table, file, options))
}

async function exportTable({ output, withCassandra }: Context, name: string, path: string, options: ExportOptions): Promise<void> {
  const format = formatOf(path, options.format)
  const progress = createProgress('rows')
  const written = await withCassandra(async (session) => {
    const table = await tableNamed(session, name)
    const columns = chosen(await columnsOf(table), options.columns, table)
    const file = await createRowFile(path, format, columns)
    try {
      const { keyspace } = table
      for await (const rows of session.scan({ keyspace, table: table.name, columns: columns.map((column) => column.name) })) {
        file.write(rows)
        progress.add(rows.length)
      }
    } catch (error) {
      file.abandon()
      throw error
    } finally {
      progress.end()
    }
    file.end()
    return progress.count
  })
  output.data({ table: name, file: path, format, rows: written })
  if (path !== '-') output.line(`${counted(written, 'row')} of ${name} in ${path}`)
}

interface Imported {
  /** Of the file's rows, from the first one on, all are written or refused. */
  done: number
  written: number
  refused: number
  errors: { at: number; error: string }[]
}

async function importTable({ output, withCassandra }: Context, name: string, path: string, options: ImportOptions): Promise<void> {
  const format = formatOf(path, options.format)
  const skip = /^\d+$/.test(options.skip) ? Number(options.skip) : Number.NaN
  if (Number.isNaN(skip)) throw new MillraceError('BAD_REQUEST', `--skip ${options.skip}: a count of rows is a whole number.`)
  const imported: Imported = { done: skip, written: 0, refused: 0, errors: [] }
  try {
    await withCassandra(async (session) => {
      const table = await tableNamed(session, name)
      const there = await columnsOf(table)
      let columns: readonly FileColumn[] = []
      const entries = readRowFile(path, format, (names) => {
        columns = checkedColumns(table, there, names)
        return columns
      })
      await writeEntries(session, table, entries, () => wanted(columns, options.columns, table), skip, imported)
    })
  } catch (error) {
    const goOn = `${imported.written} rows were written. The first ${imported.done} of ${path} are done: go on with --skip ${imported.done}.`
    if (!(error instanceof MillraceError) || imported.written === 0) throw error
    throw new MillraceError(error.code, `${error.message} ${goOn}`, {
      cause: error,
      details: { ...error.details, rowsDone: imported.done },
    })
  }
  const { written, refused, errors } = imported
  output.data({ table: name, file: path, format, written, refused, errors })
  output.line(`${counted(written, 'row')} written to ${name}${refused === 0 ? '' : `, ${refused} refused`}`)
  for (const { at, error } of errors) output.line(`  ${format === 'parquet' ? 'row' : 'line'} ${at}: ${error}`)
  if (refused > errors.length) output.line(`  and ${refused - errors.length} more`)
  if (refused > 0) process.exitCode = 1
}

/** Which of the file's columns are written, by their place in it. */
function wanted(columns: readonly FileColumn[], names: string | undefined, table: TableInfo): { columns: FileColumn[]; places: number[] } {
  const kept = names === undefined ? [...columns] : chosen(columns, names, table)
  for (const key of [...table.partitionKey, ...table.clusteringKey.map(({ column }) => column)]) {
    if (!kept.some(({ name }) => name === key))
      throw new MillraceError('BAD_REQUEST', `The file has no column ${key}, which is part of the key of ${table.keyspace}.${table.name}.`)
  }
  return { columns: kept, places: kept.map((column) => columns.indexOf(column)) }
}

/** Rows on their way, and what became of them. */
interface Sent {
  chunk: readonly Entry[]
  good: readonly { at: number }[]
  result: Promise<WriteResult>
}

async function writeEntries(
  session: CassandraSession,
  { keyspace, name: table }: TableInfo,
  entries: AsyncIterable<Entry>,
  chosenColumns: () => { columns: FileColumn[]; places: number[] },
  skip: number,
  imported: Imported,
): Promise<void> {
  const progress = createProgress('rows')
  let open: { writer: RowWriter; places: number[] } | null = null
  let chunk: Entry[] = []
  let seen = 0
  const times = timesInOrder()
  const inFlight: Sent[] = []
  const settleFirst = async (): Promise<void> => {
    const sent = inFlight.shift()
    if (!sent) return
    account(sent, await sent.result, imported)
    progress.add(sent.chunk.length)
  }
  const send = async (): Promise<void> => {
    if (!open) {
      const { columns, places } = chosenColumns()
      open = { writer: await session.writer({ keyspace, table, columns }), places }
    }
    inFlight.push(sendChunk(open.writer, open.places, chunk, times))
    chunk = []
    // In order: what is counted as done has nothing open before it.
    if (inFlight.length >= chunksInFlight) await settleFirst()
  }
  try {
    for await (const entry of entries) {
      if (seen++ < skip) continue
      chunk.push(entry)
      if (chunk.length >= chunkRows) await send()
    }
    if (chunk.length > 0) await send()
    while (inFlight.length > 0) await settleFirst()
  } finally {
    await Promise.allSettled(inFlight.map(({ result }) => result))
    progress.end()
  }
}

function sendChunk(writer: RowWriter, places: readonly number[], chunk: readonly Entry[], times: WriteTimes): Sent {
  const good = chunk.filter((entry) => 'row' in entry)
  const micros = times(good.length)
  const rows = good.map(({ row }) => places.map((place) => row[place] ?? null))
  return { chunk, good, result: writer.write(rows, micros, new AbortController().signal) }
}

/** Write times of so many rows more. */
type WriteTimes = (count: number) => BigInt64Array<ArrayBuffer>

/** Now, and each later than the one before: of two rows with the same key the file's last one wins, whole. */
function timesInOrder(): WriteTimes {
  let last = 0n
  return (count) => {
    const now = BigInt(Math.trunc(systemClock.nowMs())) * 1000n
    return BigInt64Array.from({ length: count }, () => (last = now > last ? now : last + 1n))
  }
}

function account({ chunk, good }: Sent, result: WriteResult, imported: Imported): void {
  if (result.is === 'unavailable') throw result.error
  const refuse = (at: number, error: string): void => {
    imported.refused++
    if (imported.errors.length < mostShown) imported.errors.push({ at, error })
  }
  for (const entry of chunk) if ('error' in entry) refuse(entry.at, entry.error)
  for (const [i, outcome] of result.outcomes.entries()) {
    if (outcome.is === 'refused') refuse(good[i]?.at ?? 0, outcome.error.message)
    else imported.written++
  }
  imported.done += chunk.length
}

async function tableNamed(session: CassandraSession, name: string): Promise<TableInfo> {
  const dot = name.indexOf('.')
  if (dot <= 0) throw new MillraceError('BAD_REQUEST', `${name}: write keyspace.table.`)
  const table = await session.table(name.slice(0, dot), name.slice(dot + 1))
  if (table) return table
  throw new MillraceError('NOT_FOUND', `There is no table ${name}: "millrace tables" lists those there are.`)
}

async function columnsOf(table: TableInfo): Promise<FileColumn[]> {
  const { parseType } = await import('../../cql-client/index.ts')
  return table.columns.map(({ name, type: text }) => {
    const type = parseType(text)
    if (!type || type.is === 'udt' || type.is === 'custom')
      throw new MillraceError(
        'BAD_REQUEST',
        `Column ${name} of ${table.keyspace}.${table.name} is ${text}, which no file format holds here: leave it out by --columns.`,
      )
    return { name, type }
  })
}

function chosen(columns: readonly FileColumn[], names: string | undefined, table: TableInfo): FileColumn[] {
  if (names === undefined) return [...columns]
  return names.split(',').map((each) => {
    const found = columns.find(({ name }) => name === each.trim())
    if (found) return found
    throw new MillraceError('BAD_REQUEST', `${each.trim()} is no column of ${table.keyspace}.${table.name}.`)
  })
}

/** The file's columns with the table's types. */
function checkedColumns(table: TableInfo, there: readonly FileColumn[], names: readonly string[]): FileColumn[] {
  return names.map((each) => {
    const found = there.find(({ name }) => name === each)
    if (found) return found
    throw new MillraceError(
      'BAD_REQUEST',
      `The file's column ${each} is none of ${table.keyspace}.${table.name}: it has ${there.map(({ name }) => name).join(', ')}.`,
    )
  })
}
