import type { CqlType } from '../../cql-wire/index.ts'
import type { Column } from '../schema/index.ts'
import type { Aggregate } from './aggregates.ts'
import type { Scope } from './scope.ts'
import type { TableRow } from './table-row.ts'

export type Bytes = Uint8Array | null

/** One column of a result. */
export interface Selector {
  name: string
  type: CqlType
  /** True when it sees all rows of a group. */
  isAggregate: boolean
  /** The column that it gives as it is, if it does that. */
  column?: Column
  value: (row: TableRow, scope: Scope) => Bytes
  /** For a group of rows: an aggregate over them; of others, the first row's value. */
  start: (scope: Scope) => Running
}

export interface Running {
  add(row: TableRow): void
  result(): Bytes
}

/** A selector of single rows. */
export function plain(name: string, type: CqlType, value: Selector['value']): Selector {
  return { name, type, isAggregate: false, value, start: (scope) => firstValue(value, scope) }
}

function firstValue(value: Selector['value'], scope: Scope): Running {
  let first: { value: Bytes } | null = null
  return {
    add: (row) => {
      first ??= { value: value(row, scope) }
    },
    result: () => first?.value ?? null,
  }
}

/** A selector made of others: of single rows when they are, of groups when one of them is. */
export function combined(name: string, type: CqlType, parts: readonly Selector[], run: (values: Bytes[], scope: Scope) => Bytes): Selector {
  const value: Selector['value'] = (row, scope) => run(parts.map((part) => part.value(row, scope)), scope) // prettier-ignore
  if (!parts.some((part) => part.isAggregate)) return plain(name, type, value)
  return {
    name,
    type,
    isAggregate: true,
    value,
    start: (scope) => {
      const running = parts.map((part) => part.start(scope))
      return {
        add: (row) => {
          for (const each of running) each.add(row)
        },
        result: () => run(running.map((each) => each.result()), scope), // prettier-ignore
      }
    },
  }
}

/** A selector of groups. */
export function aggregating(name: string, type: CqlType, start: () => Aggregate, of: Selector['value']): Selector {
  return {
    name,
    type,
    isAggregate: true,
    value: () => null,
    start: (scope) => {
      const aggregate = start()
      return { add: (row) => aggregate.add(of(row, scope)), result: () => aggregate.result() }
    },
  }
}
