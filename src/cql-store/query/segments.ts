import { invalid } from '../refusal.ts'
import type { SelectStatement } from '../lang/index.ts'
import { isMultiCell, type Column, type Table } from '../schema/index.ts'
import { partitionOfKey, tableStart, tokenBound } from '../storage/index.ts'
import { planIndex } from './index-plan.ts'
import type { IndexedRead } from './index-scan.ts'
import { partitionOf } from './target.ts'
import type { Segment } from './scan.ts'
import type { Scope } from './scope.ts'
import { planClustering } from './slices.ts'
import {
  checkCombinations,
  columnNamed,
  filterOf,
  partitionKeysOf,
  tupleFilter,
  tupleInFilter,
  type Filter,
  type TokenBound,
  type Where,
} from './where.ts'

/** Which parts of the store a SELECT reads, and what it must look at row by row. */
export interface SegmentPlan {
  segments: (scope: Scope) => Segment[]
  filters: readonly Filter[]
  /** True when the partition key is given by `=` or IN. */
  isKeyed: boolean
  /** True when Cassandra would answer through an index: what an index cannot do is refused. */
  usesIndex: boolean
  /** What to look up instead of reading the segments; null where they have to be read. */
  indexed: (scope: Scope) => IndexedRead | null
  /** Each segment is one row, and begins with its key: all columns of the primary key are given by `=` or IN. */
  readsRows: boolean
  /** Every restriction as a filter, for rows that do not come from the store. */
  allFilters: readonly Filter[]
}

const minToken = -(2n ** 63n)
const maxToken = 2n ** 63n - 1n

export function planSegments(table: Table, where: Where, allowFiltering: boolean): SegmentPlan {
  const restrictions = [...where.columns.values()]
  const keyRestrictions = table.partitionKey.map((column) => where.columns.get(column.name))
  const isKeyed = keyRestrictions.every((restriction) => restriction?.equals)
  const others = restrictions.filter(({ column }) => column.kind === 'regular' || column.kind === 'static')
  const allFilters = [
    ...restrictions.map(filterOf),
    ...where.tuples.map(tupleFilter),
    ...where.tupleIns.map(tupleInFilter),
    ...where.filters,
  ]
  const clustering = planClustering(table, where)
  const { usesIndex, lookup } = planIndex(table, where, clustering, allowFiltering)
  const base = { allFilters, isKeyed, usesIndex }
  if (isKeyed) {
    const filters = [...clustering.rest, ...others.map(filterOf), ...where.filters]
    const segments = (scope: Scope): Segment[] => keyedSegments(table, where, clustering, scope)
    // The partition is read, not its index: of a static column that gave no rows where Cassandra gives all of the partition's.
    return { ...base, segments, filters, indexed: () => null, readsRows: clustering.isWholeKey }
  }
  const restrictsRows =
    restrictions.some(({ column }) => column.kind === 'clustering') || where.tuples.length > 0 || where.tupleIns.length > 0
  return {
    ...base,
    readsRows: false,
    segments: (scope) => tokenSegments(table, where.tokens, !restrictsRows, scope),
    filters: allFilters,
    indexed: (scope) => {
      const found = lookup?.(scope) ?? null
      const tokens = found && tokenRange(where.tokens, scope)
      return found && tokens && { ...found, tokens, showsStaticOnly: !restrictsRows }
    },
  }
}

function keyedSegments(table: Table, where: Where, clustering: ReturnType<typeof planClustering>, scope: Scope): Segment[] {
  const slices = clustering.slices(scope)
  const tokens = tokenRange(where.tokens, scope)
  if (slices.length === 0 || !tokens) return []
  const keys = partitionKeysOf(table, where, scope)
  checkCombinations(keys.length, slices.length)
  return keys.flatMap((parts) => {
    const partition = partitionOf(table, parts)
    const { token } = partitionOfKey(partition)
    if (token < tokens.first || token > tokens.last) return []
    return slices.map((slice) => ({
      start: Buffer.concat([partition, slice.start]),
      end: Buffer.concat([partition, slice.end]),
      partition,
      showsStaticOnly: !clustering.isRestricted,
    }))
  })
}

function tokenRange(bounds: readonly TokenBound[], scope: Scope): { first: bigint; last: bigint } | null {
  let first = minToken
  let last = maxToken
  for (const { op, value } of bounds) {
    const token = Buffer.from(value(scope)).readBigInt64BE(0)
    if (op === '=' || op === '>=') first = token > first ? token : first
    // The minimum token is no key's: as an end it means the end of the ring, as Cassandra has it.
    if (op === '=' || op === '<=') last = token === minToken && op === '<=' ? last : token < last ? token : last
    if (op === '>' && token >= first) {
      if (token === maxToken) return null
      first = token + 1n
    }
    if (op === '<' && token !== minToken && token <= last) last = token - 1n
  }
  return first > last ? null : { first, last }
}

function tokenSegments(table: Table, bounds: readonly TokenBound[], showsStaticOnly: boolean, scope: Scope): Segment[] {
  const range = tokenRange(bounds, scope)
  if (!range) return []
  const end = range.last === maxToken ? tableStart(table.number + 1) : tokenBound(table.number, range.last + 1n)
  return [{ start: tokenBound(table.number, range.first), end, partition: null, showsStaticOnly }]
}

/** True when ORDER BY asks for the reverse of the clustering order. @throws CqlRefusal for any other order */
export function isReversed(table: Table, orderBy: SelectStatement['orderBy'], where: Where, usesIndex: boolean): boolean {
  if (orderBy.length === 0) return false
  if (usesIndex) throw invalid('ORDER BY with 2ndary indexes is not supported, except for ANN queries.')
  const keys = table.partitionKey.map((column) => where.columns.get(column.name))
  if (!keys.every((restriction) => restriction?.equals))
    throw invalid('ORDER BY is only supported when the partition key is restricted by an EQ or an IN.')
  let reversed: boolean | null = null
  let place = 0
  for (const { column: name, descending } of orderBy) {
    const column = columnNamed(table, name)
    if (column.kind !== 'clustering' || isMultiCell(column))
      throw invalid(`Order by is currently only supported on the clustered columns of the PRIMARY KEY, got ${name}`)
    while (place < column.position && isGiven(table.clustering[place], where)) place++
    if (column.position !== place++)
      throw invalid('Order by currently only supports the ordering of columns following their declared order in the PRIMARY KEY')
    const isBackwards = descending !== column.descending
    if (reversed !== null && reversed !== isBackwards) throw invalid('Unsupported order by relation')
    reversed = isBackwards
  }
  return reversed ?? false
}

/** True for a column with one value: ORDER BY may leave it out. */
function isGiven(column: Column | undefined, where: Where): boolean {
  return column !== undefined && where.columns.get(column.name)?.equals !== null && where.columns.has(column.name)
}
