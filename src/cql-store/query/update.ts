import type { UpdateStatement } from '../lang/index.ts'
import { errors } from '../../cql-wire/index.ts'
import { CqlRefusal, invalid, unsupported } from '../refusal.ts'
import type { Table } from '../schema/index.ts'
import { encodeClustering, places } from '../storage/index.ts'
import { compileAssignment, type CompiledAssignment } from './assignments.ts'
import { writeCells } from './insert.ts'
import { compileTimes, partitionOf, rowKeyOf, type CompiledKind, type Target } from './target.ts'
import type { Scope } from './scope.ts'
import type { TermContext } from './terms.ts'
import { analyseWhere, checkCombinations, columnNamed, combinations, equalsOf, partitionKeysOf, type Where } from './where.ts'

/** Several of one column are merged one by one. */
const mostAssignments = 1_000

/** UPDATE: cells without the liveness marker, so that a row of nothing but nulls is none. */
export function compileUpdate(statement: UpdateStatement, table: Table, context: TermContext): CompiledKind {
  const times = compileTimes(statement.using, table, context)
  if (statement.assignments.length > mostAssignments) throw unsupported(`more than ${mostAssignments} assignments in one statement`)
  const assignments = statement.assignments.map((assignment): CompiledAssignment => {
    const column = columnNamed(table, assignment.column)
    if (column.kind === 'partition_key' || column.kind === 'clustering') throw invalid(`PRIMARY KEY part ${column.name} found in SET part`)
    return compileAssignment(assignment, column, context)
  })
  for (const [i, { column }] of assignments.entries()) {
    const others = assignments.filter((other, j) => j !== i && other.column === column)
    if (others.length > 0 && statement.assignments[i]?.is === 'set')
      throw new CqlRefusal(errors.SYNTAX_ERROR, `Multiple incompatible setting of column ${column.name}`)
  }
  assignments.sort((a, b) => a.column.id - b.column.id)
  const where = analyseWhere(table, statement.where, context)
  const statics = assignments.filter(({ column }) => column.kind === 'static')
  const regulars = assignments.filter(({ column }) => column.kind === 'regular')
  const restrictsRow = table.clustering.some((column) => where.columns.has(column.name))
  checkRowKey(table, where, regulars.length > 0 || restrictsRow)
  if (restrictsRow && regulars.length === 0) {
    throw invalid(`Invalid restrictions on clustering columns since the UPDATE statement modifies only static columns`)
  }
  if (statement.onlyIf) refuseIn(table, where)
  const rowsOf = (scope: Scope): { prefix: Buffer; clustering: Uint8Array[] }[] => {
    const [partitions, rows] = [partitionKeysOf(table, where, scope), clusteringKeys(table, where, scope)]
    checkCombinations(partitions.length, rows.length)
    return partitions.flatMap((parts) => {
      const prefix = partitionOf(table, parts)
      return rows.map((clustering) => ({ prefix, clustering }))
    })
  }
  const write = (scope: Scope, target: Target): void => {
    const at = times(scope)
    for (const { prefix, clustering } of rowsOf(scope)) {
      for (const cells of passes(statics)) writeCells(target, table, rowKeyOf(prefix, places.static), null, [], cells, scope, at)
      for (const cells of passes(regulars))
        writeCells(target, table, rowKeyOf(prefix, placeOf(table, clustering)), null, clustering, cells, scope, at)
    }
  }
  return {
    write,
    prefixes: (scope) => partitionKeysOf(table, where, scope).map((parts) => partitionOf(table, parts)),
    rowKey: (scope) => {
      const row = rowsOf(scope)[0]
      if (!row) throw invalid('IN on the partition key with no value is not possible with conditional updates')
      return rowKeyOf(row.prefix, regulars.length > 0 ? placeOf(table, row.clustering) : places.static)
    },
    isStaticOnly: regulars.length === 0,
    writesStatics: statics.length > 0,
    readsFirst: assignments.some(({ readsFirst }) => readsFirst),
    keyMarkers: where.keyMarkers,
  }
}

/** Of several operations on one column (`m['a'] = 1, m['b'] = 2`) each goes into a record of its own: they are merged like all others. */
function passes(assignments: readonly CompiledAssignment[]): CompiledAssignment[][] {
  const all: CompiledAssignment[][] = []
  for (const assignment of assignments) {
    const free = all.find((pass) => !pass.some(({ column }) => column === assignment.column))
    if (free) free.push(assignment)
    else all.push([assignment])
  }
  return all
}

export function placeOf(table: Table, clustering: readonly Uint8Array[]): number | Uint8Array {
  return table.clustering.length > 0 ? encodeClustering(table.orders, clustering) : places.onlyRow
}

function clusteringKeys(table: Table, where: Where, scope: Scope): Uint8Array[][] {
  const isRestricted = table.clustering.some(({ name }) => where.columns.has(name))
  return isRestricted ? combinations(table.clustering.map((column) => equalsOf(where, column, scope))) : [[]]
}

/** The WHERE of an UPDATE names whole rows. */
export function checkRowKey(table: Table, where: Where, wantsRow: boolean): void {
  checkPartitionKey(table, where)
  for (const column of table.clustering) {
    const restriction = where.columns.get(column.name)
    if (!restriction && wantsRow) throw invalid(`Some clustering keys are missing: ${column.name}`)
    if (restriction && !restriction.equals)
      throw invalid(`Slice restrictions are not supported on the clustering columns in UPDATE statements`)
  }
  if (where.tuples.length > 0 || where.tupleIns.length > 0)
    throw invalid(`Slice restrictions are not supported on the clustering columns in UPDATE statements`)
}

/** A condition is about one row. */
export function refuseIn(table: Table, where: Where): void {
  const isIn = (columns: Table['partitionKey']): boolean => columns.some((column) => where.columns.get(column.name)?.isIn)
  if (isIn(table.partitionKey)) throw invalid('IN on the partition key is not supported with conditional updates')
  if (isIn(table.clustering)) throw invalid('IN on the clustering key columns is not supported with conditional updates')
}

/** The WHERE of a modification names its partitions by `=` or IN, and no other columns than the key's. */
export function checkPartitionKey(table: Table, where: Where): void {
  if (where.tokens.length > 0) throw invalid('The token function cannot be used in WHERE clauses for UPDATE and DELETE statements')
  for (const column of table.partitionKey) {
    const restriction = where.columns.get(column.name)
    if (!restriction) throw invalid(`Some partition key parts are missing: ${column.name}`)
    if (!restriction.equals)
      throw invalid(`Only EQ and IN relation are supported on the partition key (unless you use the token() function)`)
  }
  for (const { column } of where.columns.values()) {
    if (column.kind !== 'partition_key' && column.kind !== 'clustering')
      throw invalid(`Non PRIMARY KEY columns found in where clause: ${column.name}`)
  }
  const filter = where.filters[0]
  if (filter) throw invalid(`Non PRIMARY KEY columns found in where clause: ${filter.column.name}`)
}
