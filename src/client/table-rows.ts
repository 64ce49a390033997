import type { CassandraTable } from '../authoring/index.ts'
import { columnConverter, cqlTypeOf, rowReader } from '../connectors/index.ts'
import { definition, tableId, type Consistency, type TableDef } from '../core/index.ts'
import type { ColumnIs, CqlValue } from '../cql-client/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { Systems } from './systems.ts'

/** The columns `K` of a row. */
export type KeyOf<Row, K extends string> = { readonly [Column in K & keyof Row]: Row[Column] }

export interface GetOptions {
  /** Default: `cassandra.readConsistency`. */
  consistency?: Consistency
}

export interface AllOptions extends GetOptions {
  /** Most rows, from the first on. Default: all of the partition. */
  limit?: number
}

interface CompiledTable {
  readonly columns: readonly string[]
  readonly read: (values: readonly CqlValue[]) => Record<string, unknown>
  readonly key: ReadonlyMap<string, (value: unknown) => ColumnIs>
}

/** Reads rows of tables by their keys, in the form that the row's schema describes. */
export class TableRows {
  readonly #systems: Systems
  readonly #tables = new WeakMap<TableDef, CompiledTable>()

  constructor(systems: Systems) {
    this.#systems = systems
  }

  /** Null: there is no such row. */
  async get<Row, P extends string, C extends string>(
    table: CassandraTable<Row, P, C>,
    key: KeyOf<Row, P | C>,
    options: GetOptions,
  ): Promise<Row | null> {
    const { def } = table[definition]
    const names = [...def.partitionKey, ...def.clusteringKey.map(({ column }) => column)]
    const [row] = await this.#rows(table, names, key, options)
    return row ?? null
  }

  async all<Row, P extends string, C extends string>(
    table: CassandraTable<Row, P, C>,
    partitionKey: KeyOf<Row, P>,
    options: AllOptions,
  ): Promise<Row[]> {
    const { limit } = options
    if (limit !== undefined && (!Number.isInteger(limit) || limit < 1 || limit >= 2 ** 31))
      throw new MillraceError('BAD_REQUEST', `all(…): limit is ${limit}; it is a whole number of at least 1.`)
    return this.#rows(table, table[definition].def.partitionKey, partitionKey, options)
  }

  async #rows<Row>(
    table: CassandraTable<Row>,
    names: readonly string[],
    key: Readonly<Record<string, unknown>>,
    options: AllOptions,
  ): Promise<Row[]> {
    const { def } = table[definition]
    const { columns, read, key: keyColumns } = this.#compiled(def)
    const foreign = Object.keys(key).find((name) => !names.includes(name))
    if (foreign !== undefined)
      throw new MillraceError('BAD_REQUEST', `${tableId(def)} is read by ${names.join(', ')}: "${foreign}" is no part of that.`)
    const where = names.flatMap((name) => keyColumns.get(name)?.(key[name]) ?? [])
    const session = await this.#systems.session()
    const found = await session.rows({ keyspace: def.keyspace, table: def.name, columns, where, ...options })
    // What the reader gives is what the schema describes: the table's type comes from the same definition.
    return found.map((values) => read(values) as Row)
  }

  #compiled(def: TableDef): CompiledTable {
    const known = this.#tables.get(def)
    if (known) return known
    const compiled: CompiledTable = {
      columns: def.columns.map(({ name }) => name),
      read: rowReader(def),
      key: new Map(
        def.columns.map((field) => {
          const convert = columnConverter(field, { isKey: true })
          const type = cqlTypeOf(field.type)
          const is = (given: unknown): ColumnIs => {
            const converted = convert(given)
            if (converted.ok) return { name: field.name, type, value: converted.value }
            throw new MillraceError('BAD_REQUEST', `${tableId(def)}: column ${field.name} ${converted.problem}.`, {
              details: { table: tableId(def), column: field.name },
            })
          }
          return [field.name, is]
        }),
      ),
    }
    this.#tables.set(def, compiled)
    return compiled
  }
}
