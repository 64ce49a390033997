import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectCassandra, type CassandraSession } from '../../cql-client/index.ts'
import { startCqlStore, type CqlStoreHandle } from '../index.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'cql-estimates-'))
let store: CqlStoreHandle
let session: CassandraSession

beforeAll(async () => {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  session = await connectCassandra({ contactPoints: [store.address], localDataCenter: 'datacenter1' })
  await session.changeSchema("CREATE KEYSPACE e WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
})
afterAll(async () => {
  await session.close()
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

/** A table of so many partitions of so many rows of about 1,000 bytes. */
async function fill(table: string, partitions: number, rowsEach: number): Promise<void> {
  await session.changeSchema(`CREATE TABLE e.${table} (a int, b int, v text, PRIMARY KEY (a, b))`)
  const columns = [{ name: 'a', type: { is: 'int' } }, { name: 'b', type: { is: 'int' } }, { name: 'v', type: { is: 'text' } }] as const // prettier-ignore
  await using writer = await session.writer({ keyspace: 'e', table, columns })
  const rows = Array.from({ length: partitions * rowsEach }, (_, i) => [i % partitions, i, 'x'.repeat(1000)])
  const micros = BigInt64Array.from(rows, (_, i) => BigInt(i + 1))
  expect(await writer.write(rows, micros, new AbortController().signal)).toMatchObject({ is: 'done' })
}

async function estimate(table: string): Promise<{ partitions: number; bytes: number }> {
  const select = 'SELECT range_start, range_end, partitions_count, mean_partition_size FROM system.size_estimates'
  const { rows } = await session.query(`${select} WHERE keyspace_name = 'e' AND table_name = '${table}'`)
  const [row] = rows
  // From the node's token to its token: the ring.
  expect(row).toMatchObject({ range_start: '-9223372036854775808', range_end: '-9223372036854775808' })
  return { partitions: Number(row?.['partitions_count']), bytes: Number(row?.['mean_partition_size']) }
}

describe('system.size_estimates', () => {
  it('counts what is small', async () => {
    await fill('small', 3, 10)
    const { partitions, bytes } = await estimate('small')
    expect(partitions).toBe(3)
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThan(11_000)
    const both = await session.query("SELECT range_type FROM system.table_estimates WHERE keyspace_name = 'e' AND table_name = 'small'")
    expect(both.rows.map((row) => row['range_type'])).toEqual(['local_primary', 'primary'])
  })

  it('is nearly right for what is large', async () => {
    await fill('large', 5_000, 1)
    const { partitions, bytes } = await estimate('large')
    expect(partitions).toBeGreaterThan(4_500)
    expect(partitions).toBeLessThan(5_500)
    expect(bytes).toBeGreaterThan(1_000)
    expect(bytes).toBeLessThan(1_100)
  })

  it('sees that there are many partitions where each has many rows, and none in an empty table', async () => {
    await fill('deep', 20, 200)
    const { partitions, bytes } = await estimate('deep')
    expect(partitions).toBeGreaterThan(10)
    expect(partitions).toBeLessThan(40)
    expect(bytes).toBeGreaterThan(100_000)
    await session.changeSchema('CREATE TABLE e.none (a int PRIMARY KEY)')
    expect(await estimate('none')).toEqual({ partitions: 0, bytes: 0 })
  })
})
