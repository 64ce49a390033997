import type { ColumnSpec } from '../../cql-wire/index.ts'
import type { Modification } from '../lang/index.ts'
import { invalid, unauthorized } from '../refusal.ts'
import { isSystemKeyspace, type Table } from '../schema/index.ts'
import { compileConditions, type Conditional } from './conditions.ts'
import { compileDelete } from './delete.ts'
import { compileInsert } from './insert.ts'
import { Binds, type Scope } from './scope.ts'
import type { CompiledKind, Target } from './target.ts'
import type { TermContext } from './terms.ts'
import { compileUpdate } from './update.ts'

/** A compiled INSERT, UPDATE or DELETE. */
export interface CompiledModification {
  table: Table
  bound: ColumnSpec[]
  pkIndexes: number[]
  /** Writes the records of one execution; the caller begins and submits. */
  write: (scope: Scope, target: Target) => void
  /** It looks at what is stored before it writes. */
  readsFirst: boolean
  /** Prefixes of the partitions it writes to. */
  prefixes: (scope: Scope) => Buffer[]
  /** With an IF clause: decides first. */
  conditional: Conditional | null
}

/** Compiles a modification of `table`. @throws CqlRefusal when it does not fit the table */
export function compileModification(
  statement: Modification,
  table: Table,
  names: readonly (string | null)[],
  shared?: Binds,
): CompiledModification {
  if (isSystemKeyspace(table.keyspace)) throw unauthorized(`${table.keyspace} keyspace is not user-modifiable.`)
  const binds = shared?.of(table) ?? new Binds(names, table)
  const context: TermContext = { binds, partitionKey: table.partitionKey }
  if (statement.onlyIf && statement.using.timestamp) throw invalid('Cannot provide custom timestamp for conditional updates')
  const compiled = compileKind(statement, table, context)
  const conditional = statement.onlyIf ? compileConditions(table, statement.onlyIf, compiled, context) : null
  const bound = shared ? [] : binds.specs()
  return {
    table,
    bound,
    pkIndexes: Binds.keyIndexes(bound, compiled.keyMarkers),
    write: compiled.write,
    prefixes: compiled.prefixes,
    readsFirst: compiled.readsFirst,
    conditional,
  }
}

function compileKind(statement: Modification, table: Table, context: TermContext): CompiledKind {
  switch (statement.is) {
    case 'insert':
      return compileInsert(statement, table, context)
    case 'update':
      return compileUpdate(statement, table, context)
    case 'delete':
      return compileDelete(statement, table, context)
  }
}
