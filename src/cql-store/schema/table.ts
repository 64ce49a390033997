import type { CqlType } from '../../cql-wire/index.ts'
import { orderingOf, type ClusteringOrder } from '../storage/index.ts'
import type { TableOptions } from './table-options.ts'

export type ColumnKind = 'partition_key' | 'clustering' | 'static' | 'regular'

export interface Column {
  /** Within its table; only a column of the same name has it again. */
  readonly id: number
  readonly name: string
  readonly type: CqlType
  readonly kind: ColumnKind
  /** Within the partition key or the clustering columns; −1 for others, as `system_schema.columns` has it. */
  readonly position: number
  readonly descending: boolean
}

export interface DroppedColumn {
  /** Added again, it has the same cells. Not known of columns dropped by a Millrace that gave them a new id. */
  id?: number
  name: string
  type: CqlType
  kind: ColumnKind
  /** Its cells up to then are not seen any more, even when they are written later. */
  droppedAtMicros: string
}

/** `simple`: of a column's value; `full`: of a frozen collection as a whole; the others: of each element of a collection. */
export type IndexKind = 'simple' | 'keys' | 'values' | 'entries' | 'full'

/** A secondary index. */
export interface TableIndex {
  /** Of its entries' keys in the store, as a table's. */
  readonly number: number
  readonly name: string
  readonly column: string
  readonly kind: IndexKind
  /** False while rows from before the index are still to be entered: until then reads look at all rows instead. */
  readonly progress: { isBuilt: boolean }
}

export interface TableDefinition {
  /** In keys of the store. A TRUNCATE gives the table a new one, so that its old records are no longer its own. */
  number: number
  /** `system_schema.tables.id` */
  id: string
  keyspace: string
  name: string
  columns: readonly Column[]
  nextColumn: number
  options: TableOptions
  dropped: readonly DroppedColumn[]
  indexes: readonly TableIndex[]
}

/** A table as statements use it; frozen, a change makes a new one. */
export interface Table extends TableDefinition {
  readonly partitionKey: readonly Column[]
  readonly clustering: readonly Column[]
  /** In order of their names. */
  readonly statics: readonly Column[]
  readonly regulars: readonly Column[]
  /** As `SELECT *` returns them: partition key, clustering, static, regular. */
  readonly selectOrder: readonly Column[]
  readonly byName: ReadonlyMap<string, Column>
  readonly orders: readonly ClusteringOrder[]
  /** Ids of its columns; null where none was ever dropped, so that stored cells are of no other. */
  readonly columnIds: ReadonlySet<number> | null
  /** Columns that were dropped and added again: by id, the time up to which their cells do not count. Null where there are none. */
  readonly returned: ReadonlyMap<number, bigint> | null
}

export function resolveTable(definition: TableDefinition): Table {
  const of = (kind: ColumnKind): Column[] => definition.columns.filter((column) => column.kind === kind)
  const byPosition = (a: Column, b: Column): number => a.position - b.position
  const byName = (a: Column, b: Column): number => (a.name < b.name ? -1 : 1)
  const partitionKey = of('partition_key').sort(byPosition)
  const clustering = of('clustering').sort(byPosition)
  const statics = of('static').sort(byName)
  const regulars = of('regular').sort(byName)
  const returned = definition.dropped.flatMap(({ id, droppedAtMicros }) =>
    id !== undefined && definition.columns.some((column) => column.id === id) ? [[id, BigInt(droppedAtMicros)] as const] : [],
  )
  return Object.freeze({
    ...definition,
    partitionKey,
    clustering,
    statics,
    regulars,
    selectOrder: [...partitionKey, ...clustering, ...statics, ...regulars],
    byName: new Map(definition.columns.map((column) => [column.name, column])),
    orders: clustering.map((column) => ({ ordering: orderingOf(column.type.is), descending: column.descending })),
    columnIds: definition.nextColumn > definition.columns.length ? new Set(definition.columns.map(({ id }) => id)) : null,
    returned: returned.length > 0 ? new Map(returned) : null,
  })
}

/** True when the column's elements are stored one by one: a list, set or map that is not frozen. */
export function isMultiCell(column: Column): boolean {
  const { type } = column
  return (type.is === 'list' || type.is === 'set' || type.is === 'map') && !type.frozen
}

export function qualifiedName(table: { keyspace: string; name: string }): string {
  return `${table.keyspace}.${table.name}`
}
