import { MillraceError } from '../platform/index.ts'
import {
  alwaysQuote,
  errors,
  formatType,
  frameHeaderBytes,
  opcodes,
  type ColumnSpec,
  type CqlType,
  type PreparedResult,
} from '../cql-wire/index.ts'
import type { WriterColumn } from './batch.ts'
import { protocolVersion, type CqlConnection } from './connection.ts'
import { serverError } from './errors.ts'

/** The statement behind a writer. */
export interface Insert {
  keyspace: string
  table: string
  columns: readonly WriterColumn[]
  consistency: number
}

/** An insert as one server knows it. */
export interface PreparedInsert {
  /** Frame header (length and stream still 0), prepared id, consistency, flags and the number of values: what each EXECUTE begins with. */
  prefix: Uint8Array
  /** Positions of the partition key's columns. */
  pkIndexes: number[]
}

/** `INSERT … USING TIMESTAMP ?`: the write time is bound, so that a late retry never wins over a newer row (P2). */
export function insertText({ keyspace, table, columns }: Insert): string {
  const names = columns.map((column) => alwaysQuote(column.name)).join(', ')
  const marks = columns.map(() => '?').join(', ')
  return `INSERT INTO ${alwaysQuote(keyspace)}.${alwaysQuote(table)} (${names}) VALUES (${marks}) USING TIMESTAMP ?`
}

/** Rejects with NOT_FOUND (no such keyspace or table), TABLE_MISMATCH (columns or types differ), or as `request` does. */
export async function prepareInsert(connection: CqlConnection, insert: Insert): Promise<PreparedInsert> {
  const response = await connection.request({ opcode: 'PREPARE', query: insertText(insert) })
  if (response.opcode === 'ERROR') {
    if (response.code !== errors.INVALID) throw serverError(response)
    const name = `${insert.keyspace}.${insert.table}`
    const isMissing = /unconfigured table|keyspace .* does not exist|table .* does not exist/i.test(response.message)
    throw new MillraceError(isMissing ? 'NOT_FOUND' : 'TABLE_MISMATCH', `Table ${name} cannot be written to: ${response.message}.`, {
      details: { cqlCode: response.code, table: name },
    })
  }
  if (response.opcode !== 'RESULT' || response.kind !== 'prepared') {
    throw new MillraceError('PROTOCOL', `The server answered PREPARE with ${response.opcode}.`)
  }
  checkColumns(insert, response.bound)
  return { prefix: prefixOf(response, insert), pkIndexes: response.pkIndexes }
}

function checkColumns(insert: Insert, bound: readonly ColumnSpec[]): void {
  insert.columns.forEach((column, i) => {
    const theirs = bound[i]?.type
    if (theirs && compatible(column.type, theirs)) return
    throw new MillraceError(
      'TABLE_MISMATCH',
      `Column ${column.name} of ${insert.keyspace}.${insert.table} is ${theirs ? formatType(theirs) : 'missing'}, not ${formatType(column.type)}.`,
      { details: { column: column.name } },
    )
  })
}

/** The same bytes mean the same: frozen or not says nothing about them. */
function compatible(ours: CqlType, theirs: CqlType): boolean {
  return formatType(withoutFrozen(ours)) === formatType(withoutFrozen(theirs))
}

function withoutFrozen(type: CqlType): CqlType {
  switch (type.is) {
    case 'list':
    case 'set':
      return { is: type.is, of: withoutFrozen(type.of) }
    case 'map':
      return { is: 'map', key: withoutFrozen(type.key), value: withoutFrozen(type.value) }
    case 'tuple':
      return { is: 'tuple', of: type.of.map(withoutFrozen) }
    case 'udt':
      return { ...type, fields: type.fields.map((field) => ({ ...field, type: withoutFrozen(field.type) })), frozen: false }
    default:
      return type
  }
}

const VALUES = 0x01
const SKIP_METADATA = 0x02

function prefixOf(prepared: PreparedResult, insert: Insert): Uint8Array {
  const idLength = prepared.id.length
  const prefix = Buffer.alloc(frameHeaderBytes + 2 + idLength + 5)
  prefix[0] = protocolVersion
  prefix[4] = opcodes.EXECUTE
  let at = prefix.writeUInt16BE(idLength, frameHeaderBytes)
  prefix.set(prepared.id, at)
  at = prefix.writeUInt16BE(insert.consistency, at + idLength)
  at = prefix.writeUInt8(VALUES | SKIP_METADATA, at)
  prefix.writeUInt16BE(insert.columns.length + 1, at)
  return prefix
}
