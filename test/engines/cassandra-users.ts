import { openCassandraSink } from '../../src/connectors/index.ts'
import type { Batch, CassandraEndpoint, Sink, SinkResult, TableDef } from '../../src/core/index.ts'

/** A table for suites that write through our sink. */
export function usersTable(keyspace: string, name = 'users'): TableDef {
  return {
    kind: 'cassandra',
    keyspace,
    name,
    schema: 'User',
    columns: [
      { name: 'id', type: { is: 'uuid' }, nullable: false },
      { name: 'name', type: { is: 'text' }, nullable: true },
      { name: 'version', type: { is: 'int32' }, nullable: false },
    ],
    partitionKey: ['id'],
    clusteringKey: [],
  }
}

export interface UserRow extends Record<string, unknown> {
  readonly id: string
  readonly name: string
  readonly version: number
}

/** Users `from` to `from + count − 1`: the same number is always the same user. */
export function userRows(from: number, count: number, version = 1): UserRow[] {
  return Array.from({ length: count }, (_, i) => {
    const digits = (from + i).toString(16).padStart(12, '0')
    return { id: `00000000-0000-4000-8000-${digits}`, name: `user ${from + i}`, version }
  })
}

/** A sink as a stream opens one. */
export async function openSink(endpoint: CassandraEndpoint, table: TableDef): Promise<Sink<Record<string, unknown>> & AsyncDisposable> {
  const sink = await openCassandraSink({ table, endpoint })
  return {
    write: (rows, from, rowToRecord, signal) => sink.write(rows, from, rowToRecord, signal),
    close: () => sink.close(),
    [Symbol.asyncDispose]: () => sink.close(),
  }
}

/** One batch, each row of the write time that its version is. */
export function write(sink: Sink<Record<string, unknown>>, rows: readonly UserRow[]): Promise<SinkResult> {
  const from = batchOf(rows.map(({ version }) => BigInt(version) * 1_000n))
  return sink.write(
    rows,
    from,
    Uint32Array.from(rows, (_, i) => i),
    new AbortController().signal,
  )
}

/** What became of a batch that was sent until it was written, as a stream does. */
export interface Written {
  readonly written: number
  readonly refused: number
  /** The errors of the tries in between, their codes of CQL where they have one. */
  readonly unavailable: readonly string[]
}

export async function writeUntilDone(sink: Sink<Record<string, unknown>>, rows: readonly UserRow[], timeoutMs: number): Promise<Written> {
  const deadlineMs = performance.now() + timeoutMs
  const unavailable: string[] = []
  for (;;) {
    const result = await write(sink, rows)
    if (result.is === 'done') {
      const written = result.outcomes.filter(({ is }) => is === 'written').length
      return { written, refused: result.outcomes.length - written, unavailable }
    }
    unavailable.push(String(result.error.details.cqlError ?? result.error.code))
    if (performance.now() > deadlineMs) throw new Error(`still unavailable: ${unavailable.join(', ')}`)
    await new Promise((resolve) => setTimeout(resolve, result.retryAfterMs ?? 200))
  }
}

function batchOf(micros: readonly bigint[]): Batch {
  const count = micros.length
  return {
    topic: 'users',
    partition: 0,
    leaderEpoch: 0,
    bytes: new Uint8Array(),
    count,
    keyAt: new Int32Array(2 * count).fill(-1),
    valueAt: new Int32Array(2 * count).fill(-1),
    offsets: BigInt64Array.from(micros, (_, i) => BigInt(i)),
    timestampMs: new Float64Array(count),
    writeMicros: BigInt64Array.from(micros),
    headers: () => [],
    nextOffset: BigInt(count),
    highWatermark: BigInt(count),
  }
}
