import { tableId, type Batch, type Endpoints, type Outcome, type Sink, type SinkResult, type TableDef } from '../../core/index.ts'
import type { CassandraSession, CqlValue, RowWriter } from '../../cql-client/index.ts'
import { MillraceError, Releasers, type Logger } from '../../platform/index.ts'
import { cqlTypeOf } from './cql-type.ts'
import { columnConverter, type Converted } from './cql-value.ts'
import { openSession } from './session.ts'

export interface CassandraSinkOptions {
  table: TableDef
  endpoint: Endpoints['cassandra']
  log?: Logger
  /** Ends the attempt to connect. */
  signal?: AbortSignal
}

type Row = Readonly<Record<string, unknown>>

/**
 * Rows into a Cassandra table. All columns are written, a missing optional one as null, with the record's write time (P2);
 * a value that is none of its column's type refuses its row alone (P6). NOT_FOUND without the table, TABLE_MISMATCH when its columns differ.
 */
export async function openCassandraSink({ table, endpoint, log, signal }: CassandraSinkOptions): Promise<Sink<Row>> {
  const columns = table.columns.map(({ name, type }) => ({ name, type: cqlTypeOf(type) }))
  const releasers = new Releasers()
  try {
    const session: CassandraSession = await openSession(endpoint, { log, signal })
    releasers.add('session', () => session.close())
    const writer = await session.writer({ keyspace: table.keyspace, table: table.name, columns })
    releasers.add('writer', () => writer.close())
    return cassandraSink(table, writer, () => releasers.close())
  } catch (error) {
    await releasers.close()
    throw error
  }
}

/** The sink on a writer of exactly the table's columns, in their order. */
export function cassandraSink(table: TableDef, writer: Pick<RowWriter, 'write'>, close: () => Promise<void>): Sink<Row> {
  return new CassandraSink(table, writer, close)
}

interface Column {
  name: string
  convert: (value: unknown) => Converted
}

class CassandraSink implements Sink<Row> {
  readonly #table: string
  readonly #columns: readonly Column[]
  readonly #writer: Pick<RowWriter, 'write'>
  readonly #close: () => Promise<void>

  constructor(table: TableDef, writer: Pick<RowWriter, 'write'>, close: () => Promise<void>) {
    const keys = new Set([...table.partitionKey, ...table.clusteringKey.map(({ column }) => column)])
    this.#table = tableId(table)
    this.#columns = table.columns.map((field) => ({ name: field.name, convert: columnConverter(field, { isKey: keys.has(field.name) }) }))
    this.#writer = writer
    this.#close = close
  }

  async write(rows: readonly Row[], from: Batch, rowToRecord: Uint32Array, signal: AbortSignal): Promise<SinkResult> {
    const outcomes: Outcome[] = []
    const values: CqlValue[][] = []
    const indexes: number[] = []
    const micros = new BigInt64Array(rows.length)
    for (const [index, row] of rows.entries()) {
      const converted = this.#convert(row)
      if (converted instanceof MillraceError) {
        outcomes[index] = { is: 'refused', error: converted }
        continue
      }
      // P2: the record's own write time, so that writing it again, or late, changes nothing.
      micros[values.length] = from.writeMicros[rowToRecord[index] ?? 0] ?? 0n
      values.push(converted)
      indexes.push(index)
    }
    if (values.length === 0) return { is: 'done', outcomes }
    const result = await this.#writer.write(values, micros.subarray(0, values.length), signal)
    if (result.is === 'unavailable') return result
    for (const [at, index] of indexes.entries()) outcomes[index] = result.outcomes[at] ?? this.#lost()
    return { is: 'done', outcomes }
  }

  close(): Promise<void> {
    return this.#close()
  }

  #convert(row: Row): CqlValue[] | MillraceError {
    const values: CqlValue[] = []
    for (const { name, convert } of this.#columns) {
      const converted = convert(row[name])
      if (!converted.ok) {
        return new MillraceError('RECORD_REFUSED', `${this.#table}: column ${name} ${converted.problem}.`, {
          details: { table: this.#table, column: name },
        })
      }
      values.push(converted.value)
    }
    return values
  }

  #lost(): Outcome {
    return { is: 'refused', error: new MillraceError('INTERNAL', `${this.#table}: the writer gave no outcome for this row.`) }
  }
}
