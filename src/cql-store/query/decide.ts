import type { ColumnSpec } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'
import type { Table } from '../schema/index.ts'
import {
  afterPrefix,
  encodeClustering,
  firstRowPlace,
  isRowLive,
  partitionOfKey,
  places,
  prefixLengthOf,
  withPlace,
  type Engine,
  type Row,
} from '../storage/index.ts'
import { isStaticKey, type Conditional } from './conditions.ts'
import { splitPartitionKey } from './partition-key.ts'
import type { Scope } from './scope.ts'
import { rowKeyOf } from './target.ts'
import { readHead, valueOf, visibleRow, type PartitionHead, type TableRow } from './table-row.ts'

export interface Decision {
  applied: boolean
  columns: ColumnSpec[]
  rows: (Uint8Array | null)[][]
}

export interface Asked {
  conditional: Conditional
  scope: Scope
}

/** Rows of a partition that are asked about together. */
interface Partition {
  prefix: Buffer
  values: Uint8Array[]
  token: bigint
  head: PartitionHead
  statics: Row | null
  fetched: ReadonlySet<number>
}

const firstRowChunk = 100

/**
 * Decides IF clauses on one partition against what is stored: everything submitted before counts. All must hold; else the answer shows
 * what was found. `isBatch`: the answer names the rows by their primary key.
 */
export function decide(table: Table, asked: readonly Asked[], isBatch: boolean, engine: Engine): Decision {
  engine.writePending()
  const [first] = asked
  if (!first) throw new RangeError('nothing is asked')
  const { scope } = first
  const keys = asked.map(({ conditional, scope }) => conditional.rowKey(scope))
  const partition = readPartition(table, keys, fetchedColumns(table, asked), engine, scope)
  refuseMixed(asked, keys, partition.prefix)
  const found = keys.map((key): TableRow => rowAt(table, partition, key, engine, scope))
  const readsStatics = asked.some(({ conditional }) => conditional.readsStatics)
  const applied = asked.every(({ conditional, scope }, i) => {
    const { readsRow } = conditional
    const row = found[i]
    return row !== undefined && conditional.holds({ ...row, row: readsRow ? row.row : null }, scope)
  })
  const spec = (name: string, type: ColumnSpec['type']): ColumnSpec => ({ keyspace: table.keyspace, table: table.name, name, type })
  const appliedSpec = spec('[applied]', { is: 'boolean' })
  if (applied) return { applied, columns: [appliedSpec], rows: [[Buffer.of(1)]] }
  const no = Buffer.of(0)
  const shown = shownRows(table, partition, asked, found, engine, scope)
  if (shown.length === 0) return { applied, columns: [appliedSpec], rows: [[no]] }
  const columns = shownColumns(table, asked, isBatch)
  return {
    applied,
    columns: [appliedSpec, ...columns.map(({ name, type }) => spec(name, type))],
    rows: shown.map((row) => [
      no,
      ...columns.map((column) => valueOf(column, { ...row, statics: readsStatics ? row.statics : null }, scope.nowSeconds)),
    ]),
  }
}

/** What is read: a row or its partition's static columns are there when something of it is live. */
function fetchedColumns(table: Table, asked: readonly Asked[]): ReadonlySet<number> {
  const statics = asked.flatMap(({ conditional: { is, columns, readsStatics } }) =>
    is === 'columns' ? columns : readsStatics ? table.statics : [],
  )
  return new Set([...table.regulars, ...statics].map(({ id }) => id))
}

/** The row without what is not read; null when nothing live remains. */
function fetchedRow(row: Row | null, fetched: ReadonlySet<number>, { nowSeconds }: Scope): Row | null {
  const read = row && { ...row, cells: row.cells.filter(({ column }) => fetched.has(column)) }
  return read && isRowLive(read, nowSeconds) ? read : null
}

function readPartition(table: Table, keys: readonly Buffer[], fetched: ReadonlySet<number>, engine: Engine, scope: Scope): Partition {
  const [key = Buffer.alloc(0)] = keys
  const prefix = key.subarray(0, prefixLengthOf(key))
  const { partitionKey, token } = partitionOfKey(prefix)
  const head = readHead(engine, table, prefix)
  const statics = fetchedRow(head.statics, fetched, scope)
  return { prefix, values: splitPartitionKey(table, partitionKey), token, head, statics, fetched }
}

