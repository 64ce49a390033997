import { UNSET } from '../../cql-wire/index.ts'
import type { InsertStatement } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import type { Column, Table } from '../schema/index.ts'
import { encodeClustering, places } from '../storage/index.ts'
import { assignValue, type CompiledAssignment, type Stored } from './assignments.ts'
import { enterRow, recordingWriter } from './index-entries.ts'
import { storedCells } from './table-row.ts'
import { compileTimes, partitionOf, rowKeyOf, type CompiledKind, type Target, type Times } from './target.ts'
import type { Scope } from './scope.ts'
import { compileJsonRow } from './json-row.ts'
import { compileTerm, type CompiledTerm, type TermContext } from './terms.ts'
import { columnNamed } from './where.ts'

/** INSERT: the row's liveness marker and its cells in one record; static columns in the partition's own. */
export function compileInsert(statement: InsertStatement, table: Table, context: TermContext): CompiledKind {
  const terms = statement.json ? jsonTerms(statement.json, table, context) : assignedTerms(statement, table, context)
  const isStaticOnly =
    table.clustering.length > 0 &&
    table.clustering.every((column) => !terms.has(column)) &&
    [...terms.keys()].some((column) => column.kind === 'static')
  for (const column of [...table.partitionKey, ...(isStaticOnly ? [] : table.clustering)]) {
    if (!terms.has(column))
      throw invalid(`Some ${column.kind === 'clustering' ? 'clustering' : 'partition'} keys are missing: ${column.name}`)
  }
  // Markers get their types in the order in which they stand in the statement, but records want cells in the order of their columns.
  const keys = new Map<Column, (scope: Scope) => Uint8Array>()
  const regulars: CompiledAssignment[] = []
  const statics: CompiledAssignment[] = []
  for (const [column, term] of terms) {
    if (column.kind === 'partition_key' || column.kind === 'clustering') keys.set(column, neededValue(term.value, column))
    else (column.kind === 'static' ? statics : regulars).push(assignValue(column, term.value))
  }
  const times = compileTimes(statement.using, table, context)
  for (const list of [regulars, statics]) list.sort((a, b) => a.column.id - b.column.id)
  const partition = table.partitionKey.map((column) => keys.get(column)).filter((key) => key !== undefined)
  const clustering = isStaticOnly ? [] : table.clustering.map((column) => keys.get(column)).filter((key) => key !== undefined)
  const placeOf = (values: readonly Uint8Array[]): number | Uint8Array =>
    isStaticOnly ? places.static : table.clustering.length > 0 ? encodeClustering(table.orders, values) : places.onlyRow
  const prefixOf = (scope: Scope): Buffer =>
    partitionOf(
      table,
      partition.map((key) => key(scope)),
    )
  const write = (scope: Scope, target: Target): void => {
    const at = times(scope)
    const prefix = prefixOf(scope)
    if (statics.length > 0) writeCells(target, table, rowKeyOf(prefix, places.static), null, [], statics, scope, at)
    if (isStaticOnly) return
    const values = clustering.map((key) => key(scope))
    writeCells(target, table, rowKeyOf(prefix, placeOf(values)), at, values, regulars, scope, at)
  }
  return {
    write,
    prefixes: (scope) => [prefixOf(scope)],
    rowKey: (scope) => rowKeyOf(prefixOf(scope), placeOf(clustering.map((key) => key(scope)))),
    isStaticOnly,
    writesStatics: statics.length > 0,
    readsFirst: false,
    keyMarkers: table.partitionKey.map((column) => terms.get(column)?.marker ?? null),
  }
}

/** Writes one row record. */
export function writeCells(
  { engine, rows }: Target,
  table: Table,
  key: Uint8Array,
  liveness: Times | null,
  clustering: readonly Uint8Array[],
  assignments: readonly CompiledAssignment[],
  scope: Scope,
  times: Times,
): void {
  const stored: Stored = assignments.some(({ readsFirst }) => readsFirst) ? storedCells(engine, table, Buffer.from(key)) : () => []
  const recording = recordingWriter(table, engine)
  const writer = recording ?? rows
  engine.mutations.beginRecord(key)
  writer.begin(liveness, null, clustering)
  for (const assignment of assignments) assignment.write(writer, scope, times, stored)
  writer.end()
  engine.mutations.endRecord()
  if (recording) enterRow(table, key, clustering, recording.written, engine)
}

/** A column's value, and the bind marker that gives it, if one does. */
interface Assigned {
  value: CompiledTerm
  marker: number | null
}

function assignedTerms({ columns, values }: InsertStatement, table: Table, context: TermContext): Map<Column, Assigned> {
  if (columns.length !== values.length) throw invalid('Unmatched column names/values')
  const terms = new Map<Column, Assigned>()
  for (const [i, name] of columns.entries()) {
    const column = columnNamed(table, name)
    const term = values[i]
    if (terms.has(column)) throw invalid('The column names contains duplicates')
    if (term) terms.set(column, { value: compileTerm(term, column, context), marker: term.is === 'bind' ? term.index : null })
  }
  return terms
}

/** INSERT JSON gives every column of the table: what the text does not name is null, or left as it is. */
function jsonTerms(json: NonNullable<InsertStatement['json']>, table: Table, context: TermContext): Map<Column, Assigned> {
  const read = compileJsonRow(json.term, table, context)
  return new Map(
    table.columns.map((column) => {
      const value: CompiledTerm = (scope) => {
        const found = read(scope).get(column)
        return found !== undefined ? found : json.defaultUnset ? UNSET : null
      }
      return [column, { value, marker: null }]
    }),
  )
}

function neededValue(compiled: CompiledTerm, column: Column): (scope: Scope) => Uint8Array {
  return (scope) => {
    const value = compiled(scope)
    if (value === UNSET) throw invalid(`Invalid unset value for column ${column.name}`)
    if (value === null) throw invalid(`Invalid null value for column ${column.name}`)
    return value
  }
}
