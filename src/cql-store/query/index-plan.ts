import { invalid } from '../refusal.ts'
import type { Column, IndexKind, Table, TableIndex } from '../schema/index.ts'
import { lookupOf, type Lookup } from './index-entries.ts'
import type { Scope } from './scope.ts'
import type { ClusteringPlan } from './slices.ts'
import type { Values, Where } from './where.ts'

/** A restriction that an index answers. */
interface Answered {
  index: TableIndex
  column: Column
  parts: Values
}

export interface IndexPlan {
  /** True when the statement is answered through an index, as far as Cassandra's rules go. */
  usesIndex: boolean
  /** Null where all rows have to be looked at. */
  lookup: ((scope: Scope) => Lookup | null) | null
}

const needsFiltering =
  'Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. ' +
  'If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING'

/**
 * Cassandra's rules of what an index allows (`StatementRestrictions` of version 5): which restrictions are a filter, and that without ALLOW
 * FILTERING there is but one of them, which an index answers.
 * @throws CqlRefusal when the statement needs ALLOW FILTERING, or an index cannot be used with IN on the partition key
 */
export function planIndex(table: Table, where: Where, clustering: ClusteringPlan, allowFiltering: boolean): IndexPlan {
  const answered = answeredBy(table, where)
  const has = answered.length > 0
  const keyColumns = table.partitionKey.flatMap((column) => where.columns.get(column.name) ?? [])
  const isKeyed = keyColumns.length === table.partitionKey.length && keyColumns.every(({ equals }) => equals)
  // Beside a whole partition key tokens are a filter of its own.
  const hasTokens = where.tokens.length > 0 && keyColumns.length < table.partitionKey.length
  const isPartOfKey = !isKeyed && keyColumns.length > 0
  const rowColumns = clusteringColumns(where)
  const others = otherColumns(where)
  const clusteringFilters = clustering.rest.length > 0
  const isRange = hasTokens || !isKeyed
  let usesIndex = has && (isPartOfKey || (keyColumns.length === 0 && !hasTokens))
  if (isPartOfKey && !has && !allowFiltering) throw invalid(needsFiltering)
  const partitionFilters = usesIndex || isPartOfKey ? keyColumns.length : 0
  if (clusteringFilters) {
    if (has) usesIndex = true
    else if (!allowFiltering) refuseGap(table, clustering)
  }
  if (isRange && answered.some(({ column }) => column.kind === 'clustering')) usesIndex = true
  const rowFilters = usesIndex || clusteringFilters ? rowColumns.size : 0
  if (others.size > 0) {
    if (has) usesIndex = true
    else if (!allowFiltering) throw invalid(needsFiltering)
  }
  if (usesIndex && keyColumns.some(({ isIn }) => isIn))
    throw invalid('Select on indexed columns and with IN clause for the PRIMARY KEY are not supported')
  const filters = partitionFilters + rowFilters + others.size
  if (!allowFiltering && (isRange || usesIndex)) {
    const isAnswered = answered.some(({ column }) =>
      column.kind === 'partition_key' ? partitionFilters > 0 : column.kind === 'clustering' ? rowFilters > 0 : true,
    )
    if (filters > 1 || (filters === 0 && rowColumns.size > 0) || (filters > 0 && (hasSeveralElements(where) || !isAnswered)))
      throw invalid(needsFiltering)
  }
  return { usesIndex, lookup: usesIndex ? lookupFor(answered) : null }
}

function refuseGap(table: Table, { rest: [gap] }: ClusteringPlan): never {
  const before = gap && table.clustering[gap.column.position - 1]
  throw invalid(
    `PRIMARY KEY column "${gap?.column.name ?? ''}" cannot be restricted as preceding column "${before?.name ?? ''}" is not restricted`,
  )
}

function clusteringColumns(where: Where): Set<string> {
  const own = [...where.columns.values()].filter(({ column }) => column.kind === 'clustering').map(({ column }) => column)
  const several = [...where.tuples, ...where.tupleIns].flatMap(({ columns }) => columns)
  const elements = where.filters.map(({ column }) => column).filter(({ kind }) => kind === 'clustering')
  return new Set([...own, ...several, ...elements].map(({ name }) => name))
}

function otherColumns(where: Where): Set<string> {
  const columns = [...where.columns.values(), ...where.filters].map(({ column }) => column)
  return new Set(columns.filter(({ kind }) => kind === 'regular' || kind === 'static').map(({ name }) => name))
}

/** Several conditions on elements of one collection. */
function hasSeveralElements({ filters }: Where): boolean {
  return filters.some(({ column }, i) => filters.some((other, j) => j !== i && other.column === column))
}

function answeredBy(table: Table, where: Where): Answered[] {
  const indexOn = (column: Column, kinds: readonly IndexKind[]): TableIndex | undefined =>
    table.indexes.find((index) => index.column === column.name && kinds.includes(index.kind))
  const equalities = [...where.columns.values()].flatMap(({ column, equals, isIn }) => {
    const index = equals && !isIn ? indexOn(column, ['simple', 'full']) : undefined
    return index && equals ? [{ index, column, parts: equals }] : []
  })
  const elements = where.filters.flatMap(({ column, element }) => {
    const index = element && indexOn(column, [element.kind])
    return index && element ? [{ index, column, parts: element.parts }] : []
  })
  return [...equalities, ...elements]
}

/** The one of a row's own columns, if there is a choice: a static column finds whole partitions. */
function lookupFor(answered: readonly Answered[]): IndexPlan['lookup'] {
  const best =
    answered.find(({ column }) => column.kind === 'regular') ?? answered.find(({ column }) => column.kind === 'clustering') ?? answered[0]
  if (!best) return null
  const { index, column, parts } = best
  return (scope) => (index.progress.isBuilt ? lookupOf(index, column.type, parts(scope)) : null)
}
