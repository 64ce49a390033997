import { UNSET, type ColumnSpec } from '../../cql-wire/index.ts'
import type { Condition, If } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import type { Column, Table } from '../schema/index.ts'
import { isRowLive, partitionOfKey, prefixLengthOf, places, type Engine } from '../storage/index.ts'
import type { Scope } from './scope.ts'
import { splitPartitionKey } from './partition-key.ts'
import { readHead, valueOf, visibleRow, type TableRow } from './table-row.ts'
import { compileTerm, type TermContext } from './terms.ts'
import { compareValues } from './values.ts'
import { columnNamed, compileList } from './where.ts'

export interface Decision {
  applied: boolean
  columns: ColumnSpec[]
  row: (Uint8Array | null)[]
}

/** Decides an IF clause against what is stored: everything submitted before counts. */
export type Conditional = (scope: Scope, engine: Engine) => Decision

/** Compiles `IF NOT EXISTS`, `IF EXISTS` and `IF column …`. `rowKey` gives the key of the row it is about. */
export function compileConditions(
  table: Table,
  onlyIf: NonNullable<If>,
  rowKey: (scope: Scope) => Buffer,
  context: TermContext,
): Conditional {
  const spec = (name: string, type: ColumnSpec['type']): ColumnSpec => ({ keyspace: table.keyspace, table: table.name, name, type })
  const appliedSpec = spec('[applied]', { is: 'boolean' })
  const yes = Buffer.of(1)
  const no = Buffer.of(0)
  const tests = onlyIf.is === 'columns' ? onlyIf.conditions.map((condition) => compileCondition(table, condition, context)) : []
  const shown = onlyIf.is === 'columns' ? [...new Set(tests.map(({ column }) => column))] : table.selectOrder
  return (scope, engine) => {
    engine.writePending()
    const found = readRow(table, rowKey(scope), engine, scope)
    const applied =
      onlyIf.is === 'not-exists' ? found === null : onlyIf.is === 'exists' ? found !== null : tests.every(({ test }) => test(found, scope))
    if (applied || !found) return { applied, columns: [appliedSpec], row: [applied ? yes : no] }
    return {
      applied,
      columns: [appliedSpec, ...shown.map((column) => spec(column.name, column.type))],
      row: [no, ...shown.map((column) => valueOf(column, found, scope.nowSeconds))],
    }
  }
}

function readRow(table: Table, key: Buffer, engine: Engine, scope: Scope): TableRow | null {
  const { prefixLength, partitionKey, token } = partitionOfKey(key)
  const prefix = key.subarray(0, prefixLengthOf(key))
  const { deletions, statics } = readHead(engine, table, prefix)
  const place = key.subarray(prefixLength)
  const partition = splitPartitionKey(table, partitionKey)
  if (table.clustering.length > 0 && place.length === 1 && place[0] === places.static) {
    return statics && isRowLive(statics, scope.nowSeconds) ? { partition, token, row: null, statics } : null
  }
  const record = engine.get(key)
  const row = record ? visibleRow(record, place, deletions) : null
  return row && isRowLive(row, scope.nowSeconds) ? { partition, token, row, statics } : null
}

function compileCondition(
  table: Table,
  condition: Condition,
  context: TermContext,
): { column: Column; test: (row: TableRow | null, scope: Scope) => boolean } {
  const column = columnNamed(table, condition.column)
  if (column.kind === 'partition_key' || column.kind === 'clustering')
    throw invalid(`PRIMARY KEY column '${column.name}' cannot have IF conditions`)
  const current = (row: TableRow | null, scope: Scope): Uint8Array | null => row && valueOf(column, row, scope.nowSeconds)
  if (condition.is === 'in') {
    const list = compileList(column, condition.terms, context)
    return {
      column,
      test: (row, scope) => {
        const value = current(row, scope)
        return value !== null && list(scope).some((wanted) => compareValues(column.type, value, wanted) === 0)
      },
    }
  }
  const term = compileTerm(condition.term, column, context)
  const { op } = condition
  return {
    column,
    test: (row, scope) => {
      const value = current(row, scope)
      const wanted = term(scope)
      if (wanted === UNSET) throw invalid(`Invalid 'unset' value in condition`)
      if (value === null || wanted === null) {
        if (op === '=') return value === wanted
        return op === '!=' && value !== wanted
      }
      const order = compareValues(column.type, value, wanted)
      if (op === '=') return order === 0
      if (op === '!=') return order !== 0
      return op.startsWith('<') ? order < 0 || (op === '<=' && order === 0) : order > 0 || (op === '>=' && order === 0)
    },
  }
}
