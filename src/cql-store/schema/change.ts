import { randomUUID } from 'node:crypto'
import { errors, formatType, parseType, type CqlType, type SchemaChange } from '../../cql-wire/index.ts'
import type { ColumnDefinition, SchemaStatement, TableChange } from '../lang/index.ts'
import { CqlRefusal, invalid, unsupported } from '../refusal.ts'
import type { Catalogue } from './catalogue.ts'
import { createIndex, dropIndex, refuseIndexed } from './change-index.ts'
import { keyspaceOptions } from './replication.ts'
import { refuseSystem } from './system-keyspace.ts'
import { isMultiCell, qualifiedName, type Column, type ColumnKind, type Table } from './table.ts'
import { newTableOptions, withOptions } from './table-options.ts'

type Of<Is extends SchemaStatement['is']> = Extract<SchemaStatement, { is: Is }>

const maxNameLength = 48

/** Carries out a schema statement; null when nothing had to change (IF EXISTS, IF NOT EXISTS, TRUNCATE). `nowMicros` is the server's time. */
export function changeSchema(
  catalogue: Catalogue,
  statement: SchemaStatement,
  current: string | null,
  nowMicros: bigint,
): SchemaChange | null {
  switch (statement.is) {
    case 'create-keyspace':
      return createKeyspace(catalogue, statement)
    case 'alter-keyspace':
      return alterKeyspace(catalogue, statement)
    case 'drop-keyspace':
      return dropKeyspace(catalogue, statement)
    case 'create-table':
      return createTable(catalogue, statement, current)
    case 'alter-table':
      return alterTable(catalogue, statement, current, nowMicros)
    case 'drop-table':
      return dropTable(catalogue, statement, current)
    case 'create-index':
      return createIndex(catalogue, statement, current)
    case 'drop-index':
      return dropIndex(catalogue, statement, current)
    case 'truncate':
      truncate(catalogue, findTable(catalogue, statement.table.keyspace ?? current, statement.table.name))
      return null
  }
}

/** Another number, so that the old records are no longer the table's own; its indexes' likewise. */
function truncate(catalogue: Catalogue, table: Table): void {
  const number = catalogue.newTableNumber()
  const indexes = table.indexes.map((index, i) => ({ ...index, number: number + 1 + i, progress: { isBuilt: true } }))
  catalogue.putTable({ ...table, number, indexes })
}

/** @throws CqlRefusal as Cassandra words it: no keyspace, unknown keyspace, unconfigured table */
export function findTable(catalogue: Catalogue, keyspace: string | null, name: string): Table {
  if (keyspace === null) throw invalid('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename')
  const found = catalogue.keyspaces.get(keyspace)
  if (!found) throw invalid(`keyspace ${keyspace} does not exist`)
  const table = found.tables.get(name)
  if (!table) throw invalid(`unconfigured table ${name}`)
  return table
}

function createKeyspace(catalogue: Catalogue, statement: Of<'create-keyspace'>): SchemaChange | null {
  const { name, ifNotExists } = statement
  refuseSystem(name)
  checkName(name, 'Keyspace')
  if (catalogue.keyspaces.has(name)) {
    if (ifNotExists) return null
    throw new CqlRefusal(errors.ALREADY_EXISTS, `Cannot add existing keyspace "${name}"`, { alreadyExists: { keyspace: name, table: '' } })
  }
  const { replication, durableWrites } = keyspaceOptions(name, statement.options, {})
  if (!replication) throw invalid("Missing mandatory option 'replication'")
  catalogue.putKeyspace({ name, replication, durableWrites: durableWrites ?? true, tables: new Map() })
  return { change: 'CREATED', target: 'KEYSPACE', keyspace: name, name: null }
}

