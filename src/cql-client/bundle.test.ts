import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeAstra, type FakeAstra, type FakeAstraOptions } from '../../test/harness/astra.ts'
import { zipOf } from '../../test/harness/zip.ts'
import { startCqlStore, type CqlStoreHandle } from '../cql-store/index.ts'
import { connectCassandra, type CassandraConnectOptions, type CassandraSession } from './index.ts'

const releasers = new AsyncDisposableStack()
const folder = mkdtempSync(join(tmpdir(), 'millrace-bundle-'))
let store: CqlStoreHandle
let hostId = ''

beforeAll(async () => {
  releasers.defer(() => rmSync(folder, { recursive: true, force: true }))
  store = await startCqlStore({ dataDir: folder, host: '127.0.0.1', port: 0 })
  releasers.defer(() => store.close())
  await using session = await connectCassandra({ contactPoints: [store.address], localDataCenter: 'datacenter1' })
  hostId = String((await session.query("SELECT host_id FROM system.local WHERE key = 'local'")).rows[0]?.host_id)
  await session.changeSchema("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await session.changeSchema('CREATE TABLE ks.users (id uuid PRIMARY KEY, name text)')
})
afterAll(() => releasers.disposeAsync())

async function astra(options: Partial<FakeAstraOptions> = {}): Promise<FakeAstra> {
  return releasers.use(await startFakeAstra({ nodes: new Map([[hostId, { port: store.port }]]), ...options }))
}

async function connect(secureBundle: string, options: Partial<CassandraConnectOptions> = {}): Promise<CassandraSession> {
  return releasers.use(
    await connectCassandra({ contactPoints: [], localDataCenter: '', secureBundle, requestTimeoutMs: 5_000, ...options }),
  )
}

test('a bundle alone is enough to write, to change the schema and to query, all through the proxy', async () => {
  const { bundle, proxy } = await astra()
  const session = await connect(bundle)
  const columns = [{ name: 'id', type: { is: 'uuid' } }, { name: 'name', type: { is: 'text' } }] as const // prettier-ignore
  const writer = await session.writer({ keyspace: 'ks', table: 'users', columns })
  const id = '00000000-0000-4000-8000-000000000001'
  expect(await writer.write([[id, 'Ada']], BigInt64Array.of(1n), new AbortController().signal)).toMatchObject({ is: 'done' })
  await session.changeSchema('ALTER TABLE ks.users ADD email text')
  expect((await session.query('SELECT name, email FROM ks.users WHERE id = ?', { params: [id] })).rows).toEqual([
    { name: 'Ada', email: null },
  ])
  expect(proxy.asked.length).toBeGreaterThanOrEqual(3)
  expect(new Set(proxy.asked)).toEqual(new Set([hostId]))
})

test('a session that was cut off finds the nodes that the service tells of now', async () => {
  const nodes = new Map([['00000000-0000-4000-8000-00000000dead', { port: store.port }]])
  const { bundle, proxy, lookups } = await astra({ nodes })
  const session = await connect(bundle)
  const release = (): Promise<unknown> => session.query('SELECT release_version FROM system.local')
  await release()
  nodes.clear()
  nodes.set(hostId, { port: store.port })
  proxy.cutAll()
  expect(await session.keyspaces()).toContain('ks')
  expect(proxy.asked.at(-1)).toBe(hostId)
  await release()
  // Ours and the npm driver's, each at its start and once more.
  expect(lookups()).toBe(4)
})

test('the name and password of a bundle sign in, unless others are set', async () => {
  const credentials = { username: 'token', password: 'from the bundle' }
  const secured = mkdtempSync(join(tmpdir(), 'millrace-bundle-'))
  const guarded = await startCqlStore({ dataDir: secured, host: '127.0.0.1', port: 0, credentials })
  releasers.defer(async () => {
    await guarded.close()
    rmSync(secured, { recursive: true, force: true })
  })
  const { bundle } = await astra({ nodes: new Map([['any', { port: guarded.port }]]), credentials })
  const session = await connect(bundle)
  expect(await session.keyspaces()).toContain('system')
  const other = { username: 'somebody', password: 'else' }
  const error: unknown = await connect(bundle, { credentials: other }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', message: expect.stringContaining('refused user somebody') })
  expect(String(error)).not.toMatch(/else|from the bundle/)
})

test.each([
  ['refuses', { status: 403, body: '' }, { code: 'UNREACHABLE', retriable: false }],
  ['is not well', { status: 503, body: '' }, { code: 'UNREACHABLE', retriable: true }],
  ['says nothing of use', { status: 200, body: '{"contact_info":{"contact_points":[]}}' }, { code: 'PROTOCOL' }],
  ['speaks no JSON', { status: 200, body: '<html>' }, { code: 'PROTOCOL' }],
  ['never ends', { status: 200, body: 'x'.repeat(2_000_000) }, { code: 'PROTOCOL' }],
])('a metadata service that %s is told of', async (_what, metadata, error) => {
  const { bundle } = await astra({ metadata })
  const failed = connect(bundle)
  await expect(failed).rejects.toMatchObject(error)
  await expect(failed).rejects.toThrow(/metadata service localhost:\d+ of the secure connect bundle/)
})

test('a metadata service that is away may come back', async () => {
  const { bundle, [Symbol.asyncDispose]: end } = await startFakeAstra({ nodes: new Map() })
  const kept = join(folder, 'kept.zip')
  const { copyFileSync } = await import('node:fs')
  copyFileSync(bundle, kept)
  await end()
  await expect(connect(kept)).rejects.toMatchObject({ code: 'UNREACHABLE', retriable: true })
})

const whole = { 'config.json': '{"host":"localhost","port":1}', 'ca.crt': 'a', cert: 'b', key: 'secret' }
test.each([
  ['is not there', null, /there is no such file/],
  ['is no zip', Buffer.from('hello'), /cannot be read as a zip file: it has no end record/],
  ['lacks a file', zipOf({ 'config.json': whole['config.json'], cert: 'b' }), /it holds no ca\.crt, no key/],
  ['has no address', zipOf({ ...whole, 'config.json': '{"host":"localhost"}' }), /names no host and port/],
  ['has a config that is no JSON', zipOf({ ...whole, 'config.json': 'host=localhost' }), /names no host and port/],
  ['has no certificates', zipOf(whole), /tls\.ca is no certificate in PEM form/],
])('a bundle that %s is refused', async (_what, bytes, message) => {
  const path = join(folder, 'bundle.zip')
  rmSync(path, { force: true })
  if (bytes) writeFileSync(path, bytes)
  const failed = connect(path)
  await expect(failed).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await expect(failed).rejects.toThrow(message)
  await expect(failed).rejects.not.toThrow(/secret/)
})

test('certificates given beside a bundle are refused: it brings its own', async () => {
  const { bundle } = await astra()
  await expect(connect(bundle, { tls: {} })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
