import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCqlStore, type CqlStoreHandle } from './index.ts'

const cqlsh = process.env['MILLRACE_CQLSH'] ?? 'cqlsh'
const isInstalled = spawnSync(cqlsh, ['--version']).status === 0
if (!isInstalled) process.stderr.write(`left out: "${cqlsh}" is not installed (MILLRACE_CQLSH names it)\n`)

const dataDir = mkdtempSync(join(tmpdir(), 'cql-cqlsh-'))
let store: CqlStoreHandle
beforeAll(async () => {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function run(statements: string): Promise<string> {
  const { stdout } = await promisify(execFile)(cqlsh, ['127.0.0.1', String(store.port), '-e', statements])
  return stdout
}

describe.skipIf(!isInstalled)('cqlsh', () => {
  it('makes tables, writes, reads and describes them', async () => {
    await run(`CREATE KEYSPACE spark_streams WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
      CREATE TABLE spark_streams.created_users (id uuid PRIMARY KEY, email text);
      INSERT INTO spark_streams.created_users (id, email) VALUES (5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52, 'a@b.c');`)
    const selected = await run('CONSISTENCY QUORUM; select id, email from spark_streams.created_users limit 3')
    expect(selected).toContain('5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52 | a@b.c')
    expect(selected).toContain('(1 rows)')
    expect(await run('DESCRIBE KEYSPACES')).toContain('spark_streams')
    expect(await run('USE spark_streams; DESCRIBE TABLES')).toContain('created_users')
    const described = await run('DESCRIBE TABLE spark_streams.created_users')
    expect(described).toContain(
      'CREATE TABLE spark_streams.created_users (\n    id uuid PRIMARY KEY,\n    email text\n) WITH additional_write_policy',
    )
    await run('DROP TABLE spark_streams.created_users')
    await run(described.trim())
    expect(await run('DESCRIBE SCHEMA')).toContain(
      "CREATE KEYSPACE spark_streams WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}",
    )
  })
})
