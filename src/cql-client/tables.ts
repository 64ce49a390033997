import type { CqlValue } from '../cql-wire/index.ts'
import type { CqlConnection } from './connection.ts'
import { select, textOf } from './select.ts'

export interface TableInfo {
  keyspace: string
  name: string
  /** Key columns first, in their order, then the others by name. `type` as CQL writes it. */
  columns: { name: string; type: string }[]
  partitionKey: string[]
  clusteringKey: { column: string; order: 'asc' | 'desc' }[]
}

type Row = Record<string, CqlValue>

export async function readKeyspaces(connection: CqlConnection): Promise<string[]> {
  const rows = await select(connection, 'SELECT keyspace_name FROM system_schema.keyspaces')
  return rows.map((row) => textOf(row.keyspace_name)).toSorted()
}

const columnsQuery =
  'SELECT table_name, column_name, type, kind, position, clustering_order FROM system_schema.columns WHERE keyspace_name = ?'

export async function readTables(connection: CqlConnection, keyspace: string): Promise<TableInfo[]> {
  const tables = await select(connection, 'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [keyspace])
  const columns = await select(connection, columnsQuery, [keyspace])
  const columnsOf = Map.groupBy(columns, (row) => textOf(row.table_name))
  return tables.map((row) => tableOf(keyspace, textOf(row.table_name), columnsOf.get(textOf(row.table_name)) ?? []))
}

export async function readTable(connection: CqlConnection, keyspace: string, name: string): Promise<TableInfo | null> {
  const columns = await select(connection, `${columnsQuery} AND table_name = ?`, [keyspace, name])
  return columns.length === 0 ? null : tableOf(keyspace, name, columns)
}

function tableOf(keyspace: string, name: string, rows: readonly Row[]): TableInfo {
  const ofKind = (kind: string): Row[] =>
    rows.filter((row) => row.kind === kind).toSorted((a, b) => Number(a.position) - Number(b.position))
  const partition = ofKind('partition_key')
  const clustering = ofKind('clustering')
  const others = rows
    .filter((row) => row.kind !== 'partition_key' && row.kind !== 'clustering')
    .toSorted((a, b) => (textOf(a.column_name) < textOf(b.column_name) ? -1 : 1))
  return {
    keyspace,
    name,
    columns: [...partition, ...clustering, ...others].map((row) => ({ name: textOf(row.column_name), type: textOf(row.type) })),
    partitionKey: partition.map((row) => textOf(row.column_name)),
    clusteringKey: clustering.map((row) => ({ column: textOf(row.column_name), order: row.clustering_order === 'desc' ? 'desc' : 'asc' })),
  }
}