function alterKeyspace(catalogue: Catalogue, { name, ifExists, options }: Of<'alter-keyspace'>): SchemaChange | null {
  refuseSystem(name)
  if (ifExists && !catalogue.keyspaces.has(name)) return null
  const old = catalogue.keyspaces.get(name)
  if (!old) throw invalid(`Keyspace '${name}' doesn't exist`)
  const given = keyspaceOptions(name, options, old.replication)
  const replication = given.replication ?? old.replication
  const durableWrites = given.durableWrites ?? old.durableWrites
  if (JSON.stringify([replication, durableWrites]) === JSON.stringify([old.replication, old.durableWrites])) return null
  catalogue.putKeyspace({ ...old, replication, durableWrites })
  return { change: 'UPDATED', target: 'KEYSPACE', keyspace: name, name: null }
}

function dropKeyspace(catalogue: Catalogue, { name, ifExists }: Of<'drop-keyspace'>): SchemaChange | null {
  refuseSystem(name)
  if (!catalogue.keyspaces.has(name)) {
    if (ifExists) return null
    throw invalid(`Keyspace '${name}' doesn't exist`)
  }
  catalogue.dropKeyspace(name)
  return { change: 'DROPPED', target: 'KEYSPACE', keyspace: name, name: null }
}

function checkName(name: string, what: 'Keyspace' | 'Table'): void {
  if (/^\w+$/.test(name) && name.length <= maxNameLength) return
  throw invalid(
    `${what} name must not be empty, more than ${maxNameLength} characters long, or contain non-alphanumeric-underscore characters (got "${name}")`,
  )
}

function createTable(catalogue: Catalogue, statement: Of<'create-table'>, current: string | null): SchemaChange | null {
  const keyspace = statement.table.keyspace ?? current
  if (keyspace === null) throw invalid('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename')
  refuseSystem(keyspace)
  const { name } = statement.table
  checkName(name, 'Table')
  const found = catalogue.keyspaces.get(keyspace)
  if (!found) throw invalid(`Keyspace '${keyspace}' doesn't exist`)
  if (found.tables.has(name)) {
    if (statement.ifNotExists) return null
    throw new CqlRefusal(errors.ALREADY_EXISTS, `Cannot add already existing table "${name}" to keyspace "${keyspace}"`, {
      alreadyExists: { keyspace, table: name },
    })
  }
  if (statement.primaryKeys > 1) throw invalid(`Multiple PRIMARY KEY specified for table '${keyspace}.${name}' (exactly one required)`)
  const columns = tableColumns(statement)
  catalogue.putTable({
    number: catalogue.newTableNumber(),
    id: statement.id ?? randomUUID(),
    keyspace,
    name,
    columns,
    nextColumn: columns.length,
    options: newTableOptions(statement.options),
    dropped: [],
    indexes: [],
  })
  return { change: 'CREATED', target: 'TABLE', keyspace, name }
}

function tableColumns({ columns, partitionKey, clustering, clusteringOrder }: Of<'create-table'>): Column[] {
  if (partitionKey.length === 0) throw invalid('No PRIMARY KEY specifed (exactly one required)')
  const keyColumns = [...partitionKey, ...clustering]
  const names = new Set(columns.map((column) => column.name))
  for (const [i, name] of keyColumns.entries()) {
    if (!names.has(name)) throw invalid(`Unknown column '${name}' referenced in PRIMARY KEY`)
    if (keyColumns.indexOf(name) !== i) throw invalid(`Duplicate column '${name}' in PRIMARY KEY`)
  }
  for (const [i, { name }] of columns.entries()) {
    if (columns.findIndex((other) => other.name === name) !== i) throw invalid(`Duplicate column '${name}' declaration for table`)
  }
  for (const [i, { column }] of clusteringOrder.entries()) {
    if (!clustering.includes(column))
      throw invalid(`Only clustering key columns can be defined in CLUSTERING ORDER directive: ${column} are not clustering columns`)
    if (clustering[i] !== column) throw invalid(`Clustering key columns must exactly match columns in CLUSTERING ORDER BY directive`)
  }
  if (clusteringOrder.length > 0 && clusteringOrder.length !== clustering.length) {
    throw invalid('Clustering key columns must exactly match columns in CLUSTERING ORDER BY directive')
  }
  return columns.map((definition, id) => {
    const { name, isStatic } = definition
    const inPartition = partitionKey.indexOf(name)
    const inClustering = clustering.indexOf(name)
    const kind: ColumnKind = inPartition >= 0 ? 'partition_key' : inClustering >= 0 ? 'clustering' : isStatic ? 'static' : 'regular'
    if (isStatic && keyColumns.includes(name)) throw invalid(`Static column ${name} cannot be part of the PRIMARY KEY`)
    if (isStatic && clustering.length === 0)
      throw invalid('Static columns are only useful (and thus allowed) if the table has at least one clustering column')
    const column: Column = {
      id,
      name,
      type: columnType(definition),
      kind,
      position: Math.max(inPartition, inClustering),
      descending: clusteringOrder.some((order) => order.column === name && order.descending),
    }
    if (keyColumns.includes(name)) checkKeyType(column)
    return column
  })
}

