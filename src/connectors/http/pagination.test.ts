import { expect, test } from 'vitest'
import type { Json } from '../../core/index.ts'
import { linkTarget } from './link-header.ts'
import { resolveHttpPoll } from './options.ts'
import { pagingOf, type Pagination } from './pagination.ts'
import { retryAfterMs } from './retry-after.ts'

const base = new URL('http://api.test/users?kind=all')

/** Walks pages until the last: what was asked, and the cursor kept at the end. */
function walk(pagination: Pagination, answers: { records: unknown[]; body?: unknown; link?: string }[]): { asked: string[]; end: Json } {
  const paging = pagingOf(pagination)
  let cursor = paging.first
  const asked: string[] = []
  for (const { records, body = {}, link } of answers) {
    const request = paging.request(cursor, base)
    if (!request) throw new Error('no request')
    asked.push(request.url.pathname + request.url.search)
    const next = paging.next(cursor, { url: request.url, records, body, headers: new Headers(link ? { link } : {}) })
    if (typeof next === 'string') throw new Error(next)
    cursor = next.cursor
    if (next.last) break
  }
  return { asked, end: cursor }
}

test('pages count up, and a page that is not full is read again by the next run', () => {
  const answers = [{ records: [1, 2] }, { records: [3] }, { records: [4] }]
  const { asked, end } = walk({ is: 'page', param: 'p', start: 0, size: { param: 'n', value: 2 } }, answers)
  expect(asked).toEqual(['/users?kind=all&p=0&n=2', '/users?kind=all&p=1&n=2'])
  expect(end).toEqual({ page: 1 })
})

test('offsets go on by what came, also after a short page', () => {
  const { asked, end } = walk({ is: 'offset', param: 'offset', limitParam: 'limit', limit: 2 }, [{ records: [1, 2] }, { records: [3] }])
  expect(asked).toEqual(['/users?kind=all&offset=0&limit=2', '/users?kind=all&offset=2&limit=2'])
  expect(end).toEqual({ offset: 3 })
})

test('a cursor is taken from the body until there is none', () => {
  const { asked, end } = walk({ is: 'cursor', param: 'after', path: 'meta.next' }, [
    { records: [1], body: { meta: { next: 'a b' } } },
    { records: [2], body: { meta: { next: null } } },
  ])
  expect(asked).toEqual(['/users?kind=all', '/users?kind=all&after=a+b'])
  expect(end).toEqual({ cursor: 'a b' })
})

test('links are followed on the same origin only', () => {
  const { asked } = walk({ is: 'link' }, [{ records: [1], link: '</users?page=2>; rel="next", </users>; rel=first' }, { records: [2] }])
  expect(asked).toEqual(['/users?kind=all', '/users?page=2'])
  expect(() => walk({ is: 'link' }, [{ records: [1], link: '<http://evil.test/>; rel=next' }])).toThrow(/another origin/)
})

test.each<[Pagination, Json]>([
  [{ is: 'page', param: 'p', start: 1, size: null }, { offset: 3 }],
  [{ is: 'offset', param: 'o', limitParam: 'l', limit: 1 }, { page: 3 }],
  [{ is: 'cursor', param: 'c', path: 'n' }, { page: 3 }],
  [{ is: 'link' }, { page: 3 }],
])('%j does not read the cursor of another pagination', (pagination, cursor) => {
  expect(pagingOf(pagination).request(cursor, base)).toBeNull()
})

test('the Link header is read as RFC 8288 writes it', () => {
  expect(linkTarget('<a>; title="x, rel=next"; rel="prev", <b;c>; rel="last next"', 'next')).toBe('b;c')
  expect(linkTarget('<a>; rel=prev', 'next')).toBeNull()
  expect(linkTarget(null, 'next')).toBeNull()
})

test('Retry-After is seconds or a date, and nothing else', () => {
  const now = Date.UTC(2026, 0, 1)
  expect(retryAfterMs('120', now)).toBe(120_000)
  expect(retryAfterMs('Thu, 01 Jan 2026 00:00:10 GMT', now)).toBe(10_000)
  expect(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
  for (const text of [null, '', 'soon', '-5', '1.5', '2026-01-01']) expect(retryAfterMs(text, now)).toBeNull()
})

test.each([
  [{ url: 'ftp://x' }, /url must be a URL/],
  [{ pages: 0 }, /pages must be a whole number/],
  [{ records: '' }, /records must be text/],
  [{ rateLimit: { requests: 1, per: '1s', burst: 3 } }, /burst is no option/],
])('the options %j are refused by name', (wrong, said) => {
  expect(() => resolveHttpPoll('users', { url: 'http://x/', every: '1s', ...wrong })).toThrow(said)
})