function rowAt(
  table: Table,
  { prefix, values, token, head, statics, fetched }: Partition,
  key: Buffer,
  engine: Engine,
  scope: Scope,
): TableRow {
  const none = { partition: values, token, row: null, statics }
  if (isStaticKey(table, key)) return none
  const record = engine.get(key)
  const row = record ? visibleRow(table, record, key.subarray(prefix.length), head.deletions) : null
  return { ...none, row: fetchedRow(row, fetched, scope) }
}

const mixed = {
  'not-exists exists': 'Cannot mix IF EXISTS and IF NOT EXISTS conditions for the same row',
  'columns not-exists': 'Cannot mix IF conditions and IF NOT EXISTS for the same row',
  'columns exists': 'Cannot mix IF conditions and IF EXISTS for the same row',
}

/** Conditions on static columns are about the partition's static row, whichever row their statement writes. */
function refuseMixed(asked: readonly Asked[], keys: readonly Buffer[], prefix: Buffer): void {
  const kindsOf = new Map<string, Set<Conditional['is']>>()
  const add = (key: Uint8Array | undefined, is: Conditional['is']): void => {
    const name = Buffer.from(key ?? []).toString('latin1')
    kindsOf.set(name, (kindsOf.get(name) ?? new Set()).add(is))
  }
  for (const [i, { conditional }] of asked.entries()) {
    const { is, readsRow, readsStatics } = conditional
    if (is !== 'columns' || readsRow) add(keys[i], is)
    if (is === 'columns' && readsStatics) add(rowKeyOf(prefix, places.static), is)
  }
  for (const kinds of kindsOf.values()) {
    if (kinds.size === 1) continue
    if (!kinds.has('columns')) throw invalid(mixed['not-exists exists'])
    throw invalid(mixed[kinds.has('not-exists') ? 'columns not-exists' : 'columns exists'])
  }
}

/** The rows that were asked about and are there; for static columns alone, the partition's first row. */
function shownRows(
  table: Table,
  partition: Partition,
  asked: readonly Asked[],
  found: readonly TableRow[],
  engine: Engine,
  scope: Scope,
): TableRow[] {
  const readsRow = asked.some(({ conditional }) => conditional.readsRow)
  const readsStatics = asked.some(({ conditional }) => conditional.readsStatics)
  const { values, token, statics } = partition
  if (!readsRow) {
    const isStaticOnly = asked.every(({ conditional }) => conditional.isStaticOnly)
    const first = firstRow(table, partition, isStaticOnly, engine, scope)
    if (!statics && !first) return []
    // Only its key is shown: the row itself was not asked about.
    const row = first && { ...first, cells: [] }
    return [{ partition: values, token, row, statics }]
  }
  const rows = new Map<string, TableRow>()
  for (const [i, row] of found.entries()) {
    if (row.row && asked[i]?.conditional.readsRow)
      rows.set(row.row.clustering.map((value) => Buffer.from(value).toString('hex')).join(), row)
  }
  const inOrder = [...rows.values()].toSorted((a, b) => compareClustering(table, a.row, b.row))
  if (inOrder.length > 0) return inOrder
  return readsStatics && statics ? [{ partition: values, token, row: null, statics }] : []
}

function firstRow(table: Table, { prefix, head }: Partition, isStaticOnly: boolean, engine: Engine, scope: Scope): Row | null {
  if (table.clustering.length === 0) return null
  let start = withPlace(prefix, firstRowPlace)
  const end = afterPrefix(prefix)
  for (;;) {
    const records = engine.range(start, end, false, firstRowChunk)
    for (const { key, record } of records) {
      const row = visibleRow(table, record, key.subarray(prefix.length), head.deletions)
      // Where static columns alone are written, cells are not read, as in Cassandra: only the marker of an INSERT tells that a row is there.
      if (isRowLive(isStaticOnly ? { ...row, cells: [] } : row, scope.nowSeconds)) return row
    }
    const last = records.at(-1)
    if (!last || records.length < firstRowChunk) return null
    start = Buffer.concat([last.key, Uint8Array.of(0)])
  }
}

function compareClustering(table: Table, a: Row | null, b: Row | null): number {
  const place = (row: Row | null): Buffer => encodeClustering(table.orders, row?.clustering ?? [])
  return Buffer.compare(place(a), place(b))
}

function shownColumns(table: Table, asked: readonly Asked[], isBatch: boolean): Table['selectOrder'] {
  if (asked.some(({ conditional }) => conditional.is !== 'columns')) return table.selectOrder
  const columns = new Set(asked.flatMap(({ conditional }) => conditional.columns))
  return isBatch ? [...table.partitionKey, ...table.clustering, ...columns] : [...columns]
}