function checkKeyType(column: Column): void {
  const { name, type } = column
  if (isMultiCell(column)) throw invalid(`Invalid non-frozen collection type ${formatType(type)} for PRIMARY KEY column '${name}'`)
  if (type.is === 'duration') throw invalid(`duration type is not supported for PRIMARY KEY column '${name}'`)
}

function columnType({ name, type: text }: ColumnDefinition): CqlType {
  const type = parseType(text)
  if (!type)
    throw /^\w+$/.test(text) || text.startsWith('"') ? invalid(`Unknown type ${text}`) : unsupported(`the type ${text} of column ${name}`)
  refuseTypes(type)
  checkNested(type)
  return type
}

function refuseTypes(type: CqlType): void {
  if (type.is === 'counter') throw unsupported('a counter column')
  if (type.is === 'custom') throw unsupported('a custom type')
}

/** A collection within a collection has to be frozen. */
function checkNested(type: CqlType): void {
  for (const inner of innerTypes(type)) {
    refuseTypes(inner)
    const isOpen = (inner.is === 'list' || inner.is === 'set' || inner.is === 'map') && !inner.frozen
    const outerOpen = type.is !== 'tuple' && 'frozen' in type ? !type.frozen : type.is !== 'tuple'
    if (isOpen && outerOpen) throw invalid(`Non-frozen collections are not allowed inside collections: ${formatType(type)}`)
    if (type.is === 'map' && inner === type.key && inner.is === 'duration')
      throw invalid(`Durations are not allowed as map keys: ${formatType(type)}`)
    if (type.is === 'set' && inner.is === 'duration') throw invalid(`Durations are not allowed inside sets: ${formatType(type)}`)
    checkNested(inner)
  }
}

function innerTypes(type: CqlType): readonly CqlType[] {
  if (type.is === 'list' || type.is === 'set') return [type.of]
  if (type.is === 'map') return [type.key, type.value]
  return type.is === 'tuple' ? type.of : []
}

function dropTable(
  catalogue: Catalogue,
  { table: { keyspace: named, name }, ifExists }: Of<'drop-table'>,
  current: string | null,
): SchemaChange | null {
  const keyspace = named ?? current
  if (keyspace === null) throw invalid('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename')
  refuseSystem(keyspace)
  const table = catalogue.keyspaces.get(keyspace)?.tables.get(name)
  if (!table) {
    if (ifExists) return null
    throw invalid(`Table '${keyspace}.${name}' doesn't exist`)
  }
  catalogue.dropTable(table)
  return { change: 'DROPPED', target: 'TABLE', keyspace, name }
}

