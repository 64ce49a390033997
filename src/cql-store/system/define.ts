import { createHash } from 'node:crypto'
import { encodeValue, parseType, murmur3Token, compositeKey, type CqlValue } from '../../cql-wire/index.ts'
import { initialTableOptions, isMultiCell, resolveTable, type Column, type Table } from '../schema/index.ts'
import type { Cell } from '../storage/index.ts'
import { elementsOf, type TableRow, type VirtualRows } from '../query/index.ts'

/** Values of a row by column; what is left out is null. Collections as their types want them (`CqlValue`). */
export type VirtualValues = Record<string, CqlValue>

export interface VirtualTable {
  table: Table
  rows: VirtualRows
}

/**
 * A table that is computed when it is read. `columns` as in `name type, …`: partition key first (`key` of them), then `clustering` of them.
 */
export function virtualTable(
  keyspace: string,
  name: string,
  columns: string,
  key: number,
  clustering: number,
  rows: () => VirtualValues[],
): VirtualTable {
  const table = resolveTable({
    number: 0,
    id: uuidOf(`${keyspace}.${name}`),
    keyspace,
    name,
    columns: columns.split(/,\s*(?![^<]*>)/).map((text, id) => columnOf(text.trim(), id, key, clustering)),
    nextColumn: 0,
    options: initialTableOptions,
    dropped: [],
    indexes: [],
  })
  return {
    table,
    rows: () =>
      rows()
        .map((values) => rowOf(table, values))
        .toSorted(byToken),
  }
}

/** A stable id for a name. */
export function uuidOf(text: string): string {
  const hex = createHash('md5').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-3${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function columnOf(text: string, id: number, key: number, clustering: number): Column {
  const space = text.indexOf(' ')
  const type = parseType(text.slice(space + 1))
  if (!type) throw new TypeError(`unknown type in ${text}`)
  const kind = id < key ? 'partition_key' : id < key + clustering ? 'clustering' : 'regular'
  return {
    id,
    name: text.slice(0, space),
    type,
    kind,
    position: id < key ? id : id < key + clustering ? id - key : -1,
    descending: false,
  }
}

function rowOf(table: Table, values: VirtualValues): TableRow {
  const bytes = (column: Column): Uint8Array => encodeValue(column.type, values[column.name] ?? null)
  const partition = table.partitionKey.map(bytes)
  const cells: Cell[] = table.regulars
    .filter((column) => values[column.name] !== undefined && values[column.name] !== null)
    .flatMap((column) => cellsOf(column, bytes(column)))
  const row = { clustering: table.clustering.map(bytes), liveness: { timestamp: 0n, ttl: 0, expiresAt: 0 }, deletion: null, cells }
  return { partition, token: murmur3Token(compositeKey(partition)), row, statics: null }
}

function cellsOf(column: Column, bytes: Uint8Array): Cell[] {
  const cell = (path: Uint8Array | null, value: Uint8Array): Cell => ({
    kind: 'value',
    column: column.id,
    path,
    timestamp: 0n,
    ttl: 0,
    at: 0,
    value,
  })
  const { type } = column
  if (!isMultiCell(column)) return [cell(null, bytes)]
  const none = new Uint8Array(0)
  const elements = elementsOf(type, bytes)
  if (type.is === 'set') return elements.map((element) => cell(element, none))
  return elements.flatMap((key, i) => (i % 2 === 0 ? [cell(key, elements[i + 1] ?? none)] : []))
}

function byToken(a: TableRow, b: TableRow): number {
  if (a.token !== b.token) return a.token < b.token ? -1 : 1
  const none = new Uint8Array(0)
  for (let i = 0; i < (a.row?.clustering.length ?? 0); i++) {
    const order = Buffer.compare(a.row?.clustering[i] ?? none, b.row?.clustering[i] ?? none)
    if (order !== 0) return order
  }
  return 0
}
