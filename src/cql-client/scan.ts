import { MillraceError } from '../platform/index.ts'
import {
  alwaysQuote,
  consistencies,
  decodeValue,
  encodeValue,
  type CqlType,
  type CqlValue,
  type QueryParameters,
  type Response,
} from '../cql-wire/index.ts'
import type { CqlConnection } from './connection.ts'
import { serverError } from './errors.ts'
import type { WriteConsistency } from './options.ts'
import { plainParameters } from './select.ts'

export interface ScanOptions {
  keyspace: string
  table: string
  columns: readonly string[]
  /** Rows of a page; default 1000. */
  pageSize?: number
}

/** A column and the value that rows have there. */
export interface ColumnIs {
  name: string
  type: CqlType
  value: CqlValue
}

export interface RowsOptions extends ScanOptions {
  /** All of the partition key, and clustering columns from the first on. */
  where: readonly ColumnIs[]
  /** Most rows; default all. */
  limit?: number
  /** Default: the session's of reads. */
  consistency?: WriteConsistency
}

/** Puts a question to a connection that stands: a page is asked for again when one ends. */
export type Ask = <T>(question: (connection: CqlConnection) => Promise<T>) => Promise<T>

/** All rows of a table in the order of their tokens, a page at a time, over our own frames; each row's values in the order of `columns`. */
export function scan(options: ScanOptions, consistency: number, ask: Ask): AsyncGenerator<CqlValue[][]> {
  return pages({ query: selectFrom(options), values: [], pageSize: options.pageSize }, consistency, ask)
}

/** Rows of one partition in their order, over our own frames; each row's values in the order of `columns`. */
export async function rowsOf(options: RowsOptions, consistency: number, ask: Ask): Promise<CqlValue[][]> {
  const { where, limit, pageSize } = options
  const condition = where.map(({ name }) => `${alwaysQuote(name)} = ?`).join(' AND ')
  const query = `${selectFrom(options)} WHERE ${condition}${limit === undefined ? '' : ` LIMIT ${limit}`}`
  const values = where.map(({ type, value }) => encodeValue(type, value))
  const level = options.consistency === undefined ? consistency : consistencies[options.consistency]
  const rows: CqlValue[][] = []
  for await (const page of pages({ query, values, pageSize }, level, ask)) rows.push(...page)
  return rows
}

function selectFrom({ keyspace, table, columns }: ScanOptions): string {
  return `SELECT ${columns.map(alwaysQuote).join(', ')} FROM ${alwaysQuote(keyspace)}.${alwaysQuote(table)}`
}

interface PagedQuery {
  query: string
  /** By position. */
  values: QueryParameters['values']
  pageSize: number | undefined
}

async function* pages({ query, values, pageSize = 1000 }: PagedQuery, consistency: number, ask: Ask): AsyncGenerator<CqlValue[][]> {
  let pagingState: Uint8Array | null = null
  do {
    const parameters: QueryParameters = { ...plainParameters, values, consistency, pageSize, pagingState }
    const page: Response = await ask((connection) => connection.request({ opcode: 'QUERY', query, parameters }))
    if (page.opcode === 'ERROR') throw serverError(page)
    if (page.opcode !== 'RESULT' || page.kind !== 'rows')
      throw new MillraceError('PROTOCOL', `The server answered "${query}" without rows.`)
    const { columns: specs, rows } = page
    if (rows.length > 0)
      yield rows.map((cells) =>
        specs.map(({ type }, i) => {
          const cell = cells[i] ?? null
          return cell === null ? null : decodeValue(type, cell)
        }),
      )
    pagingState = page.pagingState
  } while (pagingState)
}
