import { type CqlType, type SchemaChange } from '../../cql-wire/index.ts'
import type { IndexTarget, SchemaStatement } from '../lang/index.ts'
import { configError, invalid, unknownProperty, unsupported } from '../refusal.ts'
import type { Catalogue } from './catalogue.ts'
import { refuseSystem } from './system-keyspace.ts'
import { isMultiCell, qualifiedName, type Column, type IndexKind, type Table, type TableIndex } from './table.ts'

type Of<Is extends SchemaStatement['is']> = Extract<SchemaStatement, { is: Is }>

const noKeyspace = 'No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename'

/** CREATE INDEX: entered into the schema; its entries are made behind it. Null when IF NOT EXISTS finds one. */
export function createIndex(catalogue: Catalogue, statement: Of<'create-index'>, current: string | null): SchemaChange | null {
  const keyspace = statement.table.keyspace ?? current
  if (keyspace === null) throw invalid(noKeyspace)
  refuseSystem(keyspace)
  refuseOtherIndexes(statement)
  const found = catalogue.keyspaces.get(keyspace)
  if (!found) throw invalid(`Keyspace '${keyspace}' doesn't exist`)
  const table = found.tables.get(statement.table.name)
  if (!table) throw invalid(`Table '${statement.table.name}' doesn't exist`)
  const taken = new Set([...found.tables.values()].flatMap(({ indexes }) => indexes.map(({ name }) => name)))
  if (statement.name !== null && taken.has(statement.name)) {
    if (statement.ifNotExists) return null
    throw invalid(`Index '${statement.name}' already exists`)
  }
  const [target, ...more] = statement.targets
  if (!target) throw invalid('Only CUSTOM indexes can be created without specifying a target column')
  if (more.length > 0) throw invalid('Only CUSTOM indexes support multiple columns')
  const { column, kind } = checkedTarget(table, target)
  const name = statement.name ?? freeName(`${table.name}_${column.name}_idx`.replaceAll(/\W/g, ''), taken)
  const same = table.indexes.find((index) => index.column === column.name && index.kind === kind)
  if (same) {
    if (statement.ifNotExists) return null
    throw invalid(`Index ${name} is a duplicate of existing index ${same.name}`)
  }
  if (!/^\w+$/.test(name)) throw configError(`Illegal index name ${name}`)
  const index: TableIndex = { number: catalogue.newTableNumber(), name, column: column.name, kind, progress: { isBuilt: false } }
  catalogue.putTable({ ...table, indexes: [...table.indexes, index] })
  return { change: 'UPDATED', target: 'TABLE', keyspace, name: table.name }
}

/** Of the classes of Cassandra 5 only the index that it makes when none is named is there. */
function refuseOtherIndexes({ isCustom, using, options, targets }: Of<'create-index'>): void {
  for (const name of Object.keys(options)) if (name !== 'options') throw unknownProperty(name)
  if (using !== null && /(^|\.)(sai|StorageAttachedIndex)$/i.test(using)) throw unsupported('a storage-attached index')
  if (using !== null && /(^|\.)SASIIndex$/.test(using)) throw unsupported('a SASI index')
  if (isCustom || (using !== null && using !== 'legacy_local_table'))
    throw configError(`Unable to find custom indexer class '${using ?? 'legacy_local_table'}'`)
  if ('options' in options && targets.length > 0) throw invalid('Cannot specify options for a non-CUSTOM index')
}

function freeName(base: string, taken: ReadonlySet<string>): string {
  if (!taken.has(base)) return base
  let i = 1
  while (taken.has(`${base}_${i}`)) i++
  return `${base}_${i}`
}

function checkedTarget(table: Table, target: IndexTarget): { column: Column; kind: IndexKind } {
  const column = table.byName.get(target.column)
  if (!column) throw invalid(`Undefined column name ${target.column} in table ${qualifiedName(table)}`)
  const { name, type } = column
  if (holdsDuration(type))
    throw invalid(`Secondary indexes are not supported on ${type.is === 'duration' ? '' : `${type.is}s containing `}duration columns`)
  if (column.kind === 'partition_key' && table.partitionKey.length === 1)
    throw invalid(`Cannot create secondary index on the only partition key column ${name}`)
  const isCollection = type.is === 'list' || type.is === 'set' || type.is === 'map'
  const kind = target.kind === 'simple' && isCollection ? 'values' : target.kind
  if (kind === 'full' && (!isCollection || isMultiCell(column))) throw invalid('full() indexes can only be created on frozen collections')
  if (isCollection && !isMultiCell(column) && kind !== 'full')
    throw invalid(
      `Cannot create ${kind}() index on frozen column ${name}. Frozen collections are immutable and must be fully indexed by using the 'full(${name})' modifier`,
    )
  if (kind !== 'simple' && !isCollection)
    throw invalid(`Cannot create ${kind}() index on ${name}. Non-collection columns only support simple indexes`)
  if ((kind === 'keys' || kind === 'entries') && type.is !== 'map')
    throw invalid(`Cannot create index on ${kind} of column ${name} with non-map type`)
  return { column, kind }
}

function holdsDuration(type: CqlType): boolean {
  if (type.is === 'list' || type.is === 'set') return holdsDuration(type.of)
  if (type.is === 'map') return holdsDuration(type.key) || holdsDuration(type.value)
  return type.is === 'tuple' ? type.of.some(holdsDuration) : type.is === 'duration'
}

export function dropIndex(
  catalogue: Catalogue,
  { index: { keyspace: named, name }, ifExists }: Of<'drop-index'>,
  current: string | null,
): SchemaChange | null {
  const keyspace = named ?? current
  if (keyspace === null) throw invalid(noKeyspace)
  refuseSystem(keyspace)
  const tables = [...(catalogue.keyspaces.get(keyspace)?.tables.values() ?? [])]
  const table = tables.find(({ indexes }) => indexes.some((index) => index.name === name))
  if (!table) {
    if (ifExists) return null
    throw invalid(`Index '${keyspace}.${name}' doesn't exist'`)
  }
  catalogue.putTable({ ...table, indexes: table.indexes.filter((index) => index.name !== name) })
  return { change: 'UPDATED', target: 'TABLE', keyspace, name: table.name }
}

/** @throws CqlRefusal while indexes are of the column; `deed`: what is refused, up to the column's name */
export function refuseIndexed(table: Table, column: string, deed: string): void {
  const names = table.indexes.filter((index) => index.column === column).map(({ name }) => name)
  if (names.length > 0) throw invalid(`${deed} column ${column} because it has dependent secondary indexes (${names.join(', ')})`)
}
