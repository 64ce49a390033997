import type { Duration, Json, SourceSpec } from '../../core/index.ts'
import { OptionsReader } from '../options-reader.ts'
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

/** The source as data, its options checked. */
export function httpPollSpec(options: HttpPollOptions): SourceSpec {
  const { name, ...rest } = options
  resolveHttpPoll(name, rest)
  return { connector: 'http_poll', name, options: asJsonObject(rest) }
}

/** @returns every option with its default; throws DEFINITION_INVALID naming the option */
export function resolveHttpPoll(name: string, raw: Readonly<Record<string, unknown>>): HttpPoll {
  const reader = new OptionsReader(`source "${name}"`, raw)
  const polling = readPolling(name, reader)
  const urlText = reader.text('url')
  if (!/^https?:/.test(urlText) || !URL.canParse(urlText)) reader.wrong('url', 'must be a URL beginning with http:// or https://')
  const resolved = {
    ...polling,
    url: new URL(urlText),
    headers: readHeaders(reader),
    recordsPath: reader.optionalText('records') ?? '',
    pagination: readPagination(reader),
  }
  reader.refuseOthers()
  return resolved
}

export function readPolling(name: string, reader: OptionsReader): Polling {
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(name)) reader.wrong('name', 'must be 1 to 100 letters, digits, ".", "_" or "-"')
  const everyMs = reader.optionalDurationMs('every') ?? reader.wrong('every', "is required: a duration such as '1s'")
  return {
    name,
    everyMs,
    forMs: reader.optionalDurationMs('for'),
    pages: reader.optionalInteger('pages', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    minGapMs: readMinGapMs(reader),
    timeoutMs: reader.optionalDurationMs('timeout') ?? 10_000,
    retries: reader.optionalInteger('retries', { min: 0, max: 1000 }) ?? 5,
    backoffMs: reader.optionalDurationMs('backoff') ?? 1000,
    maxBackoffMs: reader.optionalDurationMs('maxBackoff') ?? 60_000,
    maxBodyBytes: reader.optionalInteger('maxBodyBytes', { min: 1, max: 1 << 30 }) ?? 64 << 20,
  }
}

function readMinGapMs(reader: OptionsReader): number {
  const limit = reader.optionalObject('rateLimit')
  if (!limit) return 0
  const requests = limit.optionalInteger('requests', { min: 1, max: 1_000_000 }) ?? limit.wrong('requests', 'is required')
  const perMs = limit.optionalDurationMs('per') ?? limit.wrong('per', "is required: a duration such as '1m'")
  limit.refuseOthers()
  return perMs / requests
}

function readHeaders(reader: OptionsReader): Record<string, HeaderValue> {
  const headers = reader.optionalObject('headers')
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

function readPagination(reader: OptionsReader): Pagination {
  const options = reader.optionalObject('pagination')
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

/** Options as JSON: what was left out as `undefined` is not there. */
export function asJsonObject(options: object): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [[key, asJson(value)]])))
}

function asJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(asJson)
  // Functions, symbols and bigints are no options: the check of the options has refused them where they stood.
  return typeof value === 'object' ? asJsonObject(value) : null
}
