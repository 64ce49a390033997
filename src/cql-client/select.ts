import { MillraceError } from '../platform/index.ts'
import {
  consistencies,
  decodeValue,
  encodeValue,
  type ColumnSpec,
  type CqlValue,
  type QueryParameters,
  type Response,
} from '../cql-wire/index.ts'
import type { CqlConnection } from './connection.ts'
import { serverError } from './errors.ts'

const pageSize = 2000

/** A query of the schema or the topology over our own frames: text parameters by position, all pages. Rows by column name. */
export async function select(
  connection: CqlConnection,
  query: string,
  params: readonly string[] = [],
  /** Tables of the system are the node's own: LOCAL_ONE. */
  consistency: number = consistencies.LOCAL_ONE,
): Promise<Record<string, CqlValue>[]> {
  const found: Record<string, CqlValue>[] = []
  let pagingState: Uint8Array | null = null
  do {
    const parameters: QueryParameters = {
      ...plainParameters,
      consistency,
      values: params.map((text) => encodeValue({ is: 'text' }, text)),
      pageSize,
      pagingState,
    }
    const response: Response = await connection.request({ opcode: 'QUERY', query, parameters })
    if (response.opcode === 'ERROR') throw serverError(response)
    if (response.opcode !== 'RESULT' || response.kind !== 'rows') {
      throw new MillraceError('PROTOCOL', `The server answered "${query}" without rows.`)
    }
    for (const row of response.rows) found.push(rowOf(response.columns, row))
    pagingState = response.pagingState
  } while (pagingState)
  return found
}

export const plainParameters: QueryParameters = Object.freeze({
  consistency: consistencies.LOCAL_ONE,
  values: [],
  names: null,
  skipMetadata: false,
  pageSize: null,
  pagingState: null,
  serialConsistency: null,
  timestampMicros: null,
})

function rowOf(columns: readonly ColumnSpec[], cells: readonly (Uint8Array | null)[]): Record<string, CqlValue> {
  return Object.fromEntries(
    columns.map((column, i) => {
      const cell = cells[i] ?? null
      return [column.name, cell === null ? null : decodeValue(column.type, cell)]
    }),
  )
}

/** A value as text; '' when it is none. */
export function textOf(value: CqlValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** A collection's elements that are text. */
export function textsOf(value: CqlValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []
}
