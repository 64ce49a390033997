import type { RandomUserEndpoint } from '../../core/index.ts'
import { systemClock, type Logger, type Part } from '../../platform/index.ts'
import { atPath } from '../http/json-path.ts'
import { withParams } from '../http/pagination.ts'
import { requestJson, type HttpWorld } from '../http/request.ts'

export const liveRandomUserUrl = 'https://randomuser.me/api/'
const probeTimeoutMs = 1000

export interface ChooseRandomUser {
  mode: 'auto' | 'live' | 'local'
  /** `MILLRACE_RANDOMUSER_URL`: another server in place of randomuser.me. */
  url: string | null
  /** Made once per project. */
  seed: string
  startLocal: () => Promise<Part & { url: string }>
  log: Logger
  world?: HttpWorld
  signal?: AbortSignal
}

/**
 * Decides once a start which RandomUser server is used; `why` says it in words and is shown wherever the source is.
 * `auto`: a named server as it is, else randomuser.me if one request is answered within 1 s, else the stand-in.
 */
export async function chooseRandomUser(
  options: ChooseRandomUser,
): Promise<{ endpoint: RandomUserEndpoint; standIn: (Part & { url: string }) | null }> {
  const chosen = await decide(options)
  options.log.info('RandomUser source chosen', { is: chosen.endpoint.is, url: chosen.endpoint.url, why: chosen.endpoint.why })
  return chosen
}

async function decide({
  mode,
  url,
  seed,
  startLocal,
  ...options
}: ChooseRandomUser): Promise<{ endpoint: RandomUserEndpoint; standIn: (Part & { url: string }) | null }> {
  const live = (at: string, why: string) => ({ endpoint: { url: at, is: 'live' as const, why, seed }, standIn: null })
  const local = async (why: string) => {
    const standIn = await startLocal()
    return { endpoint: { url: standIn.url, is: 'local' as const, why, seed }, standIn }
  }
  if (mode === 'local') return local(url === null ? 'local was asked for' : 'local was asked for; MILLRACE_RANDOMUSER_URL is not used')
  if (url !== null) return live(url, 'MILLRACE_RANDOMUSER_URL names it')
  if (mode === 'live') return live(liveRandomUserUrl, 'live was asked for')
  const problem = await probe(seed, options)
  return problem === null ? live(liveRandomUserUrl, 'it answered') : local(`randomuser.me cannot be used: ${problem}`)
}

/** One request, at most 1 s. @returns what was wrong, or null */
async function probe(seed: string, { world, signal }: Pick<ChooseRandomUser, 'world' | 'signal'>): Promise<string | null> {
  const answer = await requestJson(
    world ?? { clock: systemClock, random: Math.random, fetch: globalThis.fetch },
    {
      url: withParams(new URL(liveRandomUserUrl), { results: 1, seed, page: 1 }),
      headers: {},
      timeoutMs: probeTimeoutMs,
      maxBodyBytes: 1 << 20,
    },
    signal ?? new AbortController().signal,
  )
  if (!answer.ok) return answer.reason
  return typeof atPath(firstOf(atPath(answer.body, 'results')), 'login.uuid') === 'string' ? null : 'its answer holds no user'
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined
}
