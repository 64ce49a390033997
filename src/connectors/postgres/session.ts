import type { Client, QueryArrayResult } from 'pg'
import { abortReason } from '../../platform/index.ts'
import type { PageStatement } from './page-query.ts'
import type { PostgresTarget } from './target.ts'

/** One connection, made when it is needed, and anew once anything went wrong on it. */
export interface PostgresSession {
  /** The rows as PostgreSQL writes them. Rejects as `pg` does, and with the signal's reason when it aborts. */
  rows(statement: PageStatement, signal: AbortSignal): Promise<QueryArrayResult<(string | null)[]>>
  close(): void
}

const connectTimeoutMs = 10_000
/** Ours to wait for an answer: longer than the server's own limit, which comes first while it lives. */
const graceMs = 5_000

/** @param timeoutMs of a statement */
export function openPostgresSession(target: PostgresTarget, applicationName: string, timeoutMs: number): PostgresSession {
  let client: Client | null = null
  const drop = (): void => {
    void client?.end().catch(() => undefined)
    client = null
  }
  const query = async ({ text, values }: PageStatement): Promise<QueryArrayResult<(string | null)[]>> => {
    client ??= await connect(target, applicationName, timeoutMs)
    // With the settings in the transaction it works through a pooler too. It only reads: what the query calls may not write.
    await client.query(beginReading(timeoutMs))
    const result = await client.query<(string | null)[]>({ text, values, rowMode: 'array' })
    await client.query('COMMIT')
    return result
  }
  return {
    rows: async (statement, signal) => {
      const aborted = Promise.withResolvers<never>()
      const onAbort = (): void => aborted.reject(abortReason(signal))
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      const asked = query(statement)
      try {
        return await Promise.race([asked, aborted.promise])
      } catch (error) {
        asked.catch(() => undefined)
        drop()
        throw error
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    close: drop,
  }
}

function beginReading(timeoutMs: number): string {
  const settings = {
    statement_timeout: String(timeoutMs),
    timezone: 'UTC',
    datestyle: 'ISO, YMD',
    bytea_output: 'hex',
    extra_float_digits: '1',
  }
  const sets = Object.entries(settings).map(([name, value]) => `SET LOCAL ${name} = '${value}'`)
  return ['BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY', ...sets].join('; ')
}

async function connect(
  { host, port, user, password, database, tls }: PostgresTarget,
  applicationName: string,
  timeoutMs: number,
): Promise<Client> {
  // Loaded here: who asks no PostgreSQL does not pay for it.
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    host,
    port,
    user,
    database,
    // A function, so that neither PGPASSWORD nor ~/.pgpass answers for an empty one.
    password: () => password,
    ssl: tls,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: timeoutMs + graceMs,
    keepAlive: true,
    types: { getTypeParser: () => asText },
  })
  // Cut while nothing is asked of it: the next query tells.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    void client.end().catch(() => undefined)
    throw error
  }
}

function asText(text: string): string {
  return text
}
