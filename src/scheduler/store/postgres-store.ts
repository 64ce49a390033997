import type { Pool, PoolConfig } from 'pg'
import { Kysely, sql } from 'kysely'
import { MillraceError, messageOf, type Logger } from '../../platform/index.ts'
import { migrate, type MetadataStore, type Store, type StoreTransaction } from './metadata-store.ts'
import { PostgresPoolDialect, type OnStatement } from './postgres-dialect.ts'
import { isConflict, isWithoutTls, postgresError, sqlStateOf, wantsTls } from './postgres-errors.ts'
import type { PostgresTarget } from './postgres-url.ts'
import type { Tables } from './tables.ts'

/** Enough for the loop, its leases and some readers; more would be taken from others. */
const maxConnections = 6
/** Ours to wait for an answer: longer than the server's limits, which come first while it lives. */
const queryTimeoutMs = 10_000
const statementTimeoutMs = 8_000
const lockTimeoutMs = 5_000
/** A scheduler that was cut off half-way: the server ends its transaction and frees its rows. */
const idleTransactionTimeoutMs = 15_000
const keepAliveAfterMs = 10_000
const idleConnectionMs = 30_000
const maxConflicts = 5
/** Session lock while tables are made, in the class of "mill". */
const lockClass = 0x6d696c6c

export interface PostgresStoreOptions {
  target: PostgresTarget
  /** Whose metadata it is; null takes any. */
  project: string | null
  log: Logger
  onStatement?: OnStatement
}

/**
 * Opens the store in its own schema, which is made when missing, and brings its tables up to date.
 * @throws METADATA_UNAVAILABLE (try again), AUTHENTICATION_FAILED, NOT_FOUND (no such database), CONFIG_INVALID (rights, TLS, another project's schema), DATA_DIR_NEWER
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<MetadataStore> {
  const { target } = options
  const pool = await connect(options)
  const root = new Kysely<Tables>({ dialect: new PostgresPoolDialect(pool, options.onStatement ?? (() => {})) })
  const db = root.withSchema(target.schema)
  try {
    await prepare(root, db, options)
  } catch (error) {
    await root.destroy().catch(() => {})
    throw postgresError(error, target)
  }
  return {
    address: target.address,
    shared: true,
    transaction: (action) => withRetries(db, action),
    leaseTime: (_nowMs, plusMs) => sql<number>`((extract(epoch from clock_timestamp()) * 1000)::bigint + ${plusMs}::bigint)`,
    error: (error) => postgresError(error, target),
    close: () => root.destroy(),
  }
}

/** A pool whose first connection stands, with TLS or without as `sslmode` allows. */
async function connect({ target, log }: PostgresStoreOptions): Promise<Pool> {
  // Loaded here: with SQLite nobody pays for it.
  const { default: pg } = await import('pg')
  for (const [i, ssl] of target.tls.entries()) {
    const config: PoolConfig = {
      host: target.host,
      port: target.port,
      user: target.user,
      database: target.database,
      // A function, so that neither PGPASSWORD nor ~/.pgpass answers for an empty one.
      password: () => target.password,
      ssl,
      application_name: target.applicationName,
      max: maxConnections,
      connectionTimeoutMillis: target.connectTimeoutMs,
      idleTimeoutMillis: idleConnectionMs,
      query_timeout: queryTimeoutMs,
      statement_timeout: statementTimeoutMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: idleTransactionTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveAfterMs,
      types: { getTypeParser: (oid, format) => (oid === pg.types.builtins.INT8 ? safeInteger : pg.types.getTypeParser(oid, format)) },
    }
    const pool = new pg.Pool(config)
    // An idle connection that was cut; whoever asks next gets a new one.
    pool.on('error', (error) => log.debug(`A connection to the metadata store was lost: ${messageOf(error)}`))
    try {
      const client = await pool.connect()
      client.release()
      return pool
    } catch (error) {
      await pool.end()
      const mayGoOn = i + 1 < target.tls.length && (ssl === false ? wantsTls(error) : isWithoutTls(error))
      if (!mayGoOn) throw postgresError(error, target)
    }
  }
  throw new MillraceError('INTERNAL', 'There is no way to connect to PostgreSQL.')
}

/** int8 comes as text: times and counts are far below 2^53, and anything else is not ours. */
function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new MillraceError('DATA_CORRUPT', `The metadata store has the number ${text}, too large to be one of Millrace's.`)
  return value
}

async function prepare(root: Store, db: Store, { target, project }: PostgresStoreOptions): Promise<void> {
  const { schema } = target
  // Several schedulers may start at once on an empty database: one makes the tables. The lock goes with the session.
  await root.connection().execute(async (session) => {
    const key = sql`${lockClass}, hashtext(${schema})`
    await untilLocked(session, key)
    try {
      await makeSchema(session, schema)
      await migrate(db, { name: target.address, schema })
    } finally {
      await sql`select pg_advisory_unlock(${key})`.execute(session)
    }
  })
  if (project === null) return
  const owner = await claimSchema(db, project)
  if (owner !== project) {
    throw new MillraceError(
      'CONFIG_INVALID',
      `Schema "${schema}" holds the metadata of project "${owner}", not of "${project}": give each project a schema of its own (?schema= in the metadata URL).`,
    )
  }
}

async function untilLocked(session: Store, key: ReturnType<typeof sql>): Promise<void> {
  try {
    await sql`select pg_advisory_lock(${key})`.execute(session)
  } catch (error) {
    // Longer than a statement may take: another scheduler is still making the tables.
    if (sqlStateOf(error) !== '55P03' && sqlStateOf(error) !== '57014') throw error
    throw new MillraceError('METADATA_UNAVAILABLE', 'Another scheduler is bringing the tables of the metadata store up to date.', {
      cause: error,
    })
  }
}

/** Without the right to make schemas, one that is there will do. */
async function makeSchema(session: Store, schema: string): Promise<void> {
  const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(session)
  if (rows.length === 0) await sql`create schema ${sql.id(schema)}`.execute(session)
}

async function claimSchema(db: Store, project: string): Promise<string> {
  await db
    .insertInto('setting')
    .values({ key: 'project', value: project })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return (await db.selectFrom('setting').select('value').where('key', '=', 'project').executeTakeFirstOrThrow()).value
}

async function withRetries<T>(db: Store, action: (trx: StoreTransaction) => Promise<T>): Promise<T> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await db.transaction().execute(action)
    } catch (error) {
      if (!isConflict(error) || conflicts >= maxConflicts) throw error
    }
  }
}
