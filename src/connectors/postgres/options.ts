import type { Duration, Json, SecretReference, SourceSpec } from '../../core/index.ts'
import {
  duration,
  flag,
  integer,
  optionalDuration,
  readOptions,
  readSecret,
  asJsonObject,
  type Resolved,
  type TableOf,
} from '../option-table.ts'
import { isObject, OptionsReader } from '../options-reader.ts'

/** Options of a source that queries PostgreSQL. */
export interface PostgresQueryOptions {
  /** Names the cursor; unique within a project. */
  name: string
  /** `postgres://user@host:5432/database`, a password only by reference: of the whole URL, or beside it. */
  url: string | SecretReference
  password?: SecretReference
  /** One SELECT, without ORDER BY and LIMIT. `$1`, `$2`, … are the last values of the cursor's columns, for a query that is to use them itself. */
  query: string
  /** The columns of the query by which pages follow one another; together they are to be unique, and no row may come behind one that was read. */
  cursor: string | readonly string[]
  /** Begins behind these values of the cursor's columns. */
  from?: string | number | readonly (string | number)[]
  /** Rows a page, at most; 1,000. */
  batch?: number
  /** Goes on with what comes later, until it is stopped; without it the run ends with the first page that is not full. */
  follow?: boolean
  /** Goes on with what comes later, for so long. */
  for?: Duration
  /** While it follows: from one query that found all there is to the next; 1 s. */
  every?: Duration
  /** Of one query; 30 s. */
  timeout?: Duration
  /** After the first try; 5. */
  retries?: number
  /** First delay of the exponential back-off with jitter; 1 s. */
  backoff?: Duration
  /** Longest delay between two tries; 1 min. */
  maxBackoff?: Duration
}

/** Of `postgresQuery`. */
export const postgresQueryOptions = {
  url: {
    takes: '`postgres://user@host:5432/database?sslmode=…`, or `secret.env(…)`, `secret.file(…)` of one',
    standard: 'required',
    does: 'Where the database is. `sslmode`: `disable`, `require`, `verify-ca`, `verify-full`; left out, `verify-full`, and `disable` on loopback. `sslrootcert`: a file with the authority. A password may stand in it only where it is a secret.',
    read: readUrl,
  },
  password: {
    takes: '`secret.env(…)` or `secret.file(…)`',
    standard: 'that of the URL',
    does: 'Of the user.',
    read: readSecret,
  },
  query: {
    takes: 'a SELECT without ORDER BY and LIMIT',
    standard: 'required',
    does: 'Its rows are the records. `$1`, `$2`, … are the last values of the columns of `cursor`, for a query that is to use them itself; it needs `from` then.',
    read: (reader, key) => reader.text(key).trim().replace(/;$/, ''),
  },
  cursor: {
    takes: 'a column, or a list of columns',
    standard: 'required',
    does: 'By which pages follow one another, ascending (keyset paging); together they are to be unique, and no row may come behind one that was read.',
    read: (reader, key) => {
      const given = reader.raw(key)
      const columns = typeof given === 'string' ? [reader.text(key)] : reader.optionalTexts(key)
      return columns ?? reader.wrong(key, 'is required: the column, or columns, by which pages follow one another')
    },
  },
  from: {
    takes: 'a value, or a list with one for each column of `cursor`',
    standard: 'the beginning',
    does: 'Begins behind these values.',
    read: readFrom,
  },
  batch: integer({ standard: 1_000, min: 1, max: 100_000, does: 'Rows a page, at most.' }),
  follow: flag('Goes on with what comes later, until it is stopped. Without it the run ends with the first page that is not full.'),
  for: optionalDuration({ standard: 'see `follow`', does: 'Goes on with what comes later, for so long.' }),
  every: duration({ standard: '1s', does: 'While it follows: from one query that found all there is to the next.' }),
  timeout: duration({ standard: '30s', does: 'Of one query; PostgreSQL ends it then.' }),
  retries: integer({
    standard: 5,
    min: 0,
    max: 1_000,
    does: 'After the first try, of what passes: lost connections, a server that restarts, time-outs.',
  }),
  backoff: duration({ standard: '1s', does: 'First delay of the exponential back-off with jitter.' }),
  maxBackoff: duration({ standard: '1m', does: 'Longest delay between two tries.' }),
} satisfies TableOf<PostgresQueryOptions>

export type PostgresQuery = Resolved<typeof postgresQueryOptions>

/** The source as data, its options checked. Throws DEFINITION_INVALID naming the option. */
export function postgresQuerySpec(options: PostgresQueryOptions): SourceSpec {
  const { name, ...rest } = options
  resolvePostgresQuery(name, rest)
  return { connector: 'postgres_query', name, options: asJsonObject(rest) }
}

/** @returns every option with its default */
export function resolvePostgresQuery(name: string, raw: object): PostgresQuery {
  const options = readOptions(postgresQueryOptions, name, raw)
  const { cursor, from, query } = options
  const reader = new OptionsReader(`source "${name}"`, {})
  if (from !== null && from.length !== cursor.length)
    reader.wrong('from', `has ${from.length} values, and cursor ${cursor.length} columns: give one for each`)
  if (from === null && /\$[1-9]/.test(query))
    reader.wrong('from', 'is required where the query uses $1: what $1 is before anything was read')
  return options
}

function readUrl(reader: OptionsReader, key: string): string | SecretReference {
  const given = reader.raw(key)
  if (isObject(given)) return readSecret(reader, key) ?? reader.wrong(key, 'is required')
  const text = reader.text(key)
  const url = URL.parse(text)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) reader.wrong(key, 'must be postgres://user@host:5432/database')
  if (url.password !== '')
    reader.wrong(
      key,
      "holds a password: give the whole URL as secret.env('NAME') or secret.file('path'), or the password beside it likewise",
    )
  return text
}

function readFrom(reader: OptionsReader, key: string): string[] | null {
  const given = reader.raw(key)
  if (given === undefined) return null
  const values: unknown[] = Array.isArray(given) ? given : [given]
  return values.map((value) =>
    typeof value === 'string' || typeof value === 'number'
      ? String(value)
      : reader.wrong(key, 'must be text or a number, or a list of them'),
  )
}

/** The last values of the cursor's columns, as PostgreSQL writes them. */
export function cursorValues(cursor: Json, columns: readonly string[]): string[] | null {
  const after = isObject(cursor) ? cursor['after'] : undefined
  if (!Array.isArray(after) || after.length !== columns.length) return null
  const values = after.filter((value) => typeof value === 'string')
  return values.length === columns.length ? values : null
}
