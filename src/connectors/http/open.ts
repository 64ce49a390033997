import { MillraceError } from '../../platform/index.ts'
import type { PolledSource } from '../polled-source.ts'
import { atPath } from './json-path.ts'
import type { HeaderValue, HttpPoll } from './options.ts'
import { pagingOf } from './pagination.ts'
import { httpPoll } from './poll.ts'
import type { HttpWorld } from './request.ts'

export interface OpenHttpPoll {
  world: HttpWorld
  env: Readonly<Record<string, string | undefined>>
  log: (line: string) => void
}

/** The generic HTTP source; secrets are read from the environment here, and only here. Throws CONFIG_MISSING naming the variable. */
export function openHttpPoll(options: HttpPoll, { world, env, log }: OpenHttpPoll): PolledSource {
  const headers = Object.fromEntries(
    Object.entries(options.headers).map(([name, value]) => [name, headerValue(options.name, name, value, env)]),
  )
  return httpPoll(
    world,
    {
      ...options,
      headers,
      paging: pagingOf(options.pagination),
      pick: (body) => atPath(body, options.recordsPath),
      check: () => null,
      minRecords: 0,
      says: `${options.url.origin}${options.url.pathname}`,
      expectedRecords: null,
    },
    log,
  )
}

function headerValue(source: string, name: string, value: HeaderValue, env: OpenHttpPoll['env']): string {
  if (typeof value === 'string') return value
  const secret = env[value.env]
  if (!secret) {
    throw new MillraceError(
      'CONFIG_MISSING',
      `Source ${source}: header ${name} needs the environment variable ${value.env}, which is not set.`,
      {
        details: { variable: value.env },
      },
    )
  }
  return `${value.prefix ?? ''}${secret}`
}
