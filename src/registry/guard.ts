import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RegistryError } from './registry-error.ts'

/** Bodies of these types need a preflight in a browser, which is never answered: a page elsewhere cannot send one (P8). */
export const bodyTypes: readonly string[] = [
  'application/vnd.schemaregistry.v1+json',
  'application/vnd.schemaregistry+json',
  'application/json',
]

export interface GuardOptions {
  /** Names that a request may address this server by, besides loopback's. */
  readonly hosts: readonly string[]
  readonly credentials: { readonly username: string; readonly password: string } | null
}

/** Checks Host, Origin, content type and, when there are any, credentials of every request (P8). */
export function createGuard({ hosts, credentials }: GuardOptions): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  // In the form that a request's are compared in: small letters, the shortest IPv6.
  const own = hosts.map((name) => hostname(`http://${name.includes(':') ? `[${name}]` : name}`)).filter((name) => name !== '')
  const names = new Set(['localhost', '127.0.0.1', '::1', ...own])
  return async ({ headers }, reply) => {
    const host = hostname(`http://${headers.host ?? ''}`)
    if (!names.has(host))
      throw new RegistryError(403, `This registry is not called ${host || 'nothing'}; address it as ${[...names].join(', ')}.`)
    if (headers.origin !== undefined && hostname(headers.origin) !== host)
      throw new RegistryError(403, 'A page of another origin may not ask here.')
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
    if (type !== undefined && !bodyTypes.includes(type))
      throw new RegistryError(415, `HTTP 415 Unsupported Media Type: send ${bodyTypes.join(' or ')}.`)
    if (credentials === null || isAuthorized(headers.authorization, credentials)) return
    void reply.header('www-authenticate', 'Basic realm="schema registry"')
    throw new RegistryError(40101, 'Unauthorized: send the user name and password of the data folder by HTTP Basic authentication.')
  }
}

function hostname(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : ''
}

function isAuthorized(header: string | undefined, { username, password }: { username: string; password: string }): boolean {
  const given = /^Basic (.+)$/i.exec(header ?? '')?.[1]
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return given !== undefined && timingSafeEqual(digest(Buffer.from(given, 'base64').toString('utf8')), digest(`${username}:${password}`))
}
