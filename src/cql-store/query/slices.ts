import { invalid } from '../refusal.ts'
import { afterPrefix, encodeClustering, firstRowPlace } from '../storage/index.ts'
import type { Table } from '../schema/index.ts'
import type { Scope } from './scope.ts'
import {
  combinations,
  filterOf,
  tupleFilter,
  tupleInFilter,
  type ColumnRestriction,
  type Filter,
  type TupleBound,
  type Where,
} from './where.ts'

/** A range of encoded clustering keys: `start` included, `end` not. */
export interface Slice {
  start: Buffer
  end: Buffer
}

export interface ClusteringPlan {
  /** The ranges in order, none overlapping. */
  slices: (scope: Scope) => Slice[]
  /** Values of the first clustering columns, one for each of `=` and IN. */
  prefixes: Prefixes
  /** What the ranges do not decide: it needs ALLOW FILTERING. */
  rest: readonly Filter[]
  /** True when every clustering column has `=` or IN. */
  isWholeKey: boolean
  isRestricted: boolean
}

const firstRow = Buffer.of(firstRowPlace)
const afterRows = Buffer.of(0xff)

type Prefixes = (scope: Scope) => Uint8Array[][]

/** How restrictions on clustering columns select ranges: `=` and IN from the first column on, then slices that begin at the next one. */
export function planClustering(table: Table, where: Where): ClusteringPlan {
  const restrictions = table.clustering.map((column) => where.columns.get(column.name))
  const steps: Prefixes[] = []
  const tupleIns = [...where.tupleIns]
  let position = 0
  for (;;) {
    const restriction = restrictions[position]
    const tuples = tupleIns.findIndex(({ columns }) => columns[0]?.position === position)
    const tupleIn = tupleIns[tuples]
    if (restriction?.equals) {
      const { equals } = restriction
      steps.push((scope) => equals(scope).map((value) => [value]))
      position++
    } else if (tupleIn) {
      steps.push(tupleIn.values)
      position += tupleIn.columns.length
      tupleIns.splice(tuples, 1)
    } else break
  }
  refuseOverlaps(where)
  const prefixesOf: Prefixes = (scope) => combinations(steps.map((step) => step(scope)))
  const bounds = [...boundsOf(restrictions[position]), ...where.tuples.filter(({ columns }) => columns[0]?.position === position)]
  const rest = [
    ...restrictions.slice(position + 1).flatMap((restriction) => (restriction ? [filterOf(restriction)] : [])),
    ...where.tuples.filter((tuple) => !bounds.includes(tuple)).map(tupleFilter),
    ...tupleIns.map(tupleInFilter),
  ]
  const onlyRow = [{ start: firstRow, end: afterRows }]
  return {
    slices: (scope) =>
      table.clustering.length === 0
        ? onlyRow
        : prefixesOf(scope)
            .flatMap((prefix) =>
              bounds.reduce((slices, bound) => intersection(slices, slicesOf(table, prefix, bound, scope)), [wholeOf(table, prefix)]),
            )
            .toSorted((a, b) => Buffer.compare(a.start, b.start)),
    prefixes: prefixesOf,
    rest,
    isWholeKey: position === table.clustering.length,
    isRestricted: position > 0 || bounds.length > 0 || rest.length > 0,
  }
}

/** A column may be in one relation of several columns only, and in none of its own beside it, unless both begin with it. */
function refuseOverlaps({ columns, tuples, tupleIns }: Where): void {
  for (const tuple of [...tuples, ...tupleIns]) {
    for (const [i, column] of tuple.columns.entries()) {
      const own = columns.get(column.name)
      const isSlice = own !== undefined && !own.equals
      const others = [...tuples, ...tupleIns].filter((other) => other !== tuple && other.columns.includes(column))
      const begins = i === 0 && 'isLower' in tuple && others.every((other) => 'isLower' in other && other.columns[0] === column)
      if (own && !(isSlice && begins)) throw invalid(`Column "${column.name}" cannot be restricted by two relations`)
      if (others.length > 0 && !others.every((other) => 'isLower' in other && 'isLower' in tuple && other.columns[0] === tuple.columns[0]))
        throw invalid(`Column "${column.name}" cannot be restricted by two inequalities not starting with the same column`)
      if (!('isLower' in tuple)) continue
      const same = others.filter((other) => 'isLower' in other && other.isLower === tuple.isLower)
      if (same.length > 0 || (i === 0 && own && (tuple.isLower ? own.lower : own.upper)))
        throw invalid(`More than one restriction was found for the ${tuple.isLower ? 'start' : 'end'} bound on ${column.name}`)
    }
  }
}

function boundsOf(restriction: ColumnRestriction | undefined): TupleBound[] {
  if (!restriction) return []
  const { column, lower, upper } = restriction
  return [
    ...(lower ? [{ columns: [column], values: [lower.value], isLower: true, inclusive: lower.inclusive }] : []),
    ...(upper ? [{ columns: [column], values: [upper.value], isLower: false, inclusive: upper.inclusive }] : []),
  ]
}

function wholeOf(table: Table, prefix: readonly Uint8Array[]): Slice {
  const base = encodeClustering(table.orders, prefix)
  return base.length > 0 ? { start: base, end: afterPrefix(base) } : { start: firstRow, end: afterRows }
}

/** `(a, b) > (1, 2)` is: a beyond 1, or a = 1 and b beyond 2; each a range, in whichever direction its column runs. */
function slicesOf(table: Table, prefix: readonly Uint8Array[], bound: TupleBound, scope: Scope): Slice[] {
  const { columns, isLower, inclusive } = bound
  const values = bound.values.map((value) => value(scope))
  const slices: Slice[] = columns.map((column, i) => {
    const whole = wholeOf(table, [...prefix, ...values.slice(0, i)])
    const key = encodeClustering(table.orders, [...prefix, ...values.slice(0, i + 1)])
    return isLower !== column.descending ? { start: afterPrefix(key), end: whole.end } : { start: whole.start, end: key }
  })
  if (inclusive) slices.push(wholeOf(table, [...prefix, ...values]))
  return joined(slices)
}

function joined(slices: readonly Slice[]): Slice[] {
  const sorted = slices.filter(({ start, end }) => Buffer.compare(start, end) < 0).toSorted((a, b) => Buffer.compare(a.start, b.start))
  const all: Slice[] = []
  for (const slice of sorted) {
    const last = all.at(-1)
    if (last?.end.equals(slice.start)) last.end = slice.end
    else all.push({ ...slice })
  }
  return all
}

function intersection(a: readonly Slice[], b: readonly Slice[]): Slice[] {
  return joined(
    a.flatMap((x) =>
      b.map((y) => ({
        start: Buffer.compare(x.start, y.start) >= 0 ? x.start : y.start,
        end: Buffer.compare(x.end, y.end) <= 0 ? x.end : y.end,
      })),
    ),
  )
}
