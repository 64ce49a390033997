import { UNSET } from '../../cql-wire/index.ts'
import type { DeleteStatement } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import { isMultiCell, type Table } from '../schema/index.ts'
import { encodeDeletions, places, type Deletion, type PartitionDeletions } from '../storage/index.ts'
import { deleteAtIndex, tombstone, type CompiledAssignment } from './assignments.ts'
import { writeCells } from './insert.ts'
import { compileTimes, partitionOf, rowKeyOf, type CompiledKind, type Target, type Times } from './target.ts'
import type { Scope } from './scope.ts'
import { planClustering } from './slices.ts'
import { compileTerm, type TermContext } from './terms.ts'
import { checkPartitionKey, placeOf, refuseIn } from './update.ts'
import { analyseWhere, checkCombinations, columnNamed, partitionKeysOf } from './where.ts'

/** DELETE: of columns (cell tombstones), of rows, of ranges of rows, of whole partitions. */
export function compileDelete(statement: DeleteStatement, table: Table, context: TermContext): CompiledKind {
  const cells = statement.columns
    .map(({ column, element }) => compileDeleted(table, column, element, context))
    .sort((a, b) => a.column.id - b.column.id)
  if (statement.using.ttl) throw invalid('Attribute TTL is not supported for DELETE statements')
  const times = compileTimes(statement.using, table, context)
  const where = analyseWhere(table, statement.where, context)
  checkPartitionKey(table, where)
  const clustering = planClustering(table, where)
  if (clustering.rest[0])
    throw invalid(`PRIMARY KEY column "${clustering.rest[0].column.name}" cannot be restricted as preceding column is not restricted`)
  const statics = cells.filter(({ column }) => column.kind === 'static')
  const regulars = cells.filter(({ column }) => column.kind === 'regular')
  if (regulars.length > 0 && !clustering.isWholeKey) {
    throw invalid(`Range deletions are not supported for specific columns`)
  }
  const isStaticOnly = statics.length > 0 && regulars.length === 0
  if (statement.onlyIf) {
    refuseIn(table, where)
    if (!isStaticOnly && !clustering.isWholeKey)
      throw invalid('DELETE statements must restrict all PRIMARY KEY columns with equality relations in order to delete non static columns')
  }
  const rowKeys = clustering.prefixes
  const write = (scope: Scope, target: Target): void => {
    const at = times(scope)
    const partitions = partitionKeysOf(table, where, scope)
    checkCombinations(partitions.length, clustering.slices(scope).length)
    for (const parts of partitions) {
      const prefix = partitionOf(table, parts)
      if (cells.length > 0) {
        if (statics.length > 0) writeCells(target, table, rowKeyOf(prefix, places.static), null, [], statics, scope, at)
        if (regulars.length === 0) continue
        for (const key of rowKeys(scope)) writeCells(target, table, rowKeyOf(prefix, placeOf(table, key)), null, key, regulars, scope, at)
      } else if (clustering.isWholeKey) {
        // Of its row it takes what other statements of a conditional batch write too, in whatever order; of its partition it does not.
        const deletion = table.clustering.length > 0 ? { timestamp: at.timestamp, deletedAt: scope.nowSeconds } : deletionAt(at, scope)
        for (const key of rowKeys(scope)) writeRowDeletion(target, rowKeyOf(prefix, placeOf(table, key)), key, deletion)
      } else writeDeletions(target, prefix, deletionsOf(scope, at))
    }
  }
  const deletionsOf = (scope: Scope, at: Times): PartitionDeletions => {
    const deletion = deletionAt(at, scope)
    if (!clustering.isRestricted) return { partition: deletion, ranges: [] }
    return { partition: null, ranges: clustering.slices(scope).map((slice) => ({ ...deletion, ...slice })) }
  }
  return {
    write,
    prefixes: (scope) => partitionKeysOf(table, where, scope).map((parts) => partitionOf(table, parts)),
    rowKey: (scope) => {
      const parts = partitionKeysOf(table, where, scope)[0]
      const key = isStaticOnly ? undefined : rowKeys(scope)[0]
      if (!parts) throw invalid('A condition is about one row')
      return rowKeyOf(partitionOf(table, parts), key ? placeOf(table, key) : places.static)
    },
    isStaticOnly,
    writesStatics: statics.length > 0,
    readsFirst: cells.some(({ readsFirst }) => readsFirst),
    keyMarkers: where.keyMarkers,
  }
}

function compileDeleted(
  table: Table,
  name: string,
  element: DeleteStatement['columns'][number]['element'],
  context: TermContext,
): CompiledAssignment {
  const column = columnNamed(table, name)
  if (column.kind === 'partition_key' || column.kind === 'clustering')
    throw invalid(`Invalid identifier ${name} for deletion (should not be a PRIMARY KEY part)`)
  const { id, type } = column
  if (!element) {
    const kind = isMultiCell(column) ? 'collection-deletion' : 'tombstone'
    return { column, write: (rows, scope, { timestamp }) => rows.cell({ ...tombstone(id, timestamp, scope), kind }) }
  }
  if (isMultiCell(column) && type.is === 'list') return deleteAtIndex(element, column, context)
  if (!isMultiCell(column) || (type.is !== 'map' && type.is !== 'set'))
    throw invalid(`Invalid deletion operation for non-frozen collection column ${name}`)
  const key = compileTerm(element, { name: `key(${name})`, type: type.is === 'map' ? type.key : type.of }, context)
  return {
    column,
    write: (rows, scope, { timestamp }) => {
      const path = key(scope)
      if (path === null || path === UNSET) throw invalid('Invalid null value for map key')
      rows.cell(tombstone(id, timestamp, scope, path))
    },
  }
}

function deletionAt({ timestamp }: Times, scope: Scope): Deletion {
  return { timestamp: scope.isConditional ? timestamp - 1n : timestamp, deletedAt: scope.nowSeconds }
}

function writeRowDeletion({ engine, rows }: Target, key: Uint8Array, clustering: readonly Uint8Array[], deletion: Deletion): void {
  engine.mutations.beginRecord(key)
  rows.begin(null, deletion, clustering)
  rows.end()
  engine.mutations.endRecord()
}

function writeDeletions({ engine }: Target, prefix: Buffer, deletions: PartitionDeletions): void {
  engine.mutations.beginRecord(rowKeyOf(prefix, places.deletions))
  encodeDeletions(engine.mutations, deletions)
  engine.mutations.endRecord()
}
