import type { Json } from '../../core/index.ts'
import { isObject } from '../options-reader.ts'
import { atPath } from './json-path.ts'
import { linkTarget } from './link-header.ts'

/** How an API divides its records into pages. */
export type Pagination =
  /** Every request asks the same; the poll goes on for its time. */
  | { is: 'none' }
  /** `?page=1`, `?page=2`, …; with `size` a page with fewer records is the last. */
  | { is: 'page'; param: string; start: number; size: { param: string; value: number } | null }
  /** `?offset=0&limit=100`, … */
  | { is: 'offset'; param: string; limitParam: string; limit: number }
  /** The body says the next page's cursor at `path`; none means the last page. */
  | { is: 'cursor'; param: string; path: string }
  /** The Link header's `rel="next"` (RFC 8288), on the same origin. */
  | { is: 'link' }

export interface PageRead {
  /** What was asked. */
  url: URL
  body: unknown
  records: readonly unknown[]
  headers: Headers
}

/** Cursor to request and answer to next cursor. Reading again from a cursor asks for the same page again (P4). */
export interface Paging {
  /** Where a source begins that has no cursor yet. */
  first: Json
  /** @returns null when the cursor is none of this source's: someone changed the pagination */
  request(cursor: Json, base: URL): { url: URL; label: string } | null
  /** `last`: there is no page after this one, and the next run begins at `cursor`. A text says what is wrong with the answer. */
  next(cursor: Json, page: PageRead): { cursor: Json; last: boolean } | string
}

export function pagingOf(pagination: Pagination): Paging {
  switch (pagination.is) {
    case 'none':
      return { first: {}, request: (_cursor, base) => ({ url: base, label: 'poll' }), next: () => ({ cursor: {}, last: false }) }
    case 'page':
      return byPage(pagination)
    case 'offset':
      return byOffset(pagination)
    case 'cursor':
      return byCursor(pagination)
    case 'link':
      return byLink()
  }
}

function byPage({ param, start, size }: Extract<Pagination, { is: 'page' }>): Paging {
  return {
    first: { page: start },
    request: (cursor, base) => {
      const page = numberAt(cursor, 'page')
      if (page === null) return null
      return { url: withParams(base, { [param]: page, ...(size ? { [size.param]: size.value } : {}) }), label: String(page) }
    },
    next: (cursor, { records }) => {
      const isLast = records.length < (size?.value ?? 1)
      const page = numberAt(cursor, 'page') ?? start
      return { cursor: { page: isLast ? page : page + 1 }, last: isLast }
    },
  }
}

function byOffset({ param, limitParam, limit }: Extract<Pagination, { is: 'offset' }>): Paging {
  return {
    first: { offset: 0 },
    request: (cursor, base) => {
      const offset = numberAt(cursor, 'offset')
      return offset === null ? null : { url: withParams(base, { [param]: offset, [limitParam]: limit }), label: `offset ${offset}` }
    },
    next: (cursor, { records }) => ({
      cursor: { offset: (numberAt(cursor, 'offset') ?? 0) + records.length },
      last: records.length < limit,
    }),
  }
}

function byCursor({ param, path }: Extract<Pagination, { is: 'cursor' }>): Paging {
  return {
    first: { cursor: null },
    request: (cursor, base) => {
      const at = isObject(cursor) ? cursor['cursor'] : undefined
      if (at === null) return { url: base, label: 'first' }
      return typeof at === 'string' || typeof at === 'number' ? { url: withParams(base, { [param]: at }), label: String(at) } : null
    },
    next: (cursor, { body }) => {
      const next = atPath(body, path)
      if (next === undefined || next === null || next === '') return { cursor, last: true }
      if (typeof next !== 'string' && typeof next !== 'number') return `the next cursor at ${path} is neither text nor a number`
      return { cursor: { cursor: next }, last: false }
    },
  }
}

function byLink(): Paging {
  return {
    first: { url: null },
    request: (cursor, base) => {
      const at = isObject(cursor) ? cursor['url'] : undefined
      if (at === null) return { url: base, label: 'first' }
      if (typeof at !== 'string' || !URL.canParse(at, base.href)) return null
      const url = new URL(at, base)
      return url.origin === base.origin ? { url, label: url.search === '' ? url.pathname : url.search } : null
    },
    next: (cursor, { url, headers }) => {
      const target = linkTarget(headers.get('link'), 'next')
      if (target === null) return { cursor, last: true }
      if (!URL.canParse(target, url.href)) return `the Link header's next is no URL: ${target}`
      const next = new URL(target, url)
      // Another origin would be given this one's secret headers.
      if (next.origin !== url.origin) return `the Link header's next leads to another origin, ${next.origin}`
      return { cursor: { url: next.href }, last: false }
    },
  }
}

function numberAt(cursor: Json, field: string): number | null {
  const value = isObject(cursor) ? cursor[field] : undefined
  return typeof value === 'number' ? value : null
}

export function withParams(base: URL, params: Readonly<Record<string, string | number>>): URL {
  const url = new URL(base)
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, String(value))
  return url
}
