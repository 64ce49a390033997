import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCqlStore, type CqlStoreHandle } from '../../src/cql-store/index.ts'
import { engines, type CassandraEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { judgeTable, type Found } from './cql-judge.ts'
import { connectRawCql, type RawCql } from './raw-cql.ts'

/** `MILLRACE_CQL_SEED` makes other statements, `MILLRACE_CQL_TABLES` more of them. */
const seed = Number(process.env['MILLRACE_CQL_SEED'] ?? 1)
const tables = Number(process.env['MILLRACE_CQL_TABLES'] ?? 70)
const statementsPerTable = 170
/** Tables that are worked on beside each other. */
const lanes = 8

describeOn(['cassandra5'], `generated statements on the table store and on Cassandra 5 (seed ${seed})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-generated-'))
  let cassandra: CassandraEngine
  let store: CqlStoreHandle
  let theirs: RawCql
  let ours: RawCql

  beforeAll(async () => {
    cassandra = await engines.cassandra5()
    store = await startCqlStore({ dataDir: dir, host: '127.0.0.1', port: 0, flush: 'os' })
    theirs = await connectRawCql(cassandra.contactPoint)
    ours = await connectRawCql(`127.0.0.1:${store.port}`)
    const keyspace = "CREATE KEYSPACE g WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    await Promise.all([ours.query(keyspace), theirs.query(keyspace)])
  }, 600_000)
  afterAll(async () => {
    ours[Symbol.dispose]()
    theirs[Symbol.dispose]()
    await store.close()
    await cassandra[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  test('give the same rows in the same order, and the same error codes', { timeout: 1_200_000 }, async () => {
    const found: Found[] = []
    let asked = 0
    let failed = 0
    let next = 0
    const work = async (): Promise<void> => {
      while (next < tables) {
        const result = await judgeTable(ours, theirs, seed, next++, statementsPerTable)
        asked += result.asked
        failed += result.failed
        if (result.found) found.push(result.found)
      }
    }
    await Promise.all(Array.from({ length: lanes }, work))
    console.log(`seed ${seed}: ${asked} statements on ${tables} tables, ${found.length} differ, ${failed} that Cassandra failed at`)
    expect(found).toEqual([])
    expect(failed).toBeLessThan(asked / 1000)
  })
})
