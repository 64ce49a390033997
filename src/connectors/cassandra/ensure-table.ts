import type { Endpoints, TableDef } from '../../core/index.ts'
import type { CassandraSession } from '../../cql-client/index.ts'
import { MillraceError, type Logger } from '../../platform/index.ts'
import type { TablePlan } from './fit-table.ts'
import { openSession } from './session.ts'

/** Replication of a keyspace that is created, e.g. `{ class: 'SimpleStrategy', replication_factor: 1 }`. */
export type Replication = Readonly<Record<string, string | number>>

/** What is needed of a session: `cql-client`'s `CassandraSession` has it. */
export type TableSession = Pick<CassandraSession, 'keyspaces' | 'table' | 'changeSchema'>

/** With a session that stands, which stays open, or where to open one. */
export type EnsureTable = ({ session: TableSession } | { endpoint: Endpoints['cassandra'] }) & {
  table: TableDef
  autoCreate: boolean
  autoEvolve: 'off' | 'add-columns'
  /** Of a keyspace that is created; one copy when left out. */
  replication?: Replication
  log?: Logger
  signal?: AbortSignal
}

/**
 * Sees to it that the table is there and fits; works without the right to change a schema when it does already. NOT_FOUND
 * when it is missing and may not be created, TABLE_MISMATCH with the difference and, where one would mend it, the statement
 * to run (details `{ table, cql }`).
 */
export async function ensureTable(options: EnsureTable): Promise<{ created: boolean; added: string[] }> {
  const { fitTable } = await import('./fit-table.ts')
  return withSession(options, (session) => fitTable(options, session))
}

/** What `ensureTable` would do; nothing is changed. A difference that no statement mends is a refusal too. */
export async function lookAtTable(options: EnsureTable): Promise<TablePlan> {
  const { planTable } = await import('./fit-table.ts')
  return withSession(options, async (session) => {
    try {
      return await planTable(options, session)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'TABLE_MISMATCH') throw error
      return { statements: [], created: false, added: [], refusal: error, why: error.message }
    }
  })
}

async function withSession<T>(options: EnsureTable, use: (session: TableSession) => Promise<T>): Promise<T> {
  if ('session' in options) return use(options.session)
  const session = await openSession(options.endpoint, { log: options.log, signal: options.signal })
  try {
    return await use(session)
  } finally {
    await session.close()
  }
}