function alterTable(catalogue: Catalogue, statement: Of<'alter-table'>, current: string | null, nowMicros: bigint): SchemaChange | null {
  const keyspace = statement.table.keyspace ?? current
  if (keyspace === null) throw invalid('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename')
  refuseSystem(keyspace)
  const table = catalogue.keyspaces.get(keyspace)?.tables.get(statement.table.name)
  if (!table) {
    if (statement.ifExists) return null
    throw invalid(`Table '${keyspace}.${statement.table.name}' doesn't exist`)
  }
  const changed = changedTable(table, statement.change, nowMicros)
  if (changed === table) return null
  catalogue.putTable(changed)
  return { change: 'UPDATED', target: 'TABLE', keyspace, name: table.name }
}

function changedTable(table: Table, change: TableChange, nowMicros: bigint): Table {
  switch (change.is) {
    case 'add':
      return change.columns.reduce((changed, column) => addColumn(changed, column, change.ifNotExists), table)
    case 'drop':
      return change.columns.reduce((changed, name) => dropColumn(changed, name, change.ifExists, change.timestamp ?? nowMicros), table)
    case 'rename':
      return change.renames.reduce((changed, { from, to }) => renameColumn(changed, from, to), table)
    case 'with':
      return { ...table, options: withOptions(table.options, change.options) }
  }
}

function addColumn(table: Table, definition: ColumnDefinition, ifNotExists: boolean): Table {
  const { name, isStatic } = definition
  if (table.columns.some((column) => column.name === name)) {
    if (ifNotExists) return table
    throw invalid(`Column with name '${name}' already exists`)
  }
  if (isStatic && table.clustering.length === 0) {
    throw invalid('Static columns are only useful (and thus allowed) if the table has at least one clustering column')
  }
  const type = columnType(definition)
  const dropped = table.dropped.find((column) => column.name === name)
  if (dropped && formatType(dropped.type) !== formatType(type)) {
    throw invalid(
      `Cannot re-add previously dropped column '${name}' of type ${formatType(type)}, incompatible with previous type ${formatType(dropped.type)}`,
    )
  }
  const kind = isStatic ? 'static' : 'regular'
  if (dropped && dropped.kind !== kind) {
    throw invalid(
      `Cannot re-add previously dropped column '${name}' of kind ${kind.toUpperCase()}, incompatible with previous kind ${dropped.kind.toUpperCase()}`,
    )
  }
  const id = dropped?.id ?? table.nextColumn
  const column: Column = { id, name, type, kind, position: -1, descending: false }
  return { ...table, columns: [...table.columns, column], nextColumn: Math.max(table.nextColumn, id + 1) }
}

function dropColumn(table: Table, name: string, ifExists: boolean, droppedAtMicros: bigint): Table {
  const column = table.columns.find((other) => other.name === name)
  if (!column) {
    if (ifExists) return table
    throw invalid(`Column ${name} was not found in table ${qualifiedName(table)}`)
  }
  if (column.kind === 'partition_key' || column.kind === 'clustering') throw invalid(`Cannot drop PRIMARY KEY column ${name}`)
  refuseIndexed(table, name, 'Cannot drop')
  const dropped = { id: column.id, name, type: column.type, kind: column.kind, droppedAtMicros: droppedAtMicros.toString() }
  return {
    ...table,
    columns: table.columns.filter((other) => other !== column),
    dropped: [...table.dropped.filter((other) => other.name !== name), dropped],
  }
}

function renameColumn(table: Table, from: string, to: string): Table {
  const column = table.columns.find((other) => other.name === from)
  if (!column) throw invalid(`Column ${from} was not found in table ${qualifiedName(table)}`)
  if (column.kind !== 'partition_key' && column.kind !== 'clustering') throw invalid(`Cannot rename non PRIMARY KEY column ${from}`)
  refuseIndexed(table, from, "Can't rename")
  if (table.columns.some((other) => other.name === to))
    throw invalid(`Cannot rename column ${from} to ${to} in table ${qualifiedName(table)}; another column of that name already exist`)
  return { ...table, columns: table.columns.map((other) => (other === column ? { ...column, name: to } : other)) }
}
