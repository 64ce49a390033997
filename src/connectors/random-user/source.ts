import type { Json, RandomUserEndpoint } from '../../core/index.ts'
import { withParams, type Paging } from '../http/pagination.ts'
import { httpPoll } from '../http/poll.ts'
import type { HttpWorld } from '../http/request.ts'
import { atPath } from '../http/json-path.ts'
import { isObject } from '../options-reader.ts'
import type { PolledSource } from '../polled-source.ts'
import type { RandomUserPoll } from './spec.ts'

/**
 * RandomUser by pages. Each request carries seed and page, live too, so that a page read again gives the same users under
 * the same keys (P4); a cursor keeps the seed it began with.
 */
export function openRandomUser(
  options: RandomUserPoll,
  endpoint: RandomUserEndpoint,
  world: HttpWorld,
  log: (line: string) => void,
): PolledSource {
  const pages = options.pages ?? (options.forMs === null ? null : Math.max(1, Math.ceil(options.forMs / Math.max(1, options.everyMs))))
  return httpPoll(
    world,
    {
      ...options,
      url: new URL(endpoint.url),
      headers: {},
      paging: bySeedAndPage(options, endpoint.seed),
      pick: (body) => atPath(body, 'results'),
      check: (user) => shapeProblem(user, options.inc),
      minRecords: 1,
      says: `${endpoint.is} RandomUser at ${endpoint.url} (${endpoint.why})`,
      expectedRecords: pages === null ? null : pages * options.results,
    },
    log,
  )
}

function bySeedAndPage({ results, nat, inc }: RandomUserPoll, seed: string): Paging {
  return {
    first: { seed, page: 1 },
    request: (cursor, base) => {
      const at = seedAndPage(cursor)
      if (!at) return null
      const chosen = { ...(nat ? { nat: nat.join(',') } : {}), ...(inc ? { inc: inc.join(',') } : {}) }
      return { url: withParams(base, { results, seed: at.seed, page: at.page, ...chosen }), label: String(at.page) }
    },
    next: (cursor) => {
      const at = seedAndPage(cursor)
      return at ? { cursor: { seed: at.seed, page: at.page + 1 }, last: false } : 'the cursor is none of RandomUser'
    },
  }
}

function seedAndPage(cursor: Json): { seed: string; page: number } | null {
  if (!isObject(cursor)) return null
  const { seed, page } = cursor
  return typeof seed === 'string' && typeof page === 'number' ? { seed, page } : null
}

/** Fields by which a mapping reaches into a user: what an answer of another shape lacks. */
const expected: readonly { path: string; is: 'string' | 'object' }[] = [
  { path: 'gender', is: 'string' },
  { path: 'name.first', is: 'string' },
  { path: 'name.last', is: 'string' },
  { path: 'location.street', is: 'object' },
  { path: 'location.city', is: 'string' },
  { path: 'email', is: 'string' },
  { path: 'login.uuid', is: 'string' },
  { path: 'login.username', is: 'string' },
  { path: 'dob.date', is: 'string' },
  { path: 'registered.date', is: 'string' },
  { path: 'phone', is: 'string' },
  { path: 'cell', is: 'string' },
  { path: 'picture.medium', is: 'string' },
  { path: 'nat', is: 'string' },
]

function shapeProblem(user: Record<string, unknown>, inc: readonly string[] | null): string | null {
  for (const { path, is } of expected) {
    if (inc && !inc.includes(path.split('.')[0] ?? '')) continue
    if (typeof atPath(user, path) !== is) return `is no RandomUser: ${path} is missing or of another type`
  }
  return null
}
