import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureTable } from '../../src/connectors/index.ts'
import type { CassandraEndpoint, TableDef } from '../../src/core/index.ts'
import { connectCassandra, type CassandraSession } from '../../src/cql-client/index.ts'
import { engines, type CassandraClusterEngine } from '../../tools/engines/index.ts'
import { startFakeAstra } from '../harness/astra.ts'
import { eventually } from '../harness/millrace.ts'
import { describeOn } from './available.ts'
import { openSink, userRows, usersTable, writeUntilDone, type UserRow } from './cassandra-users.ts'
import { writesOf } from './cassandra-writes.ts'

const STARTS_WITHIN_MS = 600_000
const BACK_WITHIN_MS = 120_000
const datacenter = 'datacenter1'

describeOn(['cassandra5Cluster'], 'A Cassandra of three nodes', () => {
  let cassandra: CassandraClusterEngine
  let session: CassandraSession
  const endpoint = (settings: Partial<CassandraEndpoint> = {}): CassandraEndpoint => ({
    contactPoints: [...cassandra.contactPoints],
    localDataCenter: datacenter,
    consistency: 'LOCAL_QUORUM',
    ...settings,
  })
  const ensure = (table: TableDef, replicas = 3) =>
    ensureTable({
      endpoint: endpoint(),
      table,
      autoCreate: true,
      autoEvolve: 'add-columns',
      replication: { class: 'NetworkTopologyStrategy', [datacenter]: replicas },
    })
  beforeAll(async () => {
    cassandra = await engines.cassandra5Cluster({ nodes: 2 })
    session = await connectCassandra(endpoint())
  }, STARTS_WITHIN_MS)
  afterAll(async () => {
    await session?.close()
    await cassandra?.[Symbol.asyncDispose]()
  })

  test('sends each row to a node that keeps it, also to one that joins later', { timeout: STARTS_WITHIN_MS }, async () => {
    // One replica: a row that goes to another node first would be written there by a coordinator that does not keep it.
    const [before, after] = [usersTable('single'), usersTable('single', 'users_after')]
    await ensure(before, 1)
    await ensure(after, 1)
    await using sink = await openSink(endpoint(), before)
    expect(await writeUntilDone(sink, userRows(0, 3_000), 60_000)).toEqual({ written: 3_000, refused: 0, unavailable: [] })
    const of = (table: TableDef, nodes: number) =>
      Promise.all(cassandra.contactPoints.slice(0, nodes).map((point) => writesOf(point, table)))
    const two = await of(before, 2)
    expect(two.map(({ coordinated }) => coordinated)).toEqual(two.map(({ kept }) => kept))
    expect(two.reduce((sum, { kept }) => sum + kept, 0)).toBe(3_000)

    await using sinkAfter = await openSink(endpoint(), after)
    await cassandra.startNode(2)
    // Writers learn of it by the server's event; rows go there as soon as they have.
    const three = await eventually(
      async () => {
        await writeUntilDone(sinkAfter, userRows(0, 300), 60_000)
        return of(after, 3)
      },
      (found) => found.every(({ coordinated }) => coordinated > 0),
      BACK_WITHIN_MS,
    )
    expect(three[2]?.kept).toBeGreaterThan(0)
  })

  test('has the replication of the settings', { timeout: STARTS_WITHIN_MS }, async () => {
    await ensure(usersTable('replicated'))
    const query = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = 'replicated'"
    const { rows } = await session.query(query)
    expect(rows).toEqual([{ replication: { class: 'org.apache.cassandra.locator.NetworkTopologyStrategy', [datacenter]: '3' } }])
  })

  test(
    'keeps each consistency that is asked for, of writes and of reads, while a node is away',
    { timeout: STARTS_WITHIN_MS },
    async () => {
      const table = usersTable('consistent')
      await ensure(table)
      await using quorum = await openSink(endpoint(), table)
      await using all = await openSink(endpoint({ consistency: 'ALL' }), table)
      await writeUntilDone(all, userRows(0, 100), 60_000)
      await cassandra.killNode(2)
      expect(await writeUntilDone(quorum, userRows(100, 2_000), 60_000)).toMatchObject({ written: 2_000, refused: 0 })
      await using reader = await connectCassandra(endpoint())
      await using strict = await connectCassandra(endpoint({ readConsistency: 'ALL' }))
      // Until the others have noticed, one of the two that are asked may be the one that is away.
      await countIs(reader, table, 2_100)
      // ALL needs the third node; ours and the npm driver's alike.
      await expect(strict.count('consistent', 'users')).rejects.toMatchObject({ code: 'CQL_RETRIABLE' })
      await expect(strict.query('SELECT count(*) FROM consistent.users')).rejects.toMatchObject({ code: 'CQL_RETRIABLE' })
      const waiting = writeUntilDone(all, userRows(2_100, 10), BACK_WITHIN_MS)
      // A schema changes without the node that is away, and it learns of it when it is back.
      const wide = { ...table, columns: [...table.columns, { name: 'email', type: { is: 'text' } as const, nullable: true }] }
      expect(await ensure(wide)).toEqual({ created: false, added: ['email'] })
      await cassandra.startNode(2)
      expect(await waiting).toMatchObject({
        written: 10,
        refused: 0,
        unavailable: expect.arrayContaining([expect.stringMatching(/UNAVAILABLE|WRITE_TIMEOUT/)]),
      })
      await using returned = await connectCassandra(endpoint({ contactPoints: cassandra.contactPoints.slice(2) }))
      await eventually(
        async () => (await returned.table('consistent', 'users'))?.columns.map(({ name }) => name),
        (columns) => columns?.includes('email') === true,
        BACK_WITHIN_MS,
      )
    },
  )

  test('that loses two nodes is waited for, and has every row once they are back', { timeout: STARTS_WITHIN_MS }, async () => {
    const table = usersTable('patient')
    await ensure(table)
    await using sink = await openSink(endpoint(), table)
    const pageRows = 500
    const writePages = async (from: number, pages: number): Promise<string[]> => {
      const unavailable: string[] = []
      for (let page = 0; page < pages; page++) {
        const result = await writeUntilDone(sink, userRows(from + page * pageRows, pageRows), BACK_WITHIN_MS)
        expect(result).toMatchObject({ written: pageRows, refused: 0 })
        unavailable.push(...result.unavailable)
      }
      return unavailable
    }
    await writePages(0, 4)
    // The node that the session and the first lane stand on, and another one.
    await Promise.all([cassandra.killNode(0), cassandra.killNode(1)])
    const going = writePages(2_000, 4)
    await Promise.race([going, eventually(() => isRefused(cassandra.contactPoints[0] ?? ''), Boolean, 60_000)])
    const restarting = cassandra.startNode(0).then(() => cassandra.startNode(1))
    const unavailable = await going
    expect(unavailable.filter((code) => !/UNAVAILABLE|WRITE_TIMEOUT|WRITE_FAILURE|UNREACHABLE|TIMED_OUT/.test(code))).toEqual([])
    await restarting
    await writePages(4_000, 2)
    await using strict = await connectCassandra(endpoint({ readConsistency: 'QUORUM' }))
    await countIs(strict, table, 5_000)
  })

  test('behind an SNI proxy, by a secure connect bundle, is one cluster', { timeout: STARTS_WITHIN_MS }, async () => {
    const nodes = new Map(await Promise.all(cassandra.contactPoints.map(nodeById)))
    await using astra = await startFakeAstra({ nodes, localDataCenter: datacenter })
    const table = usersTable('bundled')
    const bundled = endpoint({ contactPoints: [], localDataCenter: '', secureBundle: astra.bundle })
    const replication = { class: 'NetworkTopologyStrategy', [datacenter]: 3 }
    await ensureTable({ endpoint: bundled, table, autoCreate: true, autoEvolve: 'off', replication })
    await using sink = await openSink(bundled, table)
    expect(await writeUntilDone(sink, userRows(0, 3_000), 60_000)).toEqual({ written: 3_000, refused: 0, unavailable: [] })
    await using through = await connectCassandra(bundled)
    expect((await through.query('SELECT count(*) AS users FROM bundled.users')).rows).toEqual([{ users: '3000' }])
    // Each node was asked for by its host id, and nothing else was.
    expect(new Set(astra.proxy.asked)).toEqual(new Set(nodes.keys()))
    const newer: UserRow[] = userRows(0, 100, 2)
    astra.proxy.cutAll()
    expect(await writeUntilDone(sink, newer, 60_000)).toMatchObject({ written: 100, refused: 0 })
  })

  async function isRefused(contactPoint: string): Promise<boolean> {
    return connectCassandra({ contactPoints: [contactPoint], localDataCenter: datacenter, requestTimeoutMs: 1_000 }).then(
      (opened) => opened.close().then(() => false),
      () => true,
    )
  }
})

async function countIs(session: CassandraSession, { keyspace, name }: TableDef, rows: number): Promise<void> {
  await eventually(
    () => session.count(keyspace, name).catch((error: unknown) => String(error)),
    (count) => count === rows,
    BACK_WITHIN_MS,
  )
}

async function nodeById(contactPoint: string): Promise<[string, { host: string; port: number }]> {
  const [host = '', port = ''] = contactPoint.split(':')
  await using one = await connectCassandra({ contactPoints: [contactPoint], localDataCenter: datacenter })
  const { rows } = await one.query("SELECT host_id, rpc_address FROM system.local WHERE key = 'local'")
  const own = rows.find((row) => row.rpc_address === host) ?? (await peerRow(one, host))
  return [String(own?.host_id), { host, port: Number(port) }]
}

/** A query by the npm driver may have gone to another node. */
async function peerRow(session: CassandraSession, host: string): Promise<Record<string, unknown> | undefined> {
  const { rows } = await session.query('SELECT host_id, native_address FROM system.peers_v2')
  return rows.find((row) => row.native_address === host)
}
