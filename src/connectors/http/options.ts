import type { Duration, SourceSpec } from '../../core/index.ts'
import {
  asJsonObject,
  bytes,
  duration,
  integer,
  optionalDuration,
  optionalInteger,
  optionalText,
  readOptions,
  requiredDuration,
  type OptionTable,
  type TableOf,
  type Resolved,
} from '../option-table.ts'
import type { OptionsReader } from '../options-reader.ts'
import type { Pagination } from './pagination.ts'

/** A header's value: text, or taken from an environment variable when the source runs, so that no secret stands in a pipeline file (P8). */
export type HeaderValue = string | { env: string; prefix?: string }

/** Options of a source that polls a JSON API over HTTP. */
export interface HttpPollOptions {
  /** Names the cursor; unique within a project. */
  name: string
  url: string
  /** From the start of one request to the start of the next. */
  every: Duration
  /** Wall duration of a run, from its first request; left out: until the last page, or until it is stopped. */
  for?: Duration
  /** At most so many pages a run. */
  pages?: number
  headers?: Record<string, HeaderValue>
  /** Where in the body the records are, names joined by dots; left out: the body is the array. */
  records?: string
  pagination?:
    | { is: 'none' }
    | { is: 'page'; param?: string; start?: number; size?: { param: string; value: number } }
    | { is: 'offset'; param?: string; limitParam?: string; limit: number }
    | { is: 'cursor'; param: string; path: string }
    | { is: 'link' }
  /** At most so many requests in this time, retries included. */
  rateLimit?: { requests: number; per: Duration }
  /** For a whole answer; 10 s. */
  timeout?: Duration
  /** After the first try; 5. */
  retries?: number
  /** First delay of the exponential back-off with jitter; 1 s. */
  backoff?: Duration
  /** Longest delay between two tries, and the longest `Retry-After` that is waited for; 1 min. */
  maxBackoff?: Duration
  /** 64 MiB. */
  maxBodyBytes?: number
}

/** The part of the options that every source over HTTP has. */
export interface Polling {
  name: string
  everyMs: number
  forMs: number | null
  pages: number | null
  minGapMs: number
  timeoutMs: number
  retries: number
  backoffMs: number
  maxBackoffMs: number
  maxBodyBytes: number
}

export interface HttpPoll extends Polling {
  url: URL
  headers: Record<string, HeaderValue>
  recordsPath: string
  pagination: Pagination
}

/** What every source over HTTP has; what each option does is said here alone. */
export const pollingOptions = {
  every: requiredDuration('From the start of one request to the start of the next.'),
  for: optionalDuration({
    standard: 'until the last page, or until it is stopped',
    does: 'Wall duration of a run, from its first request.',
  }),
  pages: optionalInteger({ standard: 'no limit', min: 1, does: 'At most so many pages a run.' }),
  timeout: duration({ standard: '10s', does: 'For a whole answer.' }),
  retries: integer({ standard: 5, min: 0, max: 1_000, does: 'After the first try.' }),
  backoff: duration({ standard: '1s', does: 'First delay of the exponential back-off with jitter.' }),
  maxBackoff: duration({ standard: '1m', does: 'Longest delay between two tries, and the longest `Retry-After` that is waited for.' }),
  maxBodyBytes: bytes({ standard: 64 << 20, max: 1 << 30, does: 'A larger answer fails the run.' }),
  rateLimit: {
    takes: '`{ requests, per }`, a number and a duration',
    standard: 'no limit',
    does: 'At most so many requests in this time, retries included.',
    read: readMinGapMs,
  },
} satisfies OptionTable

/** Of `httpPoll`. */
export const httpPollOptions = {
  url: {
    takes: 'a URL',
    standard: 'required',
    does: 'What is polled, by GET; parameters of the pagination are added to it.',
    read: (reader, key) => {
      const given = reader.text(key)
      if (!/^https?:/.test(given) || !URL.canParse(given)) reader.wrong(key, 'must be a URL beginning with http:// or https://')
      return new URL(given)
    },
  },
  ...pollingOptions,
  headers: {
    takes: "names and values; a value is text or `{ env: 'NAME', prefix?: 'Bearer ' }`",
    standard: 'none',
    does: 'Sent with each request. `env`: taken from an environment variable when the source runs.',
    read: readHeaders,
  },
  records: optionalText({ standard: 'the body is the array', does: 'Where in the body the records are, names joined by dots.' }),
  pagination: {
    takes:
      "`{ is: 'page', param?, start?, size? }`, `{ is: 'offset', param?, limitParam?, limit }`, `{ is: 'cursor', param, path }`, `{ is: 'link' }` or `{ is: 'none' }`",
    standard: "`{ is: 'none' }`",
    does: 'How the next page is asked for: by its number, by an offset, by what the body holds at `path`, by the header `Link` (RFC 8288), or as before.',
    read: readPagination,
  },
} satisfies TableOf<HttpPollOptions>

