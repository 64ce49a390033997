import { tableId, type TableDef } from '../../core/index.ts'
import { formatType } from '../../cql-client/index.ts'
import { cqlTypeOf } from './cql-type.ts'
import type { Replication } from './ensure-table.ts'

/** The words that Cassandra 5 reserves (CQL appendix A): as names they need quotes. */
const reserved = new Set(
  (
    'add allow alter and apply asc authorize batch begin by columnfamily create default delete desc describe drop entries execute from full grant if in ' +
    'index infinity insert into is keyspace limit materialized mbean mbeans modify nan norecursive not null of on or order primary rename replace revoke ' +
    'schema select set table to token truncate unlogged unset update use using view where with'
  ).split(' '),
)

/** An identifier as CQL needs it. */
export function cqlName(name: string): string {
  return /^[a-z][a-z0-9_]*$/.test(name) && !reserved.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

export function cqlTable(table: Pick<TableDef, 'keyspace' | 'name'>): string {
  return tableId({ keyspace: cqlName(table.keyspace), name: cqlName(table.name) })
}

export function createKeyspace(keyspace: string, replication: Replication): string {
  const options = Object.entries(replication).map(
    ([name, value]) => `${cqlText(name)}: ${typeof value === 'number' ? value : cqlText(value)}`,
  )
  return `CREATE KEYSPACE IF NOT EXISTS ${cqlName(keyspace)} WITH replication = {${options.join(', ')}}`
}

export function createTable(table: TableDef): string {
  const columns = table.columns.map(({ name, type }) => `${cqlName(name)} ${formatType(cqlTypeOf(type))}`)
  const partition = table.partitionKey.map(cqlName).join(', ')
  const clustering = table.clusteringKey.map(({ column }) => cqlName(column))
  const order = table.clusteringKey.map(({ column, order }) => `${cqlName(column)} ${order.toUpperCase()}`)
  const withOrder = order.length === 0 ? '' : ` WITH CLUSTERING ORDER BY (${order.join(', ')})`
  return `CREATE TABLE IF NOT EXISTS ${cqlTable(table)} (${columns.join(', ')}, PRIMARY KEY (${[`(${partition})`, ...clustering].join(', ')}))${withOrder}`
}

/** One column a statement: every version of Cassandra, and every store that speaks CQL, takes that. */
export function addColumn(table: TableDef, name: string): string {
  const field = table.columns.find((column) => column.name === name)
  return `ALTER TABLE ${cqlTable(table)} ADD ${cqlName(name)} ${field ? formatType(cqlTypeOf(field.type)) : 'text'}`
}

function cqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
