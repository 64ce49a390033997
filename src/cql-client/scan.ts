import { MillraceError } from '../platform/index.ts'
import { alwaysQuote, decodeValue, type CqlValue, type QueryParameters, type Response } from '../cql-wire/index.ts'
import type { CqlConnection } from './connection.ts'
import { serverError } from './errors.ts'
import { plainParameters } from './select.ts'

export interface ScanOptions {
  keyspace: string
  table: string
  columns: readonly string[]
  /** Rows of a page; default 1000. */
  pageSize?: number
}

/**
 * All rows of a table in the order of their tokens, a page at a time, over our own frames; each row's values in the order of `columns`. `ask` puts
 * a question to a connection that stands: a page is asked for again when one ends.
 */
export async function* scan(
  options: ScanOptions,
  consistency: number,
  ask: <T>(question: (connection: CqlConnection) => Promise<T>) => Promise<T>,
): AsyncGenerator<CqlValue[][]> {
  const { keyspace, table, columns, pageSize = 1000 } = options
  const query = `SELECT ${columns.map(alwaysQuote).join(', ')} FROM ${alwaysQuote(keyspace)}.${alwaysQuote(table)}`
  let pagingState: Uint8Array | null = null
  do {
    const parameters: QueryParameters = { ...plainParameters, consistency, pageSize, pagingState }
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
