import type { Column, Table } from '../schema/index.ts'
import { isMultiCell } from '../schema/index.ts'
import {
  decodeDeletions,
  decodeRow,
  deletionOver,
  isCellLive,
  places,
  prefixLengthOf,
  pruneRow,
  type Cell,
  type Engine,
  type PartitionDeletions,
  type Row,
} from '../storage/index.ts'
import { rowKeyOf } from './target.ts'
import { assembleCollection } from './values.ts'

/** A row as SELECT sees it: of its partition, with the partition's static cells. */
export interface TableRow {
  /** Values of the partition key's columns. */
  partition: readonly Uint8Array[]
  token: bigint
  /** Null for a partition that has static cells only. */
  row: Row | null
  statics: Row | null
}

export function cellsOf(column: Column, { row, statics }: TableRow): Cell[] {
  const source = column.kind === 'static' ? statics : row
  return source ? source.cells.filter((cell) => cell.column === column.id) : []
}

/** A column's value, as the protocol carries it, or null. */
export function valueOf(column: Column, from: TableRow, nowSeconds: number): Uint8Array | null {
  if (column.kind === 'partition_key') return from.partition[column.position] ?? null
  if (column.kind === 'clustering') return from.row?.clustering[column.position] ?? null
  const source = column.kind === 'static' ? from.statics : from.row
  if (!source) return null
  if (isMultiCell(column)) return assembleCollection(column.type, cellsOf(column, from), nowSeconds)
  for (const cell of source.cells) if (cell.column === column.id) return isCellLive(cell, nowSeconds) ? cell.value : null
  return null
}

/** Reads the live cells of the row under a key, for operations that look at what is stored. */
export function storedCells(engine: Engine, table: Table, key: Buffer): (column: Column, nowSeconds: number) => Cell[] {
  const prefix = key.subarray(0, prefixLengthOf(key))
  const record = engine.get(key)
  const place = key.subarray(prefix.length)
  const { deletions } = readHead(engine, table, prefix)
  const isStatic = table.clustering.length > 0 && place.length === 1 && place[0] === places.static
  const row = record && (isStatic ? visibleStatics(table, record, deletions) : visibleRow(table, record, place, deletions))
  return (column, nowSeconds) => (row?.cells ?? []).filter((cell) => cell.column === column.id && isCellLive(cell, nowSeconds))
}

export interface PartitionHead {
  deletions: PartitionDeletions | null
  statics: Row | null
}

/** What applies to all rows of a partition. Tables without clustering columns have nothing of it. */
export function readHead(engine: Engine, table: Table, prefix: Buffer): PartitionHead {
  if (table.clustering.length === 0) return { deletions: null, statics: null }
  const deletionsRecord = engine.get(rowKeyOf(prefix, places.deletions))
  const deletions = deletionsRecord ? decodeDeletions(deletionsRecord) : null
  const staticRecord = table.statics.length > 0 ? engine.get(rowKeyOf(prefix, places.static)) : null
  return { deletions, statics: staticRecord && visibleStatics(table, staticRecord, deletions) }
}

/**
 * A row without what its partition's deletions shadow, without cells of dropped columns, and of those that came back without cells from
 * before. `place` is its encoded clustering key.
 */
export function visibleRow(table: Table, record: Buffer, place: Buffer, deletions: PartitionDeletions | null): Row {
  return visiblePart(table, record, deletions && deletionOver(deletions, place))
}

/** A partition's static cells, likewise. */
export function visibleStatics(table: Table, record: Buffer, deletions: PartitionDeletions | null): Row {
  return visiblePart(table, record, deletions?.partition ?? null)
}

function visiblePart({ columnIds, returned }: Table, record: Buffer, deletion: Row['deletion']): Row {
  const stored = decodeRow(record)
  const row = deletion ? pruneRow(stored, deletion) : stored
  if (!columnIds && !returned) return row
  const isSeen = ({ column, timestamp }: Cell): boolean => {
    const upTo = returned?.get(column)
    return (columnIds?.has(column) ?? true) && (upTo === undefined || timestamp > upTo)
  }
  return { ...row, cells: row.cells.filter(isSeen) }
}
