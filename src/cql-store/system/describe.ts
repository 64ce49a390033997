import type { ColumnSpec, CqlType } from '../../cql-wire/index.ts'
import type { DescribeStatement } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import type { Catalogue, Keyspace, Table, TableIndex } from '../schema/index.ts'
import { createIndexStatement, createKeyspaceStatement, createTableStatement } from './create-statement.ts'
import type { VirtualTable } from './define.ts'
import { clusterName, partitioner } from './system-tables.ts'

export interface Described {
  columns: ColumnSpec[]
  rows: (Uint8Array | null)[][]
}

export interface Describable {
  catalogue: Catalogue
  system: readonly VirtualTable[]
}

type Entry = [keyspace: string, type: string, name: string, statement: string]

/** What the store has none of, as Cassandra calls it. */
const kinds = {
  view: 'Materialized view',
  type: 'User defined type',
  function: 'User defined function',
  aggregate: 'User defined aggregate',
} as const

/** Of a class of Cassandra's. */
const shortName = (className: string): string => className.slice(className.lastIndexOf('.') + 1)

/** DESCRIBE, answered by the server since Cassandra 4: rows of keyspace, type, name and, for single things, the CREATE statement. */
export function describe(statement: DescribeStatement, current: string | null, from: Describable): Described {
  const { what, name } = statement
  switch (what) {
    case 'keyspaces':
      return listed(
        ['keyspace_name', 'type', 'name'],
        [...systemNames(from), ...from.catalogue.keyspaces.keys()].toSorted().map((each) => [each, 'keyspace', each]),
      )
    case 'tables':
      return listed(['keyspace_name', 'type', 'name'], tableNames(from, current))
    case 'types':
    case 'functions':
    case 'aggregates':
      return listed(['keyspace_name', 'type', 'name'], [])
    case 'cluster':
      return listed(['cluster', 'partitioner', 'snitch'], [[clusterName, shortName(partitioner), 'SimpleSnitch']])
    case 'schema':
      return created([
        ...[...from.catalogue.keyspaces.values()].toSorted(byName).flatMap(keyspaceEntries),
        ...(statement.full ? from.system.map(({ table }) => tableEntry(table)) : []),
      ])
    case 'keyspace':
      return created(keyspaceNamed(from, name?.name ?? current))
    case 'only-keyspace':
      return created(keyspaceNamed(from, name?.name ?? current).filter(([, type]) => type === 'keyspace'))
    case 'table':
      return created(tableNamed(from, name?.keyspace ?? current, name?.name ?? '', statement.full))
    case 'index': {
      const home = name?.keyspace ?? current
      if (home === null) throw invalid('No keyspace specified and no current keyspace')
      const index = indexNamed(from, home, name?.name ?? '')
      if (!index) throw invalid(`Table for existing index '${name?.name ?? ''}' not found in '${home}'`)
      return created([index])
    }
    case 'any':
      return created(anythingNamed(from, name?.keyspace ?? null, name?.name ?? '', current))
    default:
      throw invalid(`${kinds[what]} '${name?.name ?? ''}' not found in '${name?.keyspace ?? current ?? ''}'`)
  }
}

function systemNames({ system }: Describable): string[] {
  return [...new Set(system.map(({ table }) => table.keyspace))]
}

function allTables({ catalogue, system }: Describable): Table[] {
  const own = [...catalogue.keyspaces.values()].flatMap(({ tables }) => [...tables.values()])
  return [...own, ...system.map(({ table }) => table)]
}

function tableNames(from: Describable, current: string | null): string[][] {
  const tables = allTables(from).filter(({ keyspace }) => current === null || keyspace === current)
  return tables.map(({ keyspace, name }) => [keyspace, 'table', name]).toSorted((a, b) => (a.join('.') < b.join('.') ? -1 : 1))
}

function keyspaceEntries(keyspace: Keyspace): Entry[] {
  return [
    [keyspace.name, 'keyspace', keyspace.name, createKeyspaceStatement(keyspace)],
    ...[...keyspace.tables.values()].toSorted(byName).flatMap((table) => tableEntries(table)),
  ]
}

function tableEntry(table: Table, withId = false): Entry {
  return [table.keyspace, 'table', table.name, createTableStatement(table, withId)]
}

/** A table, then its indexes. */
function tableEntries(table: Table, withId = false): Entry[] {
  return [tableEntry(table, withId), ...table.indexes.toSorted(byName).map((index) => indexEntry(table, index))]
}

function indexEntry(table: Table, index: TableIndex): Entry {
  return [table.keyspace, 'index', index.name, createIndexStatement(table, index)]
}

function indexNamed(from: Describable, keyspace: string, name: string): Entry | undefined {
  const tables = [...(from.catalogue.keyspaces.get(keyspace)?.tables.values() ?? [])]
  return tables.flatMap((table) => table.indexes.filter((index) => index.name === name).map((index) => indexEntry(table, index)))[0]
}

function keyspaceNamed(from: Describable, name: string | null): Entry[] {
  if (name === null) throw invalid('No keyspace specified and no current keyspace')
  const found = from.catalogue.keyspaces.get(name)
  if (found) return keyspaceEntries(found)
  const tables = from.system.filter(({ table }) => table.keyspace === name)
  if (tables.length === 0) throw invalid(`'${name}' not found in keyspaces`)
  return tables.map(({ table }) => tableEntry(table))
}

function tableNamed(from: Describable, keyspace: string | null, name: string, withId: boolean): Entry[] {
  if (keyspace === null) throw invalid('No keyspace specified and no current keyspace')
  const found = allTables(from).find((table) => table.keyspace === keyspace && table.name === name)
  if (!found) throw invalid(`Table '${name}' not found in keyspace '${keyspace}'`)
  return tableEntries(found, withId)
}

function anythingNamed(from: Describable, keyspace: string | null, name: string, current: string | null): Entry[] {
  if (keyspace === null && (from.catalogue.keyspaces.has(name) || systemNames(from).includes(name))) return keyspaceNamed(from, name)
  const home = keyspace ?? current
  if (home === null) throw invalid(`'${name}' not found in keyspaces`)
  const found = allTables(from).find((table) => table.keyspace === home && table.name === name)
  if (found) return tableEntries(found)
  if (!from.catalogue.keyspaces.has(home) && !systemNames(from).includes(home)) throw invalid(`'${home}' not found in keyspaces`)
  const index = indexNamed(from, home, name)
  if (!index) throw invalid(`'${name}' not found in keyspace '${home}'`)
  return [index]
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1
}

const text: CqlType = { is: 'text' }

function listed(names: readonly string[], rows: readonly (readonly string[])[]): Described {
  const columns = names.map((name) => ({ keyspace: 'system', table: 'describe', name, type: text }))
  return { columns, rows: rows.map((row) => row.map((value) => Buffer.from(value))) }
}

function created(entries: readonly Entry[]): Described {
  return listed(['keyspace_name', 'type', 'name', 'create_statement'], entries)
}
