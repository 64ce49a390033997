import { alwaysQuote, formatType, quoteIdentifier } from '../../cql-wire/index.ts'
import { isReserved, type OptionValue } from '../lang/index.ts'
import { isMultiCell, tableOptions, type Column, type Keyspace, type Table, type TableIndex } from '../schema/index.ts'

/** A name as a CREATE statement needs it. */
export function quoted(name: string): string {
  return isReserved(name) ? alwaysQuote(name) : quoteIdentifier(name)
}

/** As Cassandra's DESCRIBE writes it. */
export function createKeyspaceStatement({ name, replication, durableWrites }: Keyspace): string {
  const { class: strategy = '', ...settings } = replication
  const short = strategy.replace(/^org\.apache\.cassandra\.locator\./, '')
  return `CREATE KEYSPACE ${quoted(name)} WITH replication = ${mapLiteral({ class: short, ...settings })}  AND durable_writes = ${durableWrites};`
}

/** As Cassandra 5's DESCRIBE writes it; run on another Cassandra, it makes the same table. */
export function createTableStatement(table: Table, withId = false): string {
  const { partitionKey, clustering, statics, regulars } = table
  const onlyKey = partitionKey.length === 1 && clustering.length === 0 ? partitionKey[0] : undefined
  const lines = [...partitionKey, ...clustering, ...simpleFirst(statics), ...simpleFirst(regulars)].map((column) =>
    columnLine(column, column === onlyKey),
  )
  if (!onlyKey)
    lines.push(`    PRIMARY KEY (${[partitionKeyText(partitionKey), ...clustering.map((column) => quoted(column.name))].join(', ')})`)
  const order =
    clustering.length > 0
      ? [`CLUSTERING ORDER BY (${clustering.map((column) => `${quoted(column.name)} ${column.descending ? 'DESC' : 'ASC'}`).join(', ')})`]
      : []
  const options = tableOptions.map(({ name, isText, initially }) => `${name} = ${optionLiteral(table.options[name] ?? initially, isText)}`)
  return `CREATE TABLE ${quoted(table.keyspace)}.${quoted(table.name)} (\n${lines.join(',\n')}\n) WITH ${[...(withId ? [`ID = ${table.id}`] : []), ...order, ...options].join('\n    AND ')};`
}

/** What an index is of, as `system_schema.indexes` has it. */
export function indexTarget({ kind, column }: TableIndex): string {
  return kind === 'simple' ? quoted(column) : `${kind}(${quoted(column)})`
}

export function createIndexStatement(table: Table, index: TableIndex): string {
  return `CREATE INDEX ${quoted(index.name)} ON ${quoted(table.keyspace)}.${quoted(table.name)} (${indexTarget(index)});`
}

/** Columns of one cell before those of many, as Cassandra stores them. */
function simpleFirst(columns: readonly Column[]): Column[] {
  return [...columns.filter((column) => !isMultiCell(column)), ...columns.filter(isMultiCell)]
}

function columnLine(column: Column, isOnlyKey: boolean): string {
  return `    ${quoted(column.name)} ${formatType(column.type)}${isOnlyKey ? ' PRIMARY KEY' : ''}${column.kind === 'static' ? ' static' : ''}`
}

function partitionKeyText(columns: readonly Column[]): string {
  const names = columns.map((column) => quoted(column.name)).join(', ')
  return columns.length > 1 ? `(${names})` : names
}

function optionLiteral(value: OptionValue, isText: boolean): string {
  if (typeof value !== 'string') return mapLiteral(value)
  return isText ? stringLiteral(value) : value
}

function mapLiteral(map: Readonly<Record<string, string>>): string {
  const entries = Object.entries(map).map(([key, value]) => `${stringLiteral(key)}: ${stringLiteral(value)}`)
  return `{${entries.join(', ')}}`
}

function stringLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
