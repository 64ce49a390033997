import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { addressed, hostNames } from '../platform/index.ts'
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
  const names = hostNames(hosts)
  return async ({ headers }, reply) => {
    const to = addressed(headers, names)
    if (to.is === 'foreign host')
      throw new RegistryError(403, `This registry is not called ${to.name || 'nothing'}; address it as ${[...names].join(', ')}.`)
    if (to.is === 'foreign origin') throw new RegistryError(403, 'A page of another origin may not ask here.')
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
    if (type !== undefined && !bodyTypes.includes(type))
      throw new RegistryError(415, `HTTP 415 Unsupported Media Type: send ${bodyTypes.join(' or ')}.`)
    if (credentials === null || isAuthorized(headers.authorization, credentials)) return
    void reply.header('www-authenticate', 'Basic realm="schema registry"')
    throw new RegistryError(40101, 'Unauthorized: send the user name and password of the data folder by HTTP Basic authentication.')
  }
}

function isAuthorized(header: string | undefined, { username, password }: { username: string; password: string }): boolean {
  const given = /^Basic (.+)$/i.exec(header ?? '')?.[1]
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return given !== undefined && timingSafeEqual(digest(Buffer.from(given, 'base64').toString('utf8')), digest(`${username}:${password}`))
}
