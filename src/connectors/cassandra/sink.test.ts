import { expect, test } from 'vitest'
import type { Field, TableDef } from '../../core/index.ts'
import type { CqlValue, Rows, WriteResult } from '../../cql-client/index.ts'
import { abortReason, MillraceError } from '../../platform/index.ts'
import { sinkConformance, type SinkSuite, type SinkUnderTest } from '../conformance/sink.ts'
import { cassandraSink } from './sink.ts'

const field = (name: string, type: Field['type'], nullable = false): Field => ({ name, type, nullable })
const table: TableDef = {
  kind: 'cassandra',
  keyspace: 'ks',
  name: 'users',
  schema: 'User',
  columns: [field('id', { is: 'uuid' }), field('version', { is: 'int32' }), field('note', { is: 'text' }, true)],
  partitionKey: ['id'],
  clusteringKey: [],
}

/** Last write wins, as Cassandra has it; in memory. */
function memoryTable({ ignoresWriteTime = false } = {}): SinkUnderTest & {
  stored: Map<string, { micros: bigint; values: readonly CqlValue[] }>
} {
  const stored = new Map<string, { micros: bigint; values: readonly CqlValue[] }>()
  let isAway = false
  const write = (rows: Rows, writeMicros: BigInt64Array, signal: AbortSignal): Promise<WriteResult> => {
    if (signal.aborted) return Promise.reject(abortReason(signal))
    if (isAway) return Promise.resolve({ is: 'unavailable', error: new MillraceError('UNREACHABLE', 'away') })
    if ('rowAt' in rows) throw new Error('rows come as values')
    for (const [i, values] of rows.entries()) {
      const micros = writeMicros[i] ?? 0n
      const key = typeof values[0] === 'string' ? values[0] : ''
      if (ignoresWriteTime || micros > (stored.get(key)?.micros ?? -1n)) stored.set(key, { micros, values })
    }
    return Promise.resolve({ is: 'done', outcomes: rows.map(() => ({ is: 'written' })) })
  }
  const close = (): Promise<void> => Promise.resolve()
  return {
    stored,
    sink: cassandraSink(table, { write }, close),
    read: (id) => {
      const values = stored.get(id)?.values
      return Promise.resolve(values ? Object.fromEntries(table.columns.map(({ name }, i) => [name, values[i]])) : null)
    },
    takeAway: () => {
      isAway = true
      return Promise.resolve()
    },
    [Symbol.asyncDispose]: close,
  }
}

const suite: Omit<SinkSuite, 'open'> = {
  row: (id, version) => ({ id, version, note: `version ${version}` }),
  refusedRow: (id) => ({ id, version: 'one', note: null }),
  ids: [1, 2, 3, 4].map((n) => `00000000-0000-4000-8000-00000000000${n}`),
}
const assert = { deepEqual: (actual: unknown, expected: unknown): void => expect(actual).toEqual(expected) }

sinkConformance(
  { test: (name, body) => test(`Cassandra sink: ${name}`, body), assert },
  { ...suite, open: () => Promise.resolve(memoryTable()) },
)

test('a sink that forgets the write time does not pass the suite', async () => {
  const bodies: [string, () => Promise<void>][] = []
  const collect = { test: (name: string, body: () => Promise<void>) => bodies.push([name, body]), assert }
  sinkConformance(collect, { ...suite, open: () => Promise.resolve(memoryTable({ ignoresWriteTime: true })) })
  const failed: string[] = []
  for (const [name, body] of bodies) await body().catch(() => failed.push(name))
  expect(failed).toEqual([
    'a later write time wins, an older one that comes late loses',
    'within one batch the write time decides, not the order of the rows',
    'the write time is that of the record a row came from',
  ])
})

test('all columns are written, a missing optional one as null, others are left out', async () => {
  const under = memoryTable()
  const batch = { count: 1, writeMicros: BigInt64Array.of(7n) }
  const [id = ''] = suite.ids
  await under.sink.write([{ id, version: 1, extra: true }], { ...emptyBatch, ...batch }, Uint32Array.of(0), new AbortController().signal)
  expect(under.stored.get(id)).toEqual({ micros: 7n, values: [id, 1, null] })
})

test('a refused row names its table, column and value', async () => {
  const under = memoryTable()
  const [id = ''] = suite.ids
  const result = await under.sink.write(
    [suite.refusedRow(id)],
    { ...emptyBatch, count: 1 },
    Uint32Array.of(0),
    new AbortController().signal,
  )
  expect(result).toMatchObject({
    is: 'done',
    outcomes: [{ is: 'refused', error: { code: 'RECORD_REFUSED', details: { column: 'version' } } }],
  })
  const error = result.is === 'done' && result.outcomes[0]?.is === 'refused' ? result.outcomes[0].error.message : ''
  expect(error).toBe('ks.users: column version is "one", not int32.')
})

const emptyBatch = {
  topic: 't',
  partition: 0,
  leaderEpoch: 0,
  bytes: new Uint8Array(),
  count: 0,
  keyAt: new Int32Array(),
  valueAt: new Int32Array(),
  offsets: new BigInt64Array(),
  timestampMs: new Float64Array(),
  writeMicros: new BigInt64Array(1),
  headers: () => [],
  nextOffset: 0n,
  highWatermark: 0n,
}
