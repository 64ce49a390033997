import type { ColumnSpec } from '../../cql-wire/index.ts'
import type { Selection, SelectStatement } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import type { Column, Table } from '../schema/index.ts'
import type { Engine } from '../storage/index.ts'
import { groupingOf } from './grouping.ts'
import { toJson } from './json.ts'
import type { ScannedRow } from './scan.ts'
import { plainColumns } from './plain-rows.ts'
import { Binds, type Scope } from './scope.ts'
import { isReversed, planSegments } from './segments.ts'
import { leastPageBytes, runSelect, type Page, type Paging, type Plan, type VirtualRows } from './select-run.ts'
import { combined, type Selector } from './selector.ts'
import { compileSelectors } from './selectors.ts'
import type { TermContext } from './terms.ts'
import { compareValues } from './values.ts'
import { analyseWhere, columnNamed, compileCount, type Where } from './where.ts'

export type { Page, VirtualRows }

export interface CompiledSelect {
  table: Table
  bound: ColumnSpec[]
  pkIndexes: number[]
  columns: ColumnSpec[]
  /** Of Cassandra, which sends them beside the answer. */
  warnings: readonly string[]
  run: (scope: Scope, engine: Engine, paging: Paging) => Promise<Page> | Page
}

/** Compiles a SELECT of a table. @throws CqlRefusal when it cannot be answered, worded as Cassandra does */
export function compileSelect(
  statement: SelectStatement,
  table: Table,
  names: readonly (string | null)[],
  virtual: VirtualRows | null,
): CompiledSelect {
  const binds = new Binds(names, table)
  const context: TermContext = { binds, partitionKey: table.partitionKey }
  const selected = compileSelectors(table, statement.columns, context)
  const selectors = statement.json ? [jsonOf(selected)] : selected
  const where = analyseWhere(table, statement.where, context)
  const segments = planSegments(table, where, statement.allowFiltering || virtual !== null)
  const plan: Plan = {
    table,
    selectors,
    segments,
    filters: virtual ? segments.allFilters : segments.filters,
    reverse: isReversed(table, statement.orderBy, where, segments.usesIndex),
    distinct: statement.distinct,
    group: groupingOf(table, statement, selectors, where),
    sort: sortOf(table, statement.orderBy, where),
    perPartition: compileCount(statement.perPartitionLimit, 'per_partition_limit', context),
    limit: compileCount(statement.limit, 'limit', context),
    plain: virtual ? null : plainColumns(selectors.map(({ column = null }) => column)),
    lastPage: { sizeBytes: leastPageBytes },
  }
  if (statement.distinct) checkDistinct(table, statement, where)
  const isAggregate = statement.groupBy.length === 0 && selectors.some((selector) => selector.isAggregate)
  if (statement.distinct && plan.sort)
    throw invalid('SELECT DISTINCT queries must only request partition key columns and/or static columns')
  if (statement.perPartitionLimit && statement.distinct) throw invalid('PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries')
  if (statement.perPartitionLimit && isAggregate) throw invalid('PER PARTITION LIMIT is not allowed with aggregate queries.')
  checkStaticsOnly(table, statement, where)
  const bound = binds.specs()
  return {
    table,
    bound,
    pkIndexes: Binds.keyIndexes(bound, where.keyMarkers),
    columns: selectors.map(({ name, type }) => ({ keyspace: table.keyspace, table: table.name, name, type })),
    warnings: plan.group ? aggregationWarnings(table, where) : [],
    run: (scope, engine, paging) => runSelect(plan, scope, engine, virtual, paging),
  }
}

function aggregationWarnings(table: Table, where: Where): string[] {
  const restrictions = table.partitionKey.flatMap(({ name }) => where.columns.get(name) ?? [])
  if (restrictions.length === 0 && where.tokens.length === 0) return ['Aggregation query used without partition key']
  return restrictions.some(({ isIn }) => isIn) ? ['Aggregation query used on multiple partition keys (IN restriction)'] : []
}

/** One column that holds all of them as JSON. */
function jsonOf(selectors: readonly Selector[]): Selector {
  const keyOf = (name: string): string => JSON.stringify(name === name.toLowerCase() ? name : `"${name}"`)
  return combined('[json]', { is: 'text' }, selectors, (values) =>
    Buffer.from(`{${selectors.map(({ name, type }, i) => `${keyOf(name)}: ${toJson(type, values[i] ?? null)}`).join(', ')}}`),
  )
}

/** With IN on the partition key, rows of several partitions have to be put in order. */
function sortOf(table: Table, orderBy: SelectStatement['orderBy'], where: Where): Plan['sort'] {
  if (orderBy.length === 0 || !table.partitionKey.some((column) => where.columns.get(column.name)?.isIn)) return null
  const columns = orderBy.map(({ column, descending }) => ({ column: columnNamed(table, column), sign: descending ? -1 : 1 }))
  // Static columns alone come first, or last where the table's order is turned round.
  const isTurned = columns.some(({ column, sign }) => column.descending !== sign < 0)
  return (a: ScannedRow, b: ScannedRow) => {
    for (const { column, sign } of columns) {
      const [x, y] = [a.row?.clustering[column.position], b.row?.clustering[column.position]]
      const order =
        x && y ? compareValues(column.type, x, y) * sign : (Number(x !== undefined) - Number(y !== undefined)) * (isTurned ? -1 : 1)
      if (order !== 0) return order
    }
    return 0
  }
}

/** Where a table has static columns and nothing else is selected, rows have no part in the answer. */
function checkStaticsOnly(table: Table, statement: SelectStatement, where: Where): void {
  if (table.statics.length === 0 || !statement.columns || statement.distinct) return
  const isRestricted = table.clustering.some((column) => where.columns.has(column.name))
  if (!isRestricted && where.tuples.length === 0 && where.tupleIns.length === 0) return
  const read = new Set<string>()
  for (const { selection } of statement.columns) columnsOf(selection, read)
  const kinds = new Set([...read].map((name) => table.byName.get(name)?.kind))
  if (kinds.has('static') && !kinds.has('clustering') && !kinds.has('regular'))
    throw invalid('Cannot restrict clustering columns when selecting only static columns')
}

function columnsOf(selection: Selection, into: Set<string>): void {
  if (selection.is === 'column') into.add(selection.name)
  else if (selection.is === 'call') for (const arg of selection.args) columnsOf(arg, into)
  else if (selection.is === 'arithmetic') for (const side of [selection.left, selection.right]) columnsOf(side, into)
  else if ('of' in selection) columnsOf(selection.of, into)
}

function checkDistinct(table: Table, statement: SelectStatement, where: Where): void {
  const isRow = (column: Column): boolean => column.kind === 'clustering' || column.kind === 'regular'
  if (
    [...where.columns.values(), ...where.filters].some(({ column }) => isRow(column)) ||
    where.tuples.length > 0 ||
    where.tupleIns.length > 0
  )
    throw invalid('SELECT DISTINCT with WHERE clause only supports restriction by partition key and/or static columns.')
  const names = new Set<string>()
  for (const { selection } of statement.columns ?? []) columnsOf(selection, names)
  const selected = statement.columns ? [...names].map((name) => columnNamed(table, name)) : table.selectOrder
  for (const column of selected) {
    if (column.kind !== 'partition_key' && column.kind !== 'static') {
      throw invalid(`SELECT DISTINCT queries must only request partition key columns and/or static columns (not ${column.name})`)
    }
  }
  for (const column of table.partitionKey) {
    if (!selected.includes(column))
      throw invalid(`SELECT DISTINCT queries must request all the partition key columns (missing ${column.name})`)
  }
}