/** The source as data, its options checked. */
export function httpPollSpec(options: HttpPollOptions): SourceSpec {
  const { name, ...rest } = options
  resolveHttpPoll(name, rest)
  return { connector: 'http_poll', name, options: asJsonObject(rest) }
}

/** @returns every option with its default; throws DEFINITION_INVALID naming the option */
export function resolveHttpPoll(name: string, raw: object): HttpPoll {
  const { url, headers, records, pagination, ...polling } = readOptions(httpPollOptions, name, raw)
  return { ...pollingOf(name, polling), url, headers, recordsPath: records ?? '', pagination }
}

export function pollingOf(name: string, polling: Resolved<typeof pollingOptions>): Polling {
  const { every, for: forMs, pages, timeout, retries, backoff, maxBackoff, maxBodyBytes, rateLimit } = polling
  return {
    name,
    everyMs: every,
    forMs,
    pages,
    minGapMs: rateLimit,
    timeoutMs: timeout,
    retries,
    backoffMs: backoff,
    maxBackoffMs: maxBackoff,
    maxBodyBytes,
  }
}

function readMinGapMs(reader: OptionsReader, key: string): number {
  const limit = reader.optionalObject(key)
  if (!limit) return 0
  const requests = limit.optionalInteger('requests', { min: 1, max: 1_000_000 }) ?? limit.wrong('requests', 'is required')
  const perMs = limit.optionalDurationMs('per') ?? limit.wrong('per', "is required: a duration such as '1m'")
  limit.refuseOthers()
  return perMs / requests
}

function readHeaders(reader: OptionsReader, key: string): Record<string, HeaderValue> {
  const headers = reader.optionalObject(key)
  if (!headers) return {}
  const value = (name: string): HeaderValue => {
    if (typeof headers.raw(name) === 'string') return headers.text(name)
    const secret = headers.optionalObject(name) ?? headers.wrong(name, "must be text or { env: 'NAME' }")
    const prefix = secret.raw('prefix')
    if (prefix !== undefined && typeof prefix !== 'string') secret.wrong('prefix', 'must be text')
    return { env: secret.text('env'), ...(typeof prefix === 'string' ? { prefix } : {}) }
  }
  return Object.fromEntries(headers.keys().map((name) => [name.toLowerCase(), value(name)]))
}

function readPagination(reader: OptionsReader, key: string): Pagination {
  const options = reader.optionalObject(key)
  if (!options) return { is: 'none' }
  const pagination = paginationOf(options)
  options.refuseOthers()
  return pagination
}

function paginationOf(options: OptionsReader): Pagination {
  const large = Number.MAX_SAFE_INTEGER
  const is = options.text('is')
  switch (is) {
    case 'none':
    case 'link':
      return { is }
    case 'page': {
      const size = options.optionalObject('size')
      return {
        is,
        param: options.optionalText('param') ?? 'page',
        start: options.optionalInteger('start', { min: 0, max: large }) ?? 1,
        size: size && {
          param: size.text('param'),
          value: size.optionalInteger('value', { min: 1, max: large }) ?? size.wrong('value', 'is required'),
        },
      }
    }
    case 'offset':
      return {
        is,
        param: options.optionalText('param') ?? 'offset',
        limitParam: options.optionalText('limitParam') ?? 'limit',
        limit: options.optionalInteger('limit', { min: 1, max: large }) ?? options.wrong('limit', 'is required'),
      }
    case 'cursor':
      return { is, param: options.text('param'), path: options.text('path') }
    default:
      return options.wrong('is', "must be 'none', 'page', 'offset', 'cursor' or 'link'")
  }
}
