import type { ColumnSpec } from '../../cql-wire/index.ts'
import type { SelectStatement } from '../lang/index.ts'
import { invalid, unsupported } from '../refusal.ts'
import type { Table } from '../schema/index.ts'
import { tableStart, type Engine } from '../storage/index.ts'
import { decodePagingState, encodePagingState } from './paging.ts'
import { scanSegment, type ScannedRow } from './scan.ts'
import { Binds, type Scope } from './scope.ts'
import { isReversed, planSegments, type SegmentPlan } from './segments.ts'
import { compileSelectors, type Selector } from './selectors.ts'
import { valueOf, type TableRow } from './table-row.ts'
import type { TermContext } from './terms.ts'
import { compareValues } from './values.ts'
import { analyseWhere, columnNamed, compileCount, type Filter } from './where.ts'

export interface Page {
  rows: (Uint8Array | null)[][]
  pagingState: Uint8Array | null
}

export interface CompiledSelect {
  table: Table
  bound: ColumnSpec[]
  pkIndexes: number[]
  columns: ColumnSpec[]
  run: (scope: Scope, engine: Engine, paging: { pageSize: number | null; pagingState: Uint8Array | null }) => Promise<Page>
}

/** Rows of tables that are not stored but known: `system.local` and its like. */
export type VirtualRows = () => TableRow[]

/** A page ends after this many bytes of values too, when the client pages at all. */
const pageBytes = 8 * 1024 * 1024

interface Plan {
  table: Table
  selectors: readonly Selector[]
  segments: SegmentPlan
  filters: readonly Filter[]
  reverse: boolean
  distinct: boolean
  limit: (scope: Scope) => number | null
  perPartition: (scope: Scope) => number | null
}

/** Compiles a SELECT of a table. @throws CqlRefusal when it cannot be answered, worded as Cassandra does */
export function compileSelect(
  statement: SelectStatement,
  table: Table,
  names: readonly (string | null)[],
  virtual: VirtualRows | null,
): CompiledSelect {
  if (statement.json) throw unsupported('SELECT JSON')
  if (statement.groupBy.length > 0) throw unsupported('GROUP BY')
  const binds = new Binds(names, table)
  const context: TermContext = { binds, partitionKey: table.partitionKey }
  const selectors = compileSelectors(table, statement.columns, context)
  const where = analyseWhere(table, statement.where, context)
  const segments = planSegments(table, where, statement.allowFiltering || virtual !== null)
  const plan: Plan = {
    table,
    selectors,
    segments,
    filters: virtual ? segments.allFilters : segments.filters,
    reverse: isReversed(table, statement.orderBy, where),
    distinct: statement.distinct,
    perPartition: compileCount(statement.perPartitionLimit, 'per_partition_limit', context),
    limit: compileCount(statement.limit, 'limit', context),
  }
  if (statement.distinct) checkDistinct(table, statement)
  const bound = binds.specs()
  return {
    table,
    bound,
    pkIndexes: Binds.keyIndexes(bound, where.keyMarkers),
    columns: selectors.map(({ name, type }) => ({ keyspace: table.keyspace, table: table.name, name, type })),
    run: (scope, engine, paging) => {
      if (selectors.some(({ aggregate }) => aggregate)) return runAggregate(plan, scope, engine, virtual)
      return runRows(plan, scope, engine, virtual, paging)
    },
  }
}

function checkDistinct(table: Table, statement: SelectStatement): void {
  const selected =
    statement.columns?.map(({ selection }) => (selection.is === 'column' ? columnNamed(table, selection.name) : null)) ?? table.selectOrder
  for (const column of selected) {
    if (!column) throw unsupported('SELECT DISTINCT of anything but columns')
    if (column.kind !== 'partition_key' && column.kind !== 'static') {
      throw invalid(`SELECT DISTINCT queries must only request partition key columns and/or static columns (not ${column.name})`)
    }
  }
  for (const column of table.partitionKey) {
    if (!selected.includes(column))
      throw invalid(`SELECT DISTINCT queries must request all the partition key columns (missing ${column.name})`)
  }
}

/** Rows of all segments from a page's beginning on, with the segment they came from. */
async function* scanned(
  plan: Plan,
  scope: Scope,
  engine: Engine,
  virtual: VirtualRows | null,
  from: { segment: number; key: Buffer } | null,
): AsyncGenerator<{ segment: number; rows: ScannedRow[] }> {
  if (virtual) {
    const none = Buffer.alloc(0)
    yield { segment: 0, rows: inKeyOrder(plan, virtual()).map((row) => ({ ...row, key: none })) }
    return
  }
  const segments = plan.segments.segments(scope)
  if (plan.reverse) segments.reverse()
  for (let segment = from?.segment ?? 0; segment < segments.length; segment++) {
    const part = segments[segment]
    if (!part) break
    const after = from && segment === from.segment ? from.key : null
    for await (const rows of scanSegment(engine, plan.table, part, plan.reverse, after, () => scope.nowSeconds)) yield { segment, rows }
  }
}

