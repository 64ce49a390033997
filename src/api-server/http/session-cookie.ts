import type { FastifyRequest } from 'fastify'
import { sessionMs } from '../access/access.ts'

/** What a cookie goes by: `https` where this server, or a proxy that it trusts, was asked by it. */
type Asked = Pick<FastifyRequest, 'protocol'>

/** The cookie that holds a browser's session. */
export interface SessionCookie {
  nameFor(request: Asked): string
  /** The header that sets it, or (null) takes it away. */
  header(request: Asked, secret: string | null): string
}

/**
 * By https it goes by https alone, under a name that no page of a neighbouring host, or by http, can set (RFC 6265bis §4.1.3).
 * @param instance tells it from those of other Millraces on other ports: browsers send cookies to all ports of a name
 * @param basePath '' for the root
 */
export function sessionCookie(instance: string, basePath: string): SessionCookie {
  const plain = `millrace_${instance.replaceAll(/\W/g, '').slice(-8)}`
  const nameFor = ({ protocol }: Asked): string => {
    if (protocol !== 'https') return plain
    return `${basePath === '' ? '__Host-' : '__Secure-'}${plain}`
  }
  return {
    nameFor,
    header: (request, secret) => {
      const age = secret === null ? 0 : sessionMs / 1_000
      const pair = `${nameFor(request)}=${secret ?? ''}`
      return `${pair}; Path=${basePath}/; HttpOnly; SameSite=Strict; Max-Age=${age}${request.protocol === 'https' ? '; Secure' : ''}`
    },
  }
}
