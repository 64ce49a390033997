import { startCqlStore as startStore, type CqlErrorName, type InterceptedStatement } from '../cql-store/index.ts'
import type { CassandraSession } from '../cql-client/index.ts'
import { Releasers } from '../platform/index.ts'
import { Failures, fateOf, type ConnectionFailure, type Times } from './failures.ts'
import { TestServer } from './test-server.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface StartTestCqlStoreOptions {
  /** Statements carried out one after another before the start resolves: keyspaces, tables, rows. */
  schema?: readonly string[]
}

/**
 * What is to become of the next request of a kind. `statement`: of the next whose CQL has this in it; without it those on
 * system tables, which drivers ask by themselves, are let pass.
 */
export type CqlFailure = Times & { statement?: string | RegExp } & ({ error: CqlErrorName } | ConnectionFailure)

/** The requests of the protocol (spec v4 §4.1) that can fail on purpose. */
export type CqlRequestName = 'QUERY' | 'PREPARE' | 'EXECUTE' | 'BATCH'

/** A table store of its own for one test: what Cassandra's drivers connect to. */
export interface TestCqlStore extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly contactPoint: string
  readonly host: string
  readonly port: number
  /** What drivers ask for; `datacenter1`. */
  readonly localDataCenter: string
  /** The rows of a SELECT as plain values; none of another statement. @throws MillraceError CQL as the store refuses it */
  rows(cql: string, params?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** The next request of that name, whoever's but this object's, meets this failure in place of its answer. */
  failNext(request: CqlRequestName, failure: CqlFailure): void
  /** Failures that have not come yet. */
  readonly failuresLeft: number
  /** Forgets them. */
  clearFailures(): void
  close(): Promise<void>
}

const localDataCenter = 'datacenter1'
const systemTables = /\b(system|system_schema|system_auth|system_traces|system_virtual_schema)\./i

/** Starts a table store in this process, on a free port of 127.0.0.1 and a temporary folder that goes with it. */
export async function startCqlStore({ schema = [] }: StartTestCqlStoreOptions = {}): Promise<TestCqlStore> {
  const failures = new Failures<InterceptedStatement, CqlErrorName>()
  const releasers = new Releasers()
  try {
    const own = new OwnStatements()
    const store = await startStore({
      dataDir: await temporaryFolder(releasers, 'tables'),
      host: '127.0.0.1',
      port: 0,
      flush: 'os',
      intercept: (statement) => (own.has(statement) ? null : failures.take(statement)),
    })
    releasers.add('store', () => store.close())
    const running = new RunningStore(store, { own, failures, releasers })
    for (const statement of schema) await running.rows(statement)
    return running
  } catch (error) {
    await releasers.close()
    throw error
  }
}

/** Statements that the test kit itself asks, which no failure is meant for. */
class OwnStatements {
  readonly #asking: string[] = []

  has({ statements }: InterceptedStatement): boolean {
    return statements.length > 0 && statements.every((statement) => this.#asking.includes(statement))
  }

  async whileAsking<T>(statement: string, ask: () => Promise<T>): Promise<T> {
    this.#asking.push(statement)
    try {
      return await ask()
    } finally {
      this.#asking.splice(this.#asking.indexOf(statement), 1)
    }
  }
}

interface RunningOptions {
  readonly own: OwnStatements
  readonly failures: Failures<InterceptedStatement, CqlErrorName>
  readonly releasers: Releasers
}

class RunningStore extends TestServer<InterceptedStatement, CqlErrorName> implements TestCqlStore {
  readonly contactPoint: string
  readonly host: string
  readonly port: number
  readonly localDataCenter = localDataCenter
  readonly #options: RunningOptions
  /** Connected when it is first needed: many tests bring a driver of their own. */
  #session: Promise<CassandraSession> | null = null

  constructor({ address, host, port }: { address: string; host: string; port: number }, options: RunningOptions) {
    super(options)
    this.contactPoint = address
    this.host = host
    this.port = port
    this.#options = options
  }

  async rows(cql: string, params: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    this.#session ??= this.#connect()
    const session = await this.#session
    const { rows } = await this.#options.own.whileAsking(cql, () => session.query(cql, { params }))
    return rows
  }

  failNext(request: CqlRequestName, { times, statement, ...failure }: CqlFailure): void {
    const fate = fateOf(failure, ({ error }: { error: CqlErrorName }) => error)
    this.failures.add(({ opcode, statements }) => opcode === request && statements.some((cql) => isMeant(cql, statement)), fate, times)
  }

  async #connect(): Promise<CassandraSession> {
    const { connectCassandra } = await import('../cql-client/index.ts')
    const session = await connectCassandra({ contactPoints: [this.contactPoint], localDataCenter, consistency: 'LOCAL_ONE' })
    this.releasers.add('session', () => session.close())
    return session
  }
}

function isMeant(cql: string, wanted: string | RegExp | undefined): boolean {
  if (wanted === undefined) return !systemTables.test(cql)
  return typeof wanted === 'string' ? cql.includes(wanted) : wanted.test(cql)
}
