import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectCassandra, type CassandraSession } from '../../src/cql-client/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../../src/cql-store/index.ts'
import { MillraceError } from '../../src/platform/index.ts'
import { engines, type CassandraEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { cqlActions } from './cql-actions.ts'
import { cqlDateFamilies } from './data/cql-date-statements.ts'
import { cqlFunctionFamilies } from './data/cql-function-statements.ts'
import { cqlIndexFamilies } from './data/cql-index-statements.ts'
import { cqlOptionFamilies } from './data/cql-option-statements.ts'
import { cqlFamilies } from './data/cql-statements.ts'
import { cqlDifferences, unsupportedCql } from './differences.ts'
import { connectRawCql, type RawCql } from './raw-cql.ts'

/** What a statement did: rows with their columns and types, in order, or the protocol's error code. */
type Answer = { columns: string[]; rows: string[] } | { error: string; refused?: string }

async function ask(session: CassandraSession, statement: string): Promise<Answer> {
  try {
    const { columns, rows } = await session.query(statement)
    return { columns: columns.map(({ name, type }) => `${name} ${type}`), rows: rows.map((row) => JSON.stringify(row)) }
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    const refused = /^INVALID: (.+) is not supported by Millrace's table store/.exec(error.message)?.[1]
    return { error: String(error.details.cqlError ?? error.message), ...(refused === undefined ? {} : { refused }) }
  }
}

describeOn(['cassandra5'], 'the table store beside Cassandra 5', () => {
  const families = [...cqlFamilies, ...cqlFunctionFamilies, ...cqlDateFamilies, ...cqlIndexFamilies, ...cqlOptionFamilies]
  const meant = new Set(cqlDifferences.map((difference) => difference.of))
  /** Features that were refused by name. */
  const refused = new Set<string>()
  const dir = mkdtempSync(join(tmpdir(), 'millrace-differential-'))
  let cassandra: CassandraEngine
  let store: CqlStoreHandle
  let theirs: CassandraSession
  let ours: CassandraSession
  let rawTheirs: RawCql
  let rawOurs: RawCql

  beforeAll(async () => {
    cassandra = await engines.cassandra5()
    store = await startCqlStore({ dataDir: dir, host: '127.0.0.1', port: 0, flush: 'os' })
    theirs = await connectCassandra({ contactPoints: [cassandra.contactPoint], localDataCenter: 'datacenter1' })
    ours = await connectCassandra({ contactPoints: [`127.0.0.1:${store.port}`], localDataCenter: 'datacenter1' })
    rawTheirs = await connectRawCql(cassandra.contactPoint)
    rawOurs = await connectRawCql(`127.0.0.1:${store.port}`)
  }, 600_000)
  afterAll(async () => {
    rawOurs[Symbol.dispose]()
    rawTheirs[Symbol.dispose]()
    await ours.close()
    await theirs.close()
    await store.close()
    await cassandra[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  test.each(families)('answers the same: $name', { timeout: 240_000 }, async ({ statements }) => {
    const found: { statement: string; ours: Answer; theirs: Answer }[] = []
    for (const statement of statements) {
      const [our, their] = await Promise.all([ask(ours, statement), ask(theirs, statement)])
      if ('refused' in our && our.refused !== undefined && unsupportedCql[our.refused] !== undefined) {
        refused.add(our.refused)
        continue
      }
      const isSame = JSON.stringify(our) === JSON.stringify(their)
      if (isSame === meant.has(statement)) found.push({ statement, ours: our, theirs: their })
    }
    expect(found).toEqual([])
  })

  test('answers the same frames: prepared statements, pages, batches, times, consistencies, events', { timeout: 240_000 }, async () => {
    const found: { action: string; ours: unknown; theirs: unknown }[] = []
    for (const { name, run } of cqlActions) {
      const [our, their] = await Promise.all([run(rawOurs), run(rawTheirs)])
      if (isDeepStrictEqual(our, their) === meant.has(name)) found.push({ action: name, ours: our, theirs: their })
    }
    expect(found).toEqual([])
  })

  test('has no difference listed that is none any more', () => {
    expect(Object.keys(unsupportedCql).filter((feature) => !refused.has(feature))).toEqual([])
    const all = new Set([...families.flatMap(({ statements }) => statements), ...cqlActions.map(({ name }) => name)])
    expect([...meant].filter((statement) => !all.has(statement))).toEqual([])
  })
})
