import { cqlNamePattern, definition, type Defined, type SchemaDef, type TableDef } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { OutputOf, Schema, Shape } from './schema.ts'
import type { KeyField } from './topic.ts'

/** Phantom types: the rows it takes, and the columns `P` of its partition key and `C` of its clustering key, by which rows are read. */
export interface CassandraTable<Row, P extends string = string, C extends string = string> extends Defined<{
  is: 'table'
  def: TableDef
  schema: SchemaDef
}> {
  readonly keyspace: string
  readonly name: string
  readonly acceptsRow?: (row: Row) => void
  readonly keyedBy?: () => { partition: P; clustering: C }
}

export interface CassandraTableOptions<
  S extends Shape,
  P extends KeyField<OutputOf<S>> = KeyField<OutputOf<S>>,
  C extends KeyField<OutputOf<S>> = KeyField<OutputOf<S>>,
> {
  row: Schema<S>
  /** At least one column; all rows of a partition key live together. */
  partitionKey: readonly [P, ...P[]]
  /** Columns that order the rows of a partition, ascending unless `{ column, order: 'desc' }`. */
  clusteringKey?: readonly (C | { column: C; order: 'asc' | 'desc' })[]
}

/** @throws MillraceError DEFINITION_INVALID for names that CQL would need quotes for, or a key column that is not there */
export function cassandraTable<S extends Shape, P extends KeyField<OutputOf<S>>, C extends KeyField<OutputOf<S>> = never>(
  keyspace: string,
  name: string,
  options: CassandraTableOptions<S, P, C>,
): CassandraTable<OutputOf<S>, P, C> {
  const { def: schema } = options.row[definition]
  const clusteringKey = (options.clusteringKey ?? []).map((entry) =>
    typeof entry === 'object' ? entry : { column: entry, order: 'asc' as const },
  )
  const def: TableDef = {
    kind: 'cassandra',
    keyspace,
    name,
    schema: schema.name,
    columns: schema.fields,
    partitionKey: [...options.partitionKey],
    clusteringKey,
  }
  check(def)
  return { keyspace, name, [definition]: { is: 'table', def, schema } }
}

function check(def: TableDef): void {
  const where = `table ${def.keyspace}.${def.name}`
  const columns = new Set(def.columns.map((column) => column.name))
  for (const name of [def.keyspace, def.name, ...columns]) {
    if (!cqlNamePattern.test(name)) {
      throw new MillraceError(
        'DEFINITION_INVALID',
        `${where}: "${name}" is not a CQL name; use a lower-case letter, then letters, digits and "_", at most 48.`,
      )
    }
  }
  if (def.partitionKey.length === 0)
    throw new MillraceError('DEFINITION_INVALID', `${where}: partitionKey is empty; name at least one column.`)
  const keys = [...def.partitionKey, ...def.clusteringKey.map((entry) => entry.column)]
  for (const [i, key] of keys.entries()) {
    if (!columns.has(key)) throw new MillraceError('DEFINITION_INVALID', `${where}: key column "${key}" is not in schema ${def.schema}.`)
    if (keys.indexOf(key) !== i) throw new MillraceError('DEFINITION_INVALID', `${where}: column "${key}" is in the key twice.`)
  }
}
