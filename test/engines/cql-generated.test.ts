import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { errors, type Response } from '../../src/cql-wire/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../../src/cql-store/index.ts'
import { engines, type CassandraEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { comparable } from './cql-actions.ts'
import { randomOf } from './cql-generator.ts'
import { StatementGenerator } from './cql-statements.ts'
import { connectRawCql, type RawCql } from './raw-cql.ts'

/** `MILLRACE_CQL_SEED` makes other statements, `MILLRACE_CQL_TABLES` more of them. */
const seed = Number(process.env['MILLRACE_CQL_SEED'] ?? 1)
const tables = Number(process.env['MILLRACE_CQL_TABLES'] ?? 64)
const statementsPerTable = 170
/** Tables that are worked on beside each other. */
const lanes = 4

interface Found {
  seed: number
  table: string
  statement: string
  ours: unknown
  theirs: unknown
  /** What had been written before. */
  written: string[]
}

/** Cassandra's own failures say nothing about what is right. */
function hasFailed(answer: Response): boolean {
  return answer.opcode === 'ERROR' && (answer.code === errors.READ_FAILURE || answer.code === errors.SERVER_ERROR)
}

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

  /** Statements on one table, until the two differ. */
  async function compareOnTable(number: number): Promise<{ asked: number; failed: number; found: Found | null }> {
    const generator = new StatementGenerator(randomOf(seed * 1000 + number), `g.t${number}`)
    const { create } = generator.table
    const written: string[] = []
    let failed = 0
    for (let asked = 0; asked <= statementsPerTable; asked++) {
      const statement = asked === 0 ? create : generator.next()
      const [our, their] = await Promise.all([ours.query(statement), theirs.query(statement)])
      if (hasFailed(their)) failed++
      else if (!isDeepStrictEqual(comparable(our), comparable(their)))
        return { asked, failed, found: { seed, table: create, statement, ours: comparable(our), theirs: comparable(their), written } }
      if (!statement.startsWith('SELECT') && our.opcode !== 'ERROR') written.push(statement)
    }
    return { asked: statementsPerTable, failed, found: null }
  }

  test('give the same rows in the same order, and the same error codes', { timeout: 1_200_000 }, async () => {
    const found: Found[] = []
    let asked = 0
    let failed = 0
    let next = 0
    const work = async (): Promise<void> => {
      while (next < tables) {
        const result = await compareOnTable(next++)
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
