import { isRowLive, partitionOfKey, type Engine } from '../storage/index.ts'
import { splitPartitionKey } from './partition-key.ts'
import type { Segment } from './scan.ts'
import type { Scope } from './scope.ts'
import type { Page, Paging, Plan } from './select-run.ts'
import { readHead, visibleRow, type TableRow } from './table-row.ts'

/** More rows than this are read in turns, as those of a range are. */
const mostRows = 64

/**
 * The answer of a SELECT that names its rows by their whole keys, read at once, without a turn of the event loop: the most frequent
 * read by far. Null when the plan wants more than that.
 */
export function readPoints(plan: Plan, scope: Scope, engine: Engine, { pageSize, pagingState }: Paging): Page | null {
  if (!plan.segments.readsRows || plan.filters.length > 0 || plan.table.statics.length > 0) return null
  if (plan.group || plan.sort || plan.reverse || plan.distinct || pagingState) return null
  const limit = plan.limit(scope) ?? Infinity
  if (plan.perPartition(scope) !== null) return null
  const segments = plan.segments.segments(scope)
  // As Cassandra has it, a page that is full is followed by another.
  const isPaged = pageSize !== null && pageSize > 0 && pageSize <= segments.length
  if (isPaged || segments.length > mostRows) return null
  const rows: Page['rows'] = []
  for (const segment of segments) {
    if (rows.length >= limit) break
    const row = readRow(plan, segment, scope, engine)
    if (row) rows.push(plan.selectors.map((selector) => selector.value(row, scope)))
  }
  return { rows, pagingState: null }
}

function readRow({ table }: Plan, { start, partition }: Segment, scope: Scope, engine: Engine): TableRow | null {
  const record = engine.get(start)
  if (!record || !partition) return null
  const { deletions } = readHead(engine, table, partition)
  const row = visibleRow(table, record, start.subarray(partition.length), deletions)
  if (!isRowLive(row, scope.nowSeconds)) return null
  const { partitionKey, token } = partitionOfKey(partition)
  return { partition: splitPartitionKey(table, partitionKey), token, row, statics: null }
}
