import { invalid } from '../refusal.ts'
import { afterPrefix, encodeClustering, firstRowPlace } from '../storage/index.ts'
import type { Column, Table } from '../schema/index.ts'
import type { Scope } from './scope.ts'
import { type ColumnRestriction, type TupleBound, type Where } from './where.ts'

/** A range of encoded clustering keys: `start` included, `end` not. */
export interface Slice {
  start: Buffer
  end: Buffer
}

export interface ClusteringPlan {
  /** The ranges in order, none overlapping. */
  slices: (scope: Scope) => Slice[]
  /** Clustering columns that the ranges do not decide: they need ALLOW FILTERING. */
  rest: readonly ColumnRestriction[]
  /** True when every clustering column has `=` or IN. */
  isWholeKey: boolean
  isRestricted: boolean
}

const firstRow = Buffer.of(firstRowPlace)
const afterRows = Buffer.of(0xff)

/** How restrictions on clustering columns select ranges: `=` and IN from the first column on, then one slice. */
export function planClustering(table: Table, where: Where): ClusteringPlan {
  const restrictions = table.clustering.map((column) => where.columns.get(column.name))
  let equalCount = 0
  while (restrictions[equalCount]?.equals) equalCount++
  const sliced = restrictions[equalCount]
  const rest = restrictions.slice(equalCount + 1).filter((restriction) => restriction !== undefined)
  const { tuples } = where
  if (tuples.length > 0 && restrictions.some((restriction) => restriction !== undefined)) {
    throw invalid('Clustering columns cannot be restricted both by a multi-column relation and by a relation on one of them')
  }
  const equals = restrictions.slice(0, equalCount)
  return {
    slices: (scope) => {
      if (tuples.length > 0) return [tupleSlice(table, tuples, scope)]
      return prefixes(equals, scope)
        .map((prefix) => sliceAfter(table, prefix, sliced, scope))
        .toSorted((a, b) => Buffer.compare(a.start, b.start))
    },
    rest,
    isWholeKey: equalCount === table.clustering.length,
    isRestricted: tuples.length > 0 || restrictions.some((restriction) => restriction !== undefined),
  }
}

export function prefixes(equals: readonly (ColumnRestriction | undefined)[], scope: Scope): Uint8Array[][] {
  return equals.reduce<Uint8Array[][]>(
    (keys, restriction) => {
      const values = restriction?.equals?.(scope) ?? []
      return keys.flatMap((key) => values.map((value) => [...key, value]))
    },
    [[]],
  )
}

function sliceAfter(table: Table, prefix: readonly Uint8Array[], sliced: ColumnRestriction | undefined, scope: Scope): Slice {
  const base = encodeClustering(table.orders, prefix)
  const whole: Slice = { start: base.length > 0 ? base : firstRow, end: base.length > 0 ? afterPrefix(base) : afterRows }
  if (!sliced) return whole
  const bound = (side: { value: (scope: Scope) => Uint8Array; inclusive: boolean } | null, isLower: boolean): Buffer | null =>
    side && edge(encodeClustering(table.orders, [...prefix, side.value(scope)]), isLower !== sliced.column.descending, side.inclusive)
  const lower = bound(sliced.lower, true)
  const upper = bound(sliced.upper, false)
  return sliced.column.descending
    ? { start: upper ?? whole.start, end: lower ?? whole.end }
    : { start: lower ?? whole.start, end: upper ?? whole.end }
}

/** The key at which a bound cuts: before all that begin with `key`, or after them. `atStart`: the bound is the range's start in storage order. */
function edge(key: Buffer, atStart: boolean, inclusive: boolean): Buffer {
  return atStart === inclusive ? key : afterPrefix(key)
}

function tupleSlice(table: Table, tuples: readonly TupleBound[], scope: Scope): Slice {
  const slice: Slice = { start: firstRow, end: afterRows }
  for (const { columns, values, isLower, inclusive } of tuples) {
    const key = encodeClustering(
      table.orders,
      values.map((value) => value(scope)),
    )
    const atStart = isLower !== isDescending(columns)
    const cut = edge(key, atStart, inclusive)
    if (atStart) slice.start = cut
    else slice.end = cut
  }
  return slice
}

function isDescending(columns: readonly Column[]): boolean {
  return columns[0]?.descending ?? false
}
