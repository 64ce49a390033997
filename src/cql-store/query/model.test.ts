import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, types } from 'cassandra-driver'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'

/**
 * Statements with random timestamps, carried out in any order, against a model that keeps every write and asks, cell by cell, which one
 * counts: the newest; on equal times a deletion, then the larger value.
 */
type Put = { is: 'insert' | 'update'; a: number; b: number; v: string | null; w: string | null; at: number }
type Write =
  | Put
  | { is: 'delete-row'; a: number; b: number; at: number }
  | { is: 'delete-range'; a: number; from: number; to: number; at: number }
  | { is: 'delete-partition'; a: number; at: number }

const place = { a: fc.nat(1), b: fc.nat(3), at: fc.integer({ min: 1, max: 8 }) }
const value = fc.option(fc.constantFrom('x', 'y', 'z'))
const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constantFrom('insert', 'update'), ...place, v: value, w: value }) },
  fc.record({ is: fc.constant('delete-row'), ...place }),
  fc.record({ is: fc.constant('delete-range'), a: place.a, from: fc.nat(3), to: fc.nat(3), at: place.at }),
  fc.record({ is: fc.constant('delete-partition'), a: place.a, at: place.at }),
)

const dataDir = mkdtempSync(join(tmpdir(), 'cql-model-'))
let store: CqlStoreHandle
let client: Client

async function connect(): Promise<void> {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  client = new Client({ contactPoints: [`127.0.0.1:${store.port}`], localDataCenter: 'datacenter1' })
  await client.connect()
}

beforeAll(async () => {
  await connect()
  await client.execute("CREATE KEYSPACE m WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await client.execute(
    'CREATE TABLE m.t (run int, a int, b int, v text, w text, PRIMARY KEY ((run, a), b)) WITH CLUSTERING ORDER BY (b DESC)',
  )
})
afterAll(async () => {
  await client.shutdown()
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

function carryOut(run: number, each: Write): Promise<types.ResultSet> {
  const execute = (query: string, parameters: unknown[]): Promise<types.ResultSet> => client.execute(query, parameters, { prepare: true })
  const at = types.Long.fromNumber(each.at)
  switch (each.is) {
    case 'insert':
      return execute('INSERT INTO m.t (run, a, b, v, w) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?', [
        run,
        each.a,
        each.b,
        each.v,
        each.w,
        at,
      ])
    case 'update':
      return execute('UPDATE m.t USING TIMESTAMP ? SET v = ?, w = ? WHERE run = ? AND a = ? AND b = ?', [
        at,
        each.v,
        each.w,
        run,
        each.a,
        each.b,
      ])
    case 'delete-row':
      return execute('DELETE FROM m.t USING TIMESTAMP ? WHERE run = ? AND a = ? AND b = ?', [at, run, each.a, each.b])
    case 'delete-range':
      return execute('DELETE FROM m.t USING TIMESTAMP ? WHERE run = ? AND a = ? AND b >= ? AND b < ?', [
        at,
        run,
        each.a,
        each.from,
        each.to,
      ])
    case 'delete-partition':
      return execute('DELETE FROM m.t USING TIMESTAMP ? WHERE run = ? AND a = ?', [at, run, each.a])
  }
}

function expected(writes: readonly Write[]): unknown[][] {
  const rows: unknown[][] = []
  for (const a of [0, 1]) {
    for (const b of [3, 2, 1, 0]) {
      const own = writes.filter(
        (each) => each.a === a && (!('b' in each) || each.b === b) && (each.is !== 'delete-range' || (each.from <= b && b < each.to)),
      )
      const deletedAt = Math.max(0, ...own.filter(({ is }) => is.startsWith('delete')).map(({ at }) => at))
      const puts = own.filter((each): each is Put => each.is === 'insert' || each.is === 'update').filter(({ at }) => at > deletedAt)
      const cell = (column: 'v' | 'w'): string | null =>
        puts.toSorted((x, y) => y.at - x.at || rank(y[column]) - rank(x[column]))[0]?.[column] ?? null
      const [v, w] = [cell('v'), cell('w')]
      if (v !== null || w !== null || puts.some(({ is }) => is === 'insert')) rows.push([a, b, v, w])
    }
  }
  return rows
}

/** On equal times: null (a tombstone) before every value, then the larger one. */
function rank(text: string | null): number {
  return text === null ? 1_000 : text.charCodeAt(0)
}

async function found(run: number): Promise<unknown[][]> {
  const both = await Promise.all(
    [0, 1].map((a) => client.execute('SELECT a, b, v, w FROM m.t WHERE run = ? AND a = ?', [run, a], { prepare: true })),
  )
  return both.flatMap(({ rows }) => rows.map((row) => row.values()))
}

describe('reconciliation', () => {
  it('is what a model of all writes says, before and after a restart', async () => {
    const runs: { run: number; writes: Write[] }[] = []
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 12 }), async (writes) => {
        const run = runs.length
        runs.push({ run, writes })
        await Promise.all(writes.map((each) => carryOut(run, each)))
        expect(await found(run)).toEqual(expected(writes))
      }),
      { numRuns: 120 },
    )
    await client.shutdown()
    await store.close()
    await connect()
    for (const { run, writes } of runs) expect(await found(run)).toEqual(expected(writes))
  })
})
