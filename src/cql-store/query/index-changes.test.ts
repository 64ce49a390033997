import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'cassandra-driver'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { silentLogger, systemClock, systemDisk } from '../../platform/index.ts'
import { startCqlStore } from '../index.ts'
import { parseStatement } from '../lang/index.ts'
import { Catalogue, changeSchema } from '../schema/index.ts'
import { plain, RawClient } from '../server/raw-client.fixture.ts'
import { ByteWriter, writeRequest } from '../../cql-wire/index.ts'
import { spareBuffers } from '../spare-buffers.ts'
import { Engine, partitionPrefix, places, RowWriter, tableOfKey, withPlace } from '../storage/index.ts'
import { buildIndexes } from './index-build.ts'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cql-index-changes-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(dataDir, { recursive: true, force: true })
})

const schema = [
  "CREATE KEYSPACE i WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  'CREATE TABLE i.t (a int PRIMARY KEY, v int)',
]

describe('the building of an index', () => {
  it('waits as writers do while the sorted store is behind', async () => {
    const catalogue = Catalogue.open(systemDisk, dataDir)
    const options = { dataDir, disk: systemDisk, clock: systemClock, log: silentLogger, flush: 'os' as const, gcGraceSeconds: () => 0 }
    const { engine } = await Engine.open({ ...options, isLive: (table) => catalogue.isLive(table), isStale: () => false })
    const change = (query: string): void => {
      const { statement } = parseStatement(query)
      if (statement.is !== 'create-keyspace' && statement.is !== 'create-table' && statement.is !== 'create-index') throw new Error(query)
      changeSchema(catalogue, statement, null, 1n)
    }
    for (const query of schema) change(query)
    const [table] = catalogue.tables()
    const rows = new RowWriter(engine.mutations)
    engine.mutations.begin()
    engine.mutations.beginRecord(withPlace(partitionPrefix(table?.number ?? 0, 1n, Buffer.from([0, 0, 0, 1])), places.onlyRow))
    rows.begin({ timestamp: 1n, ttl: 0, expiresAt: 0 }, null, [])
    rows.end()
    engine.mutations.endRecord()
    await new Promise<void>((committed, refused) => engine.submit({ committed, refused }))
    const congested = vi.spyOn(engine, 'congested', 'get').mockReturnValue(true)
    const waiting: (() => void)[] = []
    vi.spyOn(engine, 'relief').mockImplementation((callback) => void waiting.push(callback))
    change('CREATE INDEX ON i.t (v)')
    const isBuilt = (): boolean => catalogue.tables()[0]?.indexes[0]?.progress.isBuilt ?? false
    const built = buildIndexes(catalogue, engine)
    await expect.poll(() => waiting.length, { timeout: 60_000 }).toBe(1)
    expect(isBuilt()).toBe(false)
    congested.mockReturnValue(false)
    waiting[0]?.()
    await built
    expect(isBuilt()).toBe(true)
    await engine.close()
  })
})

describe('a read', () => {
  it('by an index that is dropped meanwhile finds all rows', { timeout: 120_000 }, async () => {
    const count = 450
    const serve = (): ReturnType<typeof startCqlStore> => startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
    let store = await serve()
    const driver = new Client({ contactPoints: [store.address], localDataCenter: 'datacenter1' })
    await driver.connect()
    for (const query of [...schema, 'CREATE INDEX by_v ON i.t (v)']) await driver.execute(query)
    await Promise.all(Array.from({ length: count }, (_, a) => driver.execute(`INSERT INTO i.t (a, v) VALUES (${a}, 1)`)))
    await driver.shutdown()
    // All is in the sorted store then.
    await store.close()
    store = await serve()
    const range = Reflect.get(Engine.prototype, 'range')
    let reads = 0
    // The entries are removed after the first of them were read.
    vi.spyOn(Engine.prototype, 'range').mockImplementation(function (this: Engine, ...[start, ...rest]) {
      if (tableOfKey(start) !== 2) return range.call(this, start, ...rest)
      return ++reads === 1 ? range.call(this, start, ...rest) : []
    })
    using client = await RawClient.started(store.port)
    const out = new ByteWriter()
    const query = 'SELECT a FROM i.t WHERE v = 1 ALLOW FILTERING'
    writeRequest(out, 4, 1, { opcode: 'QUERY', query, parameters: plain })
    writeRequest(out, 4, 2, { opcode: 'QUERY', query: 'DROP INDEX i.by_v', parameters: plain })
    client.socket.write(out.copy())
    const answers = [await client.next(), await client.next()]
    const found = answers.find(({ header }) => header.stream === 1)?.response
    expect(reads).toBe(1)
    expect(found).toMatchObject({ kind: 'rows', rows: { length: count } })
    await store.close()
  })

  it('that finds nothing takes no memory for a page, however long the last was', { timeout: 60_000 }, async () => {
    await using store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
    using client = await RawClient.started(store.port)
    const [keyspace = ''] = schema
    for (const query of [keyspace, 'CREATE TABLE i.long (a int, b int, v blob, PRIMARY KEY (a, b))']) await client.query(query)
    const blob = `0x${'00'.repeat(300_000)}`
    for (let b = 0; b < 8; b++) await client.query(`INSERT INTO i.long (a, b, v) VALUES (1, ${b}, ${blob})`)
    const prepared = await client.ask({ opcode: 'PREPARE', query: 'SELECT v FROM i.long WHERE a = ?' })
    if (prepared.opcode !== 'RESULT' || prepared.kind !== 'prepared') throw new Error('not prepared')
    const { id: preparedId } = prepared
    const select = (a: number): Promise<unknown> => {
      const values = [Buffer.from([0, 0, 0, a])]
      return client.ask({ opcode: 'EXECUTE', preparedId, parameters: { ...plain, values, pageSize: 5_000 } })
    }
    expect(await select(1)).toMatchObject({ rows: { length: 8 } })
    const take = vi.spyOn(spareBuffers, 'take')
    expect(await select(2)).toMatchObject({ rows: { length: 0 } })
    expect(Math.max(0, ...take.mock.calls.map(([sizeBytes]) => sizeBytes))).toBeLessThan(128 * 1024)
  })
})
