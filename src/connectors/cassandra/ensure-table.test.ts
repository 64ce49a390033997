import { expect, test } from 'vitest'
import type { TableDef } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { ensureTable, type EnsureTable, type TableSession } from './ensure-table.ts'

const table: TableDef = {
  kind: 'cassandra',
  keyspace: 'shop',
  name: 'events',
  schema: 'Event',
  columns: [
    { name: 'id', type: { is: 'uuid' }, nullable: false },
    { name: 'at', type: { is: 'timestamp', unit: 'ms' }, nullable: false },
    { name: 'order', type: { is: 'text' }, nullable: true },
    { name: 'tags', type: { is: 'map', of: { is: 'list', of: { is: 'int32' } } }, nullable: true },
  ],
  partitionKey: ['id'],
  clusteringKey: [{ column: 'at', order: 'desc' }],
}
type Info = NonNullable<Awaited<ReturnType<TableSession['table']>>>
const fitting: Info = {
  keyspace: 'shop',
  name: 'events',
  columns: [
    { name: 'id', type: 'uuid' },
    { name: 'at', type: 'timestamp' },
    { name: 'order', type: 'text' },
    { name: 'tags', type: 'map<text, frozen<list<int>>>' },
    { name: 'theirs', type: 'inet' },
  ],
  partitionKey: ['id'],
  clusteringKey: [{ column: 'at', order: 'desc' }],
}

const refuse = (): Promise<void> => Promise.reject(new MillraceError('CQL', 'User has no CREATE permission.'))

function ensure(
  found: Info | null,
  options: Partial<Pick<EnsureTable, 'autoCreate' | 'autoEvolve' | 'replication'>> = {},
  change?: () => Promise<void>,
) {
  const ran: string[] = []
  let now = found
  const session: TableSession = {
    keyspaces: () => Promise.resolve(found ? ['shop'] : ['system']),
    table: () => Promise.resolve(now),
    changeSchema: async (cql) => {
      await change?.()
      ran.push(cql)
      if (cql.startsWith('CREATE TABLE')) now = fitting
    },
  }
  const result = ensureTable({ session, table, autoCreate: false, autoEvolve: 'off', ...options })
  return { ran, result }
}

const without = (name: string): Info => ({ ...fitting, columns: fitting.columns.filter((column) => column.name !== name) })

test('a table that fits is left alone, without the right to change it', async () => {
  const { ran, result } = ensure(fitting, { autoCreate: true, autoEvolve: 'add-columns' }, refuse)
  expect(await result).toEqual({ created: false, added: [] })
  expect(ran).toEqual([])
})

test('a missing keyspace and table are made', async () => {
  const { ran, result } = ensure(null, { autoCreate: true, replication: { class: 'NetworkTopologyStrategy', dc1: 3 } })
  expect(await result).toEqual({ created: true, added: [] })
  expect(ran).toEqual([
    "CREATE KEYSPACE IF NOT EXISTS shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
    'CREATE TABLE IF NOT EXISTS shop.events (id uuid, at timestamp, "order" text, tags frozen<map<text, frozen<list<int>>>>, ' +
      'PRIMARY KEY ((id), at)) WITH CLUSTERING ORDER BY (at DESC)',
  ])
})

test('without autoCreate the statements to run are told', async () => {
  const { ran, result } = ensure(null)
  await expect(result).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(result).rejects.toThrow(/Run CREATE KEYSPACE .*; CREATE TABLE .*; or set autoCreate: true/)
  expect(ran).toEqual([])
})

test('missing columns are added, or the statement to add them is told', async () => {
  const evolved = ensure(without('order'), { autoEvolve: 'add-columns' })
  expect(await evolved.result).toEqual({ created: false, added: ['order'] })
  expect(evolved.ran).toEqual(['ALTER TABLE shop.events ADD "order" text'])
  const refused = ensure(without('order'))
  await expect(refused.result).rejects.toMatchObject({
    code: 'TABLE_MISMATCH',
    details: { cql: 'ALTER TABLE shop.events ADD "order" text;' },
  })
})

test('another type or another key is refused with the difference', async () => {
  const otherType = { ...fitting, columns: fitting.columns.map((column) => (column.name === 'at' ? { name: 'at', type: 'text' } : column)) }
  await expect(ensure(otherType, { autoEvolve: 'add-columns' }).result).rejects.toThrow(
    "its column at is text, the pipeline's is timestamp",
  )
  const otherOrder: Info = { ...fitting, clusteringKey: [{ column: 'at', order: 'asc' }] }
  await expect(ensure(otherOrder).result).rejects.toThrow("its key is ((id), at asc), the pipeline's is ((id), at desc)")
  const otherKey: Info = { ...fitting, partitionKey: ['id', 'order'] }
  await expect(ensure(otherKey).result).rejects.toMatchObject({ code: 'TABLE_MISMATCH' })
})

test('a schema change that is not allowed tells the statement that was tried', async () => {
  const { result } = ensure(without('order'), { autoEvolve: 'add-columns' }, refuse)
  await expect(result).rejects.toThrow('User has no CREATE permission. The statement was: ALTER TABLE shop.events ADD "order" text;')
})

test('a role without rights is told what somebody else has to run, with what it needs itself', async () => {
  const refuseRole = (): Promise<void> =>
    Promise.reject(
      new MillraceError('AUTHENTICATION_FAILED', 'Role loader may not CREATE on all keyspaces.', { details: { role: 'loader' } }),
    )
  const missing = ensure(null, { autoCreate: true }, refuseRole)
  const cql =
    "CREATE KEYSPACE IF NOT EXISTS shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}; " +
    'CREATE TABLE IF NOT EXISTS shop.events (id uuid, at timestamp, "order" text, tags frozen<map<text, frozen<list<int>>>>, ' +
    'PRIMARY KEY ((id), at)) WITH CLUSTERING ORDER BY (at DESC); ' +
    'GRANT MODIFY ON TABLE shop.events TO loader; GRANT SELECT ON TABLE shop.events TO loader;'
  await expect(missing.result).rejects.toMatchObject({
    code: 'AUTHENTICATION_FAILED',
    message: `There is no table shop.events, and role loader has no right to make it. Have an administrator run ${cql}`,
    details: { cql },
  })
  const narrow = ensure(without('order'), { autoEvolve: 'add-columns' }, refuseRole)
  await expect(narrow.result).rejects.toMatchObject({ details: { cql: 'ALTER TABLE shop.events ADD "order" text;' } })
})
