import type { If } from '../lang/index.ts'
import type { Column, Table } from '../schema/index.ts'
import { places, prefixLengthOf } from '../storage/index.ts'
import type { Scope } from './scope.ts'
import type { CompiledKind } from './target.ts'
import { compileCondition } from './column-condition.ts'
import type { TableRow } from './table-row.ts'
import type { TermContext } from './terms.ts'

/** The IF clause of one statement; {@link decide} asks several of them at once. */
export interface Conditional {
  is: NonNullable<If>['is']
  /** The key of the row it is about; that of the static row, when the statement writes static columns alone. */
  rowKey: (scope: Scope) => Buffer
  /** Of `IF column …`: in the order in which an answer shows them, regular ones first. */
  columns: readonly Column[]
  /** Its statement writes static columns alone. */
  isStaticOnly: boolean
  /** What it has to see: the row, the partition's static columns, or both. */
  readsRow: boolean
  readsStatics: boolean
  /** Asked with what is live: of both, what it does not read is null. */
  holds: (found: TableRow, scope: Scope) => boolean
}

/** Compiles `IF NOT EXISTS`, `IF EXISTS` and `IF column …`. */
export function compileConditions(
  table: Table,
  onlyIf: NonNullable<If>,
  { rowKey, isStaticOnly, writesStatics }: Pick<CompiledKind, 'rowKey' | 'isStaticOnly' | 'writesStatics'>,
  context: TermContext,
): Conditional {
  if (onlyIf.is !== 'columns') {
    const wanted = onlyIf.is === 'exists'
    const holds = ({ row, statics }: TableRow): boolean => ((isStaticOnly ? statics : row) !== null) === wanted
    return { is: onlyIf.is, rowKey, isStaticOnly, columns: [], readsRow: !isStaticOnly, readsStatics: writesStatics, holds }
  }
  const tests = onlyIf.conditions.map((condition) => compileCondition(table, condition, context))
  const columns = new Set(tests.map(({ column }) => column))
  const [regulars, statics] = [false, true].map((isStatic) => [...columns].filter(({ kind }) => (kind === 'static') === isStatic))
  return {
    is: 'columns',
    rowKey,
    isStaticOnly,
    columns: [...(regulars ?? []), ...(statics ?? [])],
    readsRow: (regulars ?? []).length > 0,
    readsStatics: (statics ?? []).length > 0,
    holds: (found, scope) => tests.every(({ test }) => test(found, scope)),
  }
}

/** True when a key is that of a partition's static row. */
export function isStaticKey(table: Table, key: Buffer): boolean {
  const at = prefixLengthOf(key)
  return table.clustering.length > 0 && key.length === at + 1 && key[at] === places.static
}
