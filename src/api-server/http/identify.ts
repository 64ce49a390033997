import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { MillraceError, addressed, type HostNames } from '../../platform/index.ts'
import type { Access } from '../access/access.ts'
import { mayDo, type Principal } from '../access/roles.ts'
import type { BrowserSession, Route } from './route.ts'

/** Bodies of this type need a preflight in a browser, which is never answered: a page elsewhere cannot send one (P8). */
const bodyType = 'application/json'
const csrfHeader = 'x-millrace-csrf'

export interface Asker {
  readonly principal: Principal
  readonly session: BrowserSession | null
}

/** Refuses what is not meant for this server, or what a page elsewhere sent (P8). Throws FORBIDDEN, BAD_REQUEST. */
export function checkOrigin({ headers, host, protocol }: Pick<FastifyRequest, 'headers' | 'host' | 'protocol'>, names: HostNames): void {
  const to = addressed({ host, origin: headers.origin, isSecure: protocol === 'https' }, names)
  if (to.is === 'foreign host')
    throw new MillraceError('FORBIDDEN', `This server is not called "${to.name}"; add that name to "console.hosts" if it should be.`)
  // Fetch Metadata (W3C): of a page elsewhere, also where a browser sends no Origin.
  const site = headers['sec-fetch-site']
  const isForeign =
    to.is === 'foreign origin' || ((site === 'cross-site' || site === 'same-site') && headers['sec-fetch-mode'] !== 'navigate')
  if (isForeign) throw new MillraceError('FORBIDDEN', 'A page of another origin may not ask here.')
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== undefined && type !== bodyType) throw new MillraceError('BAD_REQUEST', `Send the body as ${bodyType}.`)
}

/** Who asks, by API token (`Authorization: Bearer`) or by the session's cookie; null: nobody. */
export function identify(headers: IncomingHttpHeaders, access: Access, cookieName: string): Asker | null {
  const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (bearer !== undefined) {
    const principal = access.byToken(bearer)
    return principal && { principal, session: null }
  }
  const secret = cookie(headers, cookieName)
  const known = secret === null ? null : access.bySession(secret)
  return secret === null || known === null ? null : { principal: known.principal, session: { secret, csrf: known.csrf } }
}

function cookie({ cookie: header = '' }: IncomingHttpHeaders, name: string): string | null {
  const pair = header.split(';').find((each) => each.trimStart().startsWith(`${name}=`))
  return pair === undefined ? null : pair.slice(pair.indexOf('=') + 1).trim()
}

/** @throws MillraceError AUTHENTICATION_FAILED, FORBIDDEN */
export function authorize(route: Pick<Route, 'role' | 'method'>, asker: Asker | null, headers: IncomingHttpHeaders): Asker {
  if (route.role === 'anyone') return asker ?? nobody
  if (asker === null) throw new MillraceError('AUTHENTICATION_FAILED', 'Sign in first: "millrace open" makes a link.')
  const { principal, session } = asker
  if (!mayDo(principal, route.role))
    throw new MillraceError('FORBIDDEN', `${principal.name} is ${principal.role}; this needs the role ${route.role}.`)
  if (route.method !== 'GET' && session !== null && !isSame(headers[csrfHeader], session.csrf))
    throw new MillraceError('FORBIDDEN', `The header ${csrfHeader} is missing or not this session's: reload the page.`)
  return asker
}

const nobody: Asker = { principal: { name: 'nobody', role: 'viewer', via: 'session' }, session: null }

function isSame(given: string | string[] | undefined, expected: string): boolean {
  if (typeof given !== 'string') return false
  const [one, other] = [Buffer.from(given), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}
