import type { Json } from '../../core/index.ts'
import { backoffMs, MillraceError, type Clock } from '../../platform/index.ts'
import type { PolledPage, PolledSource } from '../polled-source.ts'
import { secretText } from '../secret-text.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'
import { unfitCursor } from '../unfit-cursor.ts'
import { failureOf } from './errors.ts'
import { cursorValues, type PostgresQuery } from './options.ts'
import { pageStatement, queriedPage, type QueriedPage } from './page-query.ts'
import { openPostgresSession, type PostgresSession } from './session.ts'
import { postgresTarget, type PostgresTarget } from './target.ts'

export interface PostgresWorld {
  clock: Clock
  /** [0, 1), for jitter. */
  random: () => number
  env: Readonly<Record<string, string | undefined>>
  /** What files are relative to. */
  folder: string
  log: (line: string) => void
}

type Page = Extract<QueriedPage, { ok: true }>

/**
 * Rows of a query, in the order of its cursor's columns. What passes is retried with back-off, each retry logged; when the retries are used up, or
 * nothing would mend it, `read` throws SOURCE_FAILED. Throws CONFIG_MISSING for a secret that is not there, CONFIG_INVALID for a URL that is none.
 */
export function openPostgresQuery(name: string, options: PostgresQuery, world: PostgresWorld): PolledSource {
  const { env, folder } = world
  const secret = (option: string) => ({ env, folder, source: name, option })
  const url = typeof options.url === 'string' ? options.url : secretText(options.url, secret('url'))
  const password = options.password && secretText(options.password, secret('password'))
  const target = postgresTarget(url, { source: name, password, folder })
  return {
    says: `a query of ${target.host}:${target.port}/${target.database} by ${options.cursor.join(', ')}`,
    expectedRecords: null,
    read: (cursor, signal) => readRows(new QueryRun({ name, options, world, target, signal }), cursor),
  }
}

async function* readRows(run: QueryRun, cursor: Json): AsyncGenerator<PolledPage> {
  const { name, options, world, signal } = run.of
  stopIfAborted(signal)
  const { every, for: forMs, follow } = options
  const { clock } = world
  const endsMs = forMs === null ? (follow ? Number.POSITIVE_INFINITY : null) : clock.monotonicMs() + forMs
  let after = cursor === null ? options.from : cursorValues(cursor, options.cursor)
  if (cursor !== null && after === null) throw unfitCursor(name, cursor)
  try {
    for (;;) {
      const page = await run.page(after)
      if (page.after !== null) {
        const label = after === null ? 'start' : `after ${after.join(', ').slice(0, 100)}`
        ;({ after } = page)
        yield { records: page.records, cursor: { after: page.after }, label }
        stopIfAborted(signal)
      }
      if (page.isFull && (endsMs === null || clock.monotonicMs() < endsMs)) continue
      if (endsMs === null || clock.monotonicMs() + every >= endsMs) return
      await clock.sleep(every, signal)
    }
  } finally {
    run.close()
  }
}

interface RunOf {
  name: string
  options: PostgresQuery
  world: PostgresWorld
  target: PostgresTarget
  signal: AbortSignal
}

class QueryRun {
  readonly of: RunOf
  readonly #session: PostgresSession

  constructor(of: RunOf) {
    this.of = of
    this.#session = openPostgresSession(of.target, `millrace ${of.name}`, of.options.timeout)
  }

  /** The rows behind these values of the cursor's columns. */
  async page(after: readonly string[] | null): Promise<Page> {
    const { options, world, signal } = this.of
    const { query, cursor, batch, retries, backoff, maxBackoff } = options
    const statement = pageStatement(query, cursor, after, batch)
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#ask(() => this.#session.rows(statement, signal))
      if (answer.ok) {
        const page = queriedPage(answer.value, cursor, batch)
        if (page.ok) return page
        throw this.#failed(`: ${page.problem}`, false)
      }
      const { reason, passes, cause } = answer
      if (!passes) throw this.#failed(` failed for good: ${reason}`, false, cause)
      if (attempt >= retries) throw this.#failed(` failed ${attempt + 1} times; last: ${reason}`, true, cause)
      const delayMs = backoffMs(attempt, { initialMs: backoff, maxMs: maxBackoff }, world.random)
      world.log(`the query: ${reason}; retry ${attempt + 1} of ${retries} in ${(delayMs / 1000).toFixed(1)} s`)
      await world.clock.sleep(delayMs, signal)
    }
  }

  close(): void {
    this.#session.close()
  }

  async #ask<T>(ask: () => Promise<T>): Promise<{ ok: true; value: T } | { ok: false; reason: string; passes: boolean; cause: unknown }> {
    try {
      return { ok: true, value: await ask() }
    } catch (error) {
      stopIfAborted(this.of.signal)
      return { ok: false, ...failureOf(error), cause: error }
    }
  }

  #failed(what: string, retriable: boolean, cause?: unknown): MillraceError {
    const { name, target } = this.of
    const message = `Source ${name}: the query of ${target.host}:${target.port}/${target.database}${what}.`
    return new MillraceError('SOURCE_FAILED', message, { cause, retriable, details: { source: name } })
  }
}
