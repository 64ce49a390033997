import { tableId, type Field, type Json, type Project } from '../../core/index.ts'
import type { CassandraSession, TableInfo } from '../../cql-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { definesNothing, hasPersonal, mask } from './payload.ts'

export interface TableSummary extends TableInfo {
  /** The streams of this project that write to it. */
  streams: string[]
}

export interface RowsView {
  columns: { name: string; type: string; masked: boolean }[]
  rows: { [column: string]: Json }[]
  /** For the next page; null on the last. */
  next: string | null
}

/** Tables of all keyspaces but Cassandra's own, unless they are asked for. */
export async function listTables(session: CassandraSession, project: Project, withSystem: boolean): Promise<TableSummary[]> {
  const keyspaces = (await session.keyspaces()).filter((name) => withSystem || !/^system(_|$)/.test(name))
  const tables = (await Promise.all(keyspaces.map((keyspace) => session.tables(keyspace)))).flat()
  return tables.map((table) => ({ ...table, streams: streamsInto(project, tableId(table)) }))
}

function streamsInto(project: Project, table: string): string[] {
  return project.streams.filter(({ nodes }) => nodes.some((node) => node.is === 'sink' && node.table === table)).map(({ name }) => name)
}

export interface RowsQuery {
  /** Values of the partition key's columns, in order; null: the whole table, in the order of its tokens. */
  readonly key: readonly string[] | null
  readonly pageSize: number
  readonly next: string | null
}

/** A page of rows. Personal columns are hidden when `hidePersonal`, and then FORBIDDEN to ask by: the answer would tell whose the rest of it is. */
export async function readRows(
  session: CassandraSession,
  project: Project,
  table: TableInfo,
  query: RowsQuery,
  hidePersonal: boolean,
): Promise<RowsView> {
  const { key, pageSize, next } = query
  if (key !== null && key.length !== table.partitionKey.length)
    throw new MillraceError(
      'BAD_REQUEST',
      `The partition key of ${tableId(table)} is (${table.partitionKey.join(', ')}): give one value for each.`,
    )
  const personal = hidePersonal ? personalColumns(project, table) : new Set<string>()
  // Where nobody defines anything, the answer has nothing in it that is not hidden.
  if (key !== null && !definesNothing(project) && table.partitionKey.some((column) => personal.has(column)))
    throw personalKey(tableId(table))
  const where = key === null ? '' : ` WHERE ${table.partitionKey.map((column) => `${quoted(column)} = ?`).join(' AND ')}`
  const cql = `SELECT ${table.columns.map(({ name }) => quoted(name)).join(', ')} FROM ${quoted(table.keyspace)}.${quoted(table.name)}${where}`
  const params = (key ?? []).map((text, i) =>
    keyValue(text, table.columns.find(({ name }) => name === table.partitionKey[i])?.type ?? 'text'),
  )
  const result = await session.query(cql, {
    pageSize,
    ...(key === null ? {} : { params }),
    ...(next === null ? {} : { pagingState: next }),
  })
  return {
    columns: result.columns.map((column) => ({ ...column, masked: personal.has(column.name) })),
    rows: result.rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shown(value as Json, personal.has(name))])),
    ),
    next: result.pagingState,
  }
}

/** Whoever may not see keys may not try them either. */
export function personalKey(of: string): MillraceError {
  return new MillraceError('FORBIDDEN', `The key of ${of} is personal: asking by it needs the role operator.`)
}

/** Any statement, as the editor sends it. */
export async function runCql(session: CassandraSession, cql: string, pageSize: number, next: string | null): Promise<RowsView> {
  const result = await session.query(cql, { pageSize, ...(next === null ? {} : { pagingState: next }) })
  return {
    columns: result.columns.map((column) => ({ ...column, masked: false })),
    rows: result.rows as RowsView['rows'],
    next: result.pagingState,
  }
}

/** A line's comment ends at a carriage return too (`COMMENT` of Cassandra's Lexer.g): what stands behind it is run. */
const skipped = /(?:\s+|(?:--|\/\/)[^\n\r]*|\/\*[^]*?\*\/)/y

/** Whether the statement only reads: one that does not begin with SELECT or DESCRIBE may change something. */
export function onlyReads(cql: string): boolean {
  return /^(?:select|describe|desc)\b/i.test(begunAtItsVerb(cql))
}

/** Whether it sets the keyspace of the connection: all who use the console have that one together. */
export function usesKeyspace(cql: string): boolean {
  return /^use\b/i.test(begunAtItsVerb(cql))
}

function begunAtItsVerb(cql: string): string {
  skipped.lastIndex = 0
  let at = 0
  while (skipped.test(cql)) at = skipped.lastIndex
  return cql.slice(at)
}

/**
 * For the audit log: a text in a statement may be a password (P8), or personal. Comments are left out, as they may hold one as well, and an
 * apostrophe in one begins no text.
 */
export function withoutTexts(cql: string): string {
  const parts = /(?:--|\/\/)[^\n\r]*|\/\*[^]*?(?:\*\/|$)|("(?:[^"]|"")*"?)|'(?:[^']|'')*'?|\$\$[^]*?(?:\$\$|$)/g
  return cql.replaceAll(parts, (part, name?: string) => name ?? (/^['$]/.test(part) ? "'…'" : ''))
}

function personalColumns(project: Project, table: TableInfo): Set<string> {
  if (definesNothing(project)) return new Set(table.columns.map(({ name }) => name))
  const columns: readonly Field[] = project.tables.find((each) => tableId(each) === tableId(table))?.columns ?? []
  return new Set(columns.filter(hasPersonal).map(({ name }) => name))
}

function shown(value: Json, isPersonal: boolean): Json {
  return isPersonal && value !== null ? mask : value
}

/** The driver converts texts to most types by itself, numbers it wants as numbers. */
function keyValue(text: string, type: string): unknown {
  if (/^(?:int|smallint|tinyint|float|double)$/.test(type)) return Number(text)
  return type === 'boolean' ? text === 'true' : text
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