/** With IN on the partition key its values decide the order, as for stored rows; else tokens do. */
function inKeyOrder(plan: Plan, rows: TableRow[]): TableRow[] {
  const [column] = plan.table.partitionKey
  if (!plan.segments.isKeyed || !column) return rows
  const none = new Uint8Array(0)
  return rows.toSorted((a, b) => compareValues(column.type, a.partition[0] ?? none, b.partition[0] ?? none))
}

/** A test for all filters at once. */
function rowFilter(filters: readonly Filter[], scope: Scope): (row: TableRow) => boolean {
  const tests = filters.map(({ column, test }) => ({ column, passes: test(scope) }))
  return (row) => tests.every(({ column, passes }) => passes(valueOf(column, row, scope.nowSeconds)))
}

async function runRows(
  plan: Plan,
  scope: Scope,
  engine: Engine,
  virtual: VirtualRows | null,
  paging: { pageSize: number | null; pagingState: Uint8Array | null },
): Promise<Page> {
  const from = paging.pagingState && !virtual ? decodePagingState(paging.pagingState, tableStart(plan.table.number)) : null
  const pageSize = virtual || paging.pageSize === null || paging.pageSize <= 0 ? Infinity : paging.pageSize
  let remaining = from ? from.remaining : plan.limit(scope)
  const perPartition = plan.distinct ? 1 : plan.perPartition(scope)
  const passes = rowFilter(plan.filters, scope)
  let inPartition = from?.inPartition ?? 0
  let partition: readonly Uint8Array[] | null = null
  let bytes = 0
  const rows: (Uint8Array | null)[][] = []
  for await (const chunk of scanned(plan, scope, engine, virtual, from)) {
    for (const row of chunk.rows) {
      if (!passes(row)) continue
      if (!isSamePartition(partition, row.partition)) {
        inPartition = partition === null && from && continues(from.key, row) ? from.inPartition : 0
        partition = row.partition
      }
      if (perPartition !== null && inPartition >= perPartition) continue
      inPartition++
      const values = plan.selectors.map((selector) => selector.value(row, scope))
      for (const value of values) bytes += value?.length ?? 0
      rows.push(values)
      if (remaining !== null && --remaining === 0) return { rows, pagingState: null }
      // As Cassandra has it, a page that is full is followed by another, if only an empty one.
      if (rows.length >= pageSize || (pageSize !== Infinity && bytes > pageBytes))
        return { rows, pagingState: encodePagingState({ segment: chunk.segment, key: row.key, remaining, inPartition }) }
    }
  }
  return { rows, pagingState: null }
}

function isSamePartition(a: readonly Uint8Array[] | null, b: readonly Uint8Array[]): boolean {
  return a === b || (a !== null && a.every((part, i) => Buffer.compare(part, b[i] ?? part) === 0))
}

/** True when a row lies in the partition of an earlier row's key. */
function continues(key: Buffer, row: ScannedRow): boolean {
  return partitionPart(key).equals(partitionPart(row.key))
}

function partitionPart(key: Buffer): Buffer {
  for (let at = 12; at < key.length; at += 2) {
    at = key.indexOf(0, at)
    if (at < 0) break
    if (key[at + 1] === 0) return key.subarray(0, at + 2)
  }
  return key
}

async function runAggregate(plan: Plan, scope: Scope, engine: Engine, virtual: VirtualRows | null): Promise<Page> {
  const aggregates = plan.selectors.map((selector) => ({ selector, aggregate: selector.aggregate?.() ?? null }))
  const passes = rowFilter(plan.filters, scope)
  const perPartition = plan.distinct ? 1 : plan.perPartition(scope)
  let partition: readonly Uint8Array[] | null = null
  let inPartition = 0
  let first: (Uint8Array | null)[] | null = null
  for await (const { rows } of scanned(plan, scope, engine, virtual, null)) {
    for (const row of rows) {
      if (!passes(row)) continue
      if (!isSamePartition(partition, row.partition)) {
        partition = row.partition
        inPartition = 0
      }
      if (perPartition !== null && inPartition >= perPartition) continue
      inPartition++
      for (const { selector, aggregate } of aggregates) aggregate?.add(selector.value(row, scope))
      // Beside aggregates a plain column shows the first row's value, as in Cassandra.
      first ??= aggregates.map(({ selector, aggregate }) => (aggregate ? null : selector.value(row, scope)))
    }
  }
  return { rows: [aggregates.map(({ aggregate }, i) => (aggregate ? aggregate.result() : (first?.[i] ?? null)))], pagingState: null }
}
