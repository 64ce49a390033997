import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureTable } from '../../src/connectors/index.ts'
import type { CassandraEndpoint, TableDef } from '../../src/core/index.ts'
import { connectCassandra, type CassandraSession } from '../../src/cql-client/index.ts'
import { MillraceError } from '../../src/platform/index.ts'
import { makeAuthority } from '../../tools/engines/certificates.ts'
import { engines, type SecuredCassandraEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'
import { openSink, userRows, usersTable, write, writeUntilDone } from './cassandra-users.ts'

const STARTS_WITHIN_MS = 600_000

type Settings = Partial<CassandraEndpoint>

function endpointOf({ contactPoint, tls, superuser }: SecuredCassandraEngine, settings: Settings = {}): CassandraEndpoint {
  const given = { tls, credentials: superuser, ...settings }
  return { contactPoints: [contactPoint], localDataCenter: 'datacenter1', consistency: 'LOCAL_QUORUM', ...given }
}

/** Settings without one that the others have. */
function without(endpoint: CassandraEndpoint, name: 'tls' | 'credentials'): CassandraEndpoint {
  const { [name]: _left, ...rest } = endpoint
  return rest
}

async function failureOf(promise: Promise<unknown>): Promise<MillraceError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** Runs what an error told to run. */
async function runScript(session: CassandraSession, script: string): Promise<void> {
  for (const statement of script.split(';').filter((text) => text.trim() !== '')) await session.changeSchema(statement)
}

describeOn(['cassandra5Secured'], 'Cassandra with users, rights and mTLS', () => {
  let cassandra: SecuredCassandraEngine
  let admin: CassandraSession

  beforeAll(async () => {
    cassandra = await engines.cassandra5Secured()
    admin = await connectCassandra(endpointOf(cassandra))
    await admin.changeSchema("CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  }, STARTS_WITHIN_MS)
  afterAll(async () => {
    await admin?.close()
    await cassandra?.[Symbol.asyncDispose]()
  })

  describe('a connection', () => {
    test('with the right certificate and password writes by our own frames and reads by the npm driver', async () => {
      const endpoint = endpointOf(cassandra)
      const table = usersTable('shop', 'connected')
      expect(await ensureTable({ endpoint, table, autoCreate: true, autoEvolve: 'off' })).toEqual({ created: true, added: [] })
      await using sink = await openSink(endpoint, table)
      expect(await writeUntilDone(sink, userRows(0, 2_000), 30_000)).toEqual({ written: 2_000, refused: 0, unavailable: [] })
      await using session = await connectCassandra(endpoint)
      expect((await session.query('SELECT count(*) AS users FROM shop.connected')).rows).toEqual([{ users: '2000' }])
      expect(await session.count('shop', 'connected')).toBe(2_000)
    })

    test('with a wrong password, or none, is refused with the name of the user and without the password', async () => {
      const wrong = { username: 'limited', password: 'not-the-password' }
      const error = await failureOf(connectCassandra(endpointOf(cassandra, { credentials: wrong })))
      expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', retriable: false, message: expect.stringContaining('user limited') })
      expect(JSON.stringify(error)).not.toContain(wrong.password)
      const none = await failureOf(connectCassandra(without(endpointOf(cassandra), 'credentials')))
      expect(none).toMatchObject({ code: 'AUTHENTICATION_FAILED', message: expect.stringContaining('asks for a user name and password') })
    })

    test('by the default password of the superuser is refused (P8)', async () => {
      const credentials = { username: 'cassandra', password: 'cassandra' }
      expect(await failureOf(connectCassandra(endpointOf(cassandra, { credentials })))).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    })

    test('whose role is dropped under it is told so by the npm driver, which connects later', async () => {
      await admin.query("CREATE ROLE fickle WITH LOGIN = true AND PASSWORD = 'first'")
      const session = await connectCassandra(endpointOf(cassandra, { credentials: { username: 'fickle', password: 'first' } }))
      await admin.query('DROP ROLE fickle')
      const error = await failureOf(session.query('SELECT release_version FROM system.local'))
      expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', message: expect.stringContaining('user fickle') })
      expect(error.message).not.toContain('first')
      await session.close()
    })

    test('without what TLS needs says what to set', async () => {
      const { ca, cert, key } = cassandra.tls
      const stranger = await (await makeAuthority('Somebody else')).issue({ name: 'stranger', dns: ['client'], ips: [] })
      const failed = (tls: CassandraEndpoint['tls']) => failureOf(connectCassandra(endpointOf(cassandra, tls ? { tls } : {})))
      expect(await failed({ ca })).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('Set tls.cert and tls.key.') })
      expect(await failed({ cert, key })).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('Set tls.ca') })
      expect(await failed({ ca, ...stranger })).toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('authority of tls.cert'),
      })
      expect(await failed({ ca, cert, key, serverName: 'elsewhere' })).toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('certificate is for DNS:localhost, IP Address:127.0.0.1. Set tls.serverName'),
      })
      const plain = await failureOf(connectCassandra(without(endpointOf(cassandra), 'tls')))
      expect(plain).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('if it speaks TLS, set tls') })
    })
  })

  describe('a role of limited rights', () => {
    const limited = () => endpointOf(cassandra, { credentials: cassandra.limited })
    const ensure = (table: TableDef, options: { autoCreate: boolean; autoEvolve?: 'off' | 'add-columns' }) =>
      ensureTable({ endpoint: limited(), table, autoEvolve: 'off', ...options })

    test.each([true, false])(
      'takes a table that is there and fits, and writes to it as soon as it may (autoCreate: %s)',
      async (autoCreate) => {
        const table = usersTable('shop', `granted_${autoCreate}`)
        await ensureTable({ endpoint: endpointOf(cassandra), table, autoCreate: true, autoEvolve: 'off' })
        expect(await ensure(table, { autoCreate, autoEvolve: 'add-columns' })).toEqual({ created: false, added: [] })
        await using sink = await openSink(limited(), table)
        const refused = await write(sink, userRows(0, 300))
        // The sink is sick, no record is: nothing goes to the dead letters (P6).
        expect(refused).toMatchObject({
          is: 'unavailable',
          error: { code: 'AUTHENTICATION_FAILED', details: { role: 'limited', permission: 'MODIFY' } },
        })
        const grant = refused.is === 'unavailable' ? String(refused.error.details.grant) : ''
        expect(grant).toBe(`GRANT MODIFY ON TABLE "shop"."${table.name}" TO "limited"`)
        await admin.query(grant)
        expect(await writeUntilDone(sink, userRows(0, 300), 30_000)).toMatchObject({ written: 300, refused: 0 })
      },
    )

    test('that may not read a table is told the GRANT that lets it', async () => {
      const table = usersTable('shop', 'secret')
      await ensureTable({ endpoint: endpointOf(cassandra), table, autoCreate: true, autoEvolve: 'off' })
      await using session = await connectCassandra(limited())
      for (const read of [() => session.count('shop', 'secret'), () => session.query('SELECT * FROM shop.secret')]) {
        const grant = 'GRANT SELECT ON TABLE "shop"."secret" TO "limited"'
        expect(await failureOf(read())).toMatchObject({
          details: { grant },
          message: expect.stringContaining(`Have an administrator run: ${grant};`),
        })
      }
    })

    test('gets the statements that make a missing table, and goes on once an administrator has run them', async () => {
      const table = usersTable('loaded')
      const cql = [
        "CREATE KEYSPACE IF NOT EXISTS loaded WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};",
        'CREATE TABLE IF NOT EXISTS loaded.users (id uuid, name text, version int, PRIMARY KEY ((id)));',
      ].join(' ')
      expect(await failureOf(ensure(table, { autoCreate: false }))).toMatchObject({ code: 'NOT_FOUND', details: { cql } })
      const error = await failureOf(ensure(table, { autoCreate: true }))
      expect(error).toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        details: { cql: `${cql} GRANT MODIFY ON TABLE loaded.users TO limited; GRANT SELECT ON TABLE loaded.users TO limited;` },
      })
      await runScript(admin, String(error.details.cql))
      expect(await ensure(table, { autoCreate: true })).toEqual({ created: false, added: [] })
      await using sink = await openSink(limited(), table)
      expect(await writeUntilDone(sink, userRows(0, 10), 30_000)).toMatchObject({ written: 10 })
    })

    test.each(['off', 'add-columns'] as const)('gets the statements that add missing columns (autoEvolve: %s)', async (autoEvolve) => {
      const narrow = usersTable('shop', `narrow_${autoEvolve.replace('-', '_')}`)
      const name = `shop.${narrow.name}`
      await ensureTable({ endpoint: endpointOf(cassandra), table: narrow, autoCreate: true, autoEvolve: 'off' })
      const added = ['email', 'order'].map((column) => ({ name: column, type: { is: 'text' } as const, nullable: true }))
      const wide = { ...narrow, columns: [...narrow.columns, ...added] }
      const cql = `ALTER TABLE ${name} ADD email text; ALTER TABLE ${name} ADD "order" text;`
      const error = await failureOf(ensure(wide, { autoCreate: true, autoEvolve }))
      expect(error).toMatchObject({ code: autoEvolve === 'off' ? 'TABLE_MISMATCH' : 'AUTHENTICATION_FAILED', details: { cql } })
      await runScript(admin, cql)
      expect(await ensure(wide, { autoCreate: false })).toEqual({ created: false, added: [] })
    })
  })

  test('a server that asks for no client certificate takes a client with the authority alone', { timeout: STARTS_WITHIN_MS }, async () => {
    await using open = await engines.cassandra5Secured({ requireClientCertificate: false })
    await using session = await connectCassandra(endpointOf(open, { tls: { ca: open.tls.ca } }))
    expect((await session.query('SELECT cluster_name FROM system.local')).rows).toEqual([{ cluster_name: 'millrace' }])
  })
})
